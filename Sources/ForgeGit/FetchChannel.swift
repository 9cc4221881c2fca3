internal import FoundationEssentials
internal import ForgeSystem
internal import Glibc

/// The fetching process's side of the conversation, over its standard streams. For one thread.
final class FetchChannel {
    /// Lines are ours, both ways; a longer one is a mistake.
    static let maximumLine = 1 << 16

    private let input = Descriptor(owning: STDIN_FILENO)
    private var lastProgress: ContinuousClock.Instant?
    private var wasComplete = false

    /// Nil at the end: the asker has gone.
    func receive<Message: Decodable>(_ type: Message.Type) throws -> Message? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < Self.maximumLine {
            let count = try withUnsafeMutableBytes(of: &byte) { try input.read(into: $0) }
            if count == 0 { return nil }
            if byte == UInt8(ascii: "\n") { return try JSONDecoder().decode(type, from: Data(line)) }
            line.append(byte)
        }
        return nil
    }

    func send(_ reply: FetchReply) throws {
        try StandardStreams.writeOutput(String(decoding: JSONEncoder().encode(reply), as: UTF8.self) + "\n")
    }

    /// At most ten times a second, however often it is called, and once when everything has come.
    func progress(_ progress: FetchProgress) throws {
        let now = ContinuousClock.now
        let isComplete = progress.totalObjects > 0 && progress.receivedObjects == progress.totalObjects
        guard isComplete != wasComplete || lastProgress.map({ now - $0 >= .milliseconds(100) }) ?? true else { return }
        if isComplete && wasComplete { return }
        (lastProgress, wasComplete) = (now, isComplete)
        try send(.progress(progress))
    }
}
