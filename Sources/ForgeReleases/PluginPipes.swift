internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// The three streams of a running plugin. Every wait can be ended by `interrupt`, whoever holds the other ends.
final class PluginPipes: Sendable {
    /// Why waiting was ended from this side.
    enum Interruption: Error, Hashable { case timeLimit, cancelled }

    /// The plugin's ends; gone once the plugin has its copies.
    private let childEnds: Mutex<[Int32: Descriptor]>
    private let input: Mutex<Descriptor?>
    private let output: Descriptor
    private let error: Descriptor
    private let wake: (read: Descriptor, write: Descriptor)
    private let interruption = Mutex<Interruption?>(nil)

    init() throws {
        let (childInput, input) = try Descriptor.pipe()
        let (output, childOutput) = try Descriptor.pipe()
        let (error, childError) = try Descriptor.pipe()
        self.childEnds = Mutex([0: childInput, 1: childOutput, 2: childError])
        self.wake = try Descriptor.pipe()
        // A plugin that does not read must not hold this side in `write`.
        guard fcntl(input.raw, F_SETFL, O_NONBLOCK) == 0 else { throw SystemError.last("fcntl", "pipe") }
        self.input = Mutex(input)
        self.output = output
        self.error = error
    }

    /// The plugin's ends, to be given to it; the pipes keep none of them.
    func takeChildEnds() -> [Int32: Descriptor] {
        childEnds.withLock { ends in
            defer { ends = [:] }
            return ends
        }
    }

    func interrupt(_ reason: Interruption) {
        let isFirst = interruption.withLock { current in
            defer { current = current ?? reason }
            return current == nil
        }
        // Never drained: whoever waits, now or later, is woken.
        if isFirst { try? wake.write.write([0]) }
    }

    /// The plugin reads the end of its input.
    func closeInput() { input.withLock { $0 = nil } }

    /// The next bytes of the plugin's output; empty at the end. Blocks.
    func readOutput() throws -> [UInt8] { try read(output) }

    /// The next bytes of the plugin's standard error; empty at the end. Blocks.
    func readError() throws -> [UInt8] { try read(error) }

    /// Blocks until the plugin's pipe has taken all of `bytes`, or the plugin has closed it.
    func send(_ bytes: [UInt8]) throws {
        guard let input = input.withLock({ $0 }) else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(input, for: Int16(POLLOUT))
            let count = rest.withUnsafeBytes { write(input.raw, $0.baseAddress, $0.count) }
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            // A plugin that reads no more may still have something to say: what it wrote decides.
            if count < 0 && errno == EPIPE { return closeInput() }
            guard count >= 0 else { throw SystemError.last("write", "plugin") }
            rest = rest.dropFirst(count)
        }
    }

    private func read(_ stream: Descriptor) throws -> [UInt8] {
        try wait(stream, for: Int16(POLLIN))
        return try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    private func wait(_ stream: Descriptor, for events: Int16) throws {
        var waiting = [
            pollfd(fd: wake.read.raw, events: Int16(POLLIN), revents: 0), pollfd(fd: stream.raw, events: events, revents: 0),
        ]
        while poll(&waiting, 2, -1) < 0 {
            guard errno == EINTR else { throw SystemError.last("poll", "plugin") }
        }
        if waiting[0].revents != 0, let reason = interruption.withLock({ $0 }) { throw reason }
    }
}
