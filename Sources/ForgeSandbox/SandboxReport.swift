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
    private(set) var runtimeFailed = false

    /// Reads to the end of the socket; blocks. The listening socket of the step's network is handed on as it arrives.
    static func read(from socket: Descriptor, onListener: (Descriptor) -> Void) throws -> SandboxReport {
        var report = SandboxReport()
        var text: [UInt8] = []
        while true {
            let (bytes, descriptor) = try socket.receive()
            if let descriptor {
                // The byte that carried it says what it is.
                if bytes.first == UInt8(ascii: "N") { onListener(descriptor) } else { report.upper = descriptor }
                text.append(contentsOf: bytes.dropFirst())
                continue
            }
            if bytes.isEmpty { break }
            text.append(contentsOf: bytes)
        }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") { report.take(line) }
        return report
    }

    private mutating func take(_ line: Substring) {
        let parts = line.split(separator: " ", maxSplits: 1)
        let rest = parts.count > 1 ? String(parts[1]) : ""
        switch parts.first {
        case "exit": exit = Int32(rest)
        case "signal": signal = Int32(rest)
        case "oom": outOfMemory = true
        case "pids": outOfProcesses = true
        case "error": failure = rest
        case "runtime": runtimeFailed = true
        default: break
        }
    }
}
