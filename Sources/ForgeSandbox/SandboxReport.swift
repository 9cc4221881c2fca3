internal import ForgeSystem

/// What `forge-sandbox` said over its report socket.
struct SandboxReport: Sendable {
    private(set) var upper: Descriptor?
    private(set) var exit: Int32?
    private(set) var signal: Int32?
    private(set) var outOfMemory = false
    private(set) var outOfProcesses = false
    /// Which part of the set-up failed, when one did.
    private(set) var failure: String?
    /// The layer that was not to be had, when `failure` is about one.
    private(set) var missingLayer: String?
    private(set) var runtimeFailed = false
    /// The sandbox was killed as a whole, by its lifeline.
    private(set) var wasKilled = false

    /// What is needed while the sandbox runs.
    enum Arrival: Sendable {
        /// The listening socket of the step's network, on which Forge's proxy accepts.
        case listener(Descriptor)
        /// The network namespace of a server.
        case namespace(Descriptor)
        /// The server's first process, as a pidfd.
        case process(Descriptor)
        /// The runtime has started the command.
        case running
    }

    /// Reads to the end of the socket; blocks. `onArrival` is called as things arrive.
    static func read(from socket: Descriptor, onArrival: (Arrival) -> Void) throws -> SandboxReport {
        var report = SandboxReport()
        var text: [UInt8] = []
        while true {
            let (bytes, descriptor) = try socket.receive()
            text.append(contentsOf: bytes)
            // What was received ends with the byte that carried the descriptor; it says what the descriptor is.
            if let descriptor, let kind = text.popLast() { report.take(descriptor, kind: kind, onArrival) }
            if bytes.isEmpty { break }
            while let end = text.firstIndex(of: UInt8(ascii: "\n")) {
                report.take(String(decoding: text[..<end], as: UTF8.self)[...], onArrival)
                text.removeFirst(end + 1)
            }
        }
        return report
    }

    private mutating func take(_ descriptor: Descriptor, kind: UInt8, _ onArrival: (Arrival) -> Void) {
        switch kind {
        case UInt8(ascii: "N"): onArrival(.listener(descriptor))
        case UInt8(ascii: "S"): onArrival(.namespace(descriptor))
        case UInt8(ascii: "P"): onArrival(.process(descriptor))
        default: upper = descriptor
        }
    }

    private mutating func take(_ line: Substring, _ onArrival: (Arrival) -> Void) {
        let parts = line.split(separator: " ", maxSplits: 1)
        let rest = parts.count > 1 ? String(parts[1]) : ""
        switch parts.first {
        case "exit": exit = Int32(rest)
        case "signal": signal = Int32(rest)
        case "oom": outOfMemory = true
        case "pids": outOfProcesses = true
        case "error": failure = rest
        case "missing":
            let words = rest.split(separator: " ", maxSplits: 1).map(String.init)
            (missingLayer, failure) = (words.first, words.last)
        case "runtime": runtimeFailed = true
        case "running": onArrival(.running)
        case "killed": wasKilled = true
        default: break
        }
    }
}
