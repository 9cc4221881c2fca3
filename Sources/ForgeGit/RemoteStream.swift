internal import CLibgit2
internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// A two-way connection to `git upload-pack` on another machine: through the `ssh` program, or plain TCP to a git daemon.
final class RemoteStream {
    /// What libgit2 knows the stream by.
    var handle: UInt = 0
    private let socket: Descriptor
    private let ssh: ChildProcess?
    private let logPath: String
    private let idleMilliseconds: Int
    private var filter = WantsFilter()
    private var hasSpoken = false

    private init(_ socket: Descriptor, ssh: ChildProcess?, logPath: String, idleMilliseconds: Int) {
        (self.socket, self.ssh, self.logPath, self.idleMilliseconds) = (socket, ssh, logPath, idleMilliseconds)
    }

    static func open(_ session: FetchSession) throws -> RemoteStream {
        let (location, limits) = (session.request.location, session.request.limits)
        let idle = limits.idleSeconds * 1000
        let log = session.request.folder + "/ssh.log"
        if location.transport == .ssh {
            let (ours, theirs) = try Descriptor.socketPair()
            let errors = try Descriptor.open(log, O_WRONLY | O_CREAT | O_TRUNC)
            let command = SSHCommand(location, connectSeconds: limits.idleSeconds)
            let child = try command.start([0: theirs, 1: theirs, 2: errors])
            return RemoteStream(ours, ssh: child, logPath: log, idleMilliseconds: idle)
        }
        let socket: Descriptor
        do { socket = try Descriptor.connect(host: location.host, port: location.port ?? 9418, milliseconds: idle) } catch let error
            as SystemError
        {
            throw FetchFault(location, session).translated(GitFailure(code: GIT_ERROR, category: GIT_ERROR_NET, message: words(for: error)))
        }
        let stream = RemoteStream(socket, ssh: nil, logPath: log, idleMilliseconds: idle)
        let line = "git-upload-pack \(location.path)\0host=\(location.authority)\0"
        let size = String(line.utf8.count + 4, radix: 16)
        try socket.write(Array((String(repeating: "0", count: 4 - size.utf8.count) + size + line).utf8))
        return stream
    }

    /// As libgit2 says it, so that both are understood the same way.
    private static func words(for error: SystemError) -> String {
        switch error.errno {
        case EADDRNOTAVAIL: "failed to resolve address for \(error.subject): Name or service not known"
        case ETIMEDOUT: "timed out"
        default: "failed to connect to \(error)"
        }
    }

    /// 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard try socket.waitReadable(milliseconds: idleMilliseconds) else { throw StreamSilence() }
        let count = try socket.read(into: buffer)
        if count > 0 { hasSpoken = true }
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = filter.passed(bytes)
        while !rest.isEmpty {
            guard try socket.waitWritable(milliseconds: idleMilliseconds) else { throw StreamSilence() }
            // A piece that surely fits into what there is room for would have to be one byte; a server that stops reading is
            // met by the limit on the whole fetch.
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 16))
            try socket.write(piece, to: "remote")
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
        }
    }

    /// Ends the connection and keeps what ssh said about it.
    func close(_ session: FetchSession) {
        shutdown(socket.raw, Int32(SHUT_RDWR))
        session.wasSilent = !hasSpoken
        guard let ssh else { return }
        // A session that has done its work ends by itself; one that never began might go on trying.
        if !hasSpoken && !isEnded { ssh.kill() }
        _ = try? ssh.waitBlocking()
        let bytes = (try? Files.read(logPath, limit: 8192)) ?? nil
        session.sshError = bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether ssh has closed its side.
    private var isEnded: Bool { (try? socket.waitReadable(milliseconds: 0)) ?? true }
}

/// The other side said nothing for too long.
struct StreamSilence: Error {}

/// libgit2 1.8 on a connection that stays open sends its wants once with the depth, and a second time in front of what
/// follows, which servers take for an error and hang up. The repetition is dropped; newer versions send none.
struct WantsFilter {
    private var wants: [UInt8]?

    /// What of `bytes` goes out.
    mutating func passed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard bytes.dropFirst(4).starts(with: Array("want ".utf8)) else { return bytes }
        guard let sent = wants else {
            wants = Array(bytes)
            return bytes
        }
        return bytes.starts(with: sent) ? UnsafeRawBufferPointer(rebasing: bytes.dropFirst(sent.count)) : bytes
    }
}
