internal import ForgeModel
internal import ForgeSystem
internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// Fetches one commit of a remote repository into a mirror, in a process of its own that can write to nothing but that.
package struct RemoteFetch: Sendable {
    let location: RemoteLocation
    private let revision: String?
    private let credentials: RemoteCredentials
    private let environment: [String: String]
    private let helper: String
    package var limits = FetchLimits()

    /// - Parameters:
    ///   - revision: a full id, an advertised id's beginning, a branch or a tag; nil is the default branch.
    ///   - environment: the user's; only what ssh, TLS and proxies need is handed on.
    ///   - helper: an executable that calls `FetchHelper.main` when its first argument is `FetchHelper.argument`.
    package init(
        _ location: RemoteLocation, revision: String?, credentials: RemoteCredentials, environment: [String: String],
        helper: String = "/proc/self/exe"
    ) {
        self.location = location
        self.revision = revision
        self.credentials = credentials
        self.environment = environment
        self.helper = helper
        if let seconds = environment["FORGE_FETCH_TIMEOUT"].flatMap(Int.init), seconds > 0 { limits.idleSeconds = seconds }
    }

    /// Adds the commit to `mirror`. One that is missing, has grown too many packs or seems damaged is replaced, not before its
    /// successor has come whole: that is made below `fetches`, where what a process that died has left is swept. Cancelling
    /// ends the fetching process and what it started.
    /// - Throws: `ForgeError` (`source.…`, `store.no-space`); `CancellationError`
    package func run(
        into mirror: RemoteMirror, fetches: String, progress: @escaping @Sendable (FetchProgress) -> Void
    ) async throws -> FetchedCommit {
        let isUsable = try await BlockingPool.run {
            try TemporaryDirectory.sweep(fetches)
            guard mirror.isUsable else { return false }
            try mirror.sweep()
            return true
        }
        if isUsable {
            do { return try await run(in: mirror.folder, mirror.lock, progress) } catch let error as ForgeError where isDoubtful(error) {}
        }
        let fresh = try await BlockingPool.run { try TemporaryDirectory(in: fetches, prefix: "fetch") }
        do {
            let commit = try await run(in: fresh.path, mirror.lock, progress)
            try await BlockingPool.run {
                try mirror.adopt(fresh.path + "/repository")
                try fresh.remove()
            }
            return commit
        } catch {
            await BlockingPool.run { try? fresh.remove() }
            throw error
        }
    }

    /// Whether a mirror that has lost something could be behind the failure, which then looks like a conversation gone wrong.
    private func isDoubtful(_ error: ForgeError) -> Bool {
        ["source.mirror", "source.cut", "source.fetch"].contains(error.code)
            || error.code == "source.unknown-commit" && revision?.utf8.count == 40
    }

    private func run(
        in folder: String, _ lock: FileLock, _ progress: @escaping @Sendable (FetchProgress) -> Void
    ) async throws -> FetchedCommit {
        let request = FetchRequest(parent: getpid(), location: location, revision: revision, folder: folder, limits: limits)
        guard case .done(let commit) = try await ask(request, lock: lock, progress: progress) else { throw endedFromOutside }
        return commit
    }

    /// The fetching process's last word on `request`. It holds `lock` as well.
    func ask(
        _ request: FetchRequest, lock: FileLock?, progress: @escaping @Sendable (FetchProgress) -> Void
    ) async throws -> FetchReply {
        let conversation = FetchConversation()
        let (replies, ending) = conversation.start(helper: helper, environment: handedOn, request: try Self.line(request), lock)
        return try await withTaskCancellationHandler {
            do {
                let reply = try await answer(replies, conversation, progress)
                try Task.checkCancellation()
                return reply
            } catch {
                conversation.kill()
                // Not before it is gone: the caller removes the folder now.
                await ending.value
                throw Task.isCancelled ? CancellationError() : error
            }
        } onCancel: {
            conversation.kill()
        }
    }

    private func answer(
        _ replies: AsyncThrowingStream<[UInt8], any Error>, _ conversation: FetchConversation,
        _ progress: @Sendable (FetchProgress) -> Void
    ) async throws -> FetchReply {
        var used: RemoteCredentials.Login?
        for try await line in replies {
            let reply = try JSONDecoder().decode(FetchReply.self, from: Data(line))
            switch reply {
            case .progress(let value): progress(value)
            case .credentials(let refused):
                if refused, let used { await credentials.reject(used, for: location) }
                used = refused ? nil : try await credentials.login(for: location)
                let answer = used.map { FetchAnswer.credentials(user: $0.user, password: $0.password.text) } ?? .none
                try conversation.send(Self.line(answer))
            case .done, .stored:
                if let used { await credentials.approve(used, for: location) }
                return reply
            case .failed(let failure): throw failure.error
            }
        }
        throw endedFromOutside
    }

    var endedFromOutside: ForgeError {
        ForgeError(
            .usage, "source.fetch", "the fetch from `\(location.text)` was ended from outside",
            hint: "it may have taken longer than \(limits.totalSeconds) s, or more memory than there is; try again")
    }

    private static func line(_ message: some Encodable) throws -> [UInt8] {
        Array(try JSONEncoder().encode(message)) + [UInt8(ascii: "\n")]
    }

    private var handedOn: [String: String] {
        let names: Set = [
            "PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "SSL_CERT_FILE", "SSL_CERT_DIR",
            "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
        ]
        return environment.filter { names.contains($0.key) }
    }
}

/// The asker's side: a child and its two pipes.
private final class FetchConversation: Sendable {
    private struct State {
        var input: Descriptor?
        var child: ChildProcess?
        var isKilled = false
    }

    private let state = Mutex(State())

    /// The child's lines; the stream ends when the child has. One thread starts the child, reads and buries it: the child
    /// dies with the thread that started it, not only with the process.
    func start(helper: String, environment: [String: String], request: [UInt8], _ lock: FileLock?) -> (
        lines: AsyncThrowingStream<[UInt8], any Error>, ending: Task<Void, Never>
    ) {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: [UInt8].self)
        let ending = Task {
            do {
                try await BlockingPool.run { [self] in
                    let (child, output) = try spawn(helper, environment, request, lock)
                    try Self.readLines(output) { continuation.yield($0) }
                    _ = try child.waitBlocking()
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        return (stream, ending)
    }

    private func spawn(
        _ helper: String, _ environment: [String: String], _ request: [UInt8], _ lock: FileLock?
    ) throws -> (ChildProcess, Descriptor) {
        let (childInput, input) = try Descriptor.pipe()
        let (output, childOutput) = try Descriptor.pipe()
        var descriptors: [Int32: Descriptor] = [0: childInput, 1: childOutput]
        descriptors[3] = lock?.descriptor
        let child = try ChildProcess.spawn(
            .init(
                helper, [FetchHelper.argument], environment: environment, workingDirectory: "/", descriptors: descriptors, newSession: true)
        )
        let isKilled = state.withLock { state in
            state.child = child
            state.input = input
            return state.isKilled
        }
        if isKilled { kill() }
        // A child that is gone already is told by its silence.
        try? input.write(request)
        return (child, output)
    }

    private static func readLines(_ output: Descriptor, _ body: ([UInt8]) -> Void) throws {
        var pending: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 14, alignment: 16)
        defer { chunk.deallocate() }
        while case let count = try output.read(into: chunk), count > 0 {
            pending += chunk[..<count]
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                body(Array(pending[..<end]))
                pending.removeSubrange(...end)
            }
            // No line of ours is that long: the other side has lost its mind.
            guard pending.count <= FetchChannel.maximumLine else { return }
        }
    }

    func send(_ line: [UInt8]) throws {
        let input = state.withLock { $0.input }
        do { try input?.write(line) } catch let error as SystemError where error.errno == EPIPE {
            // What the child said last, if anything, is in the stream.
        }
    }

    /// Ends the child and whatever it started.
    func kill() {
        let child = state.withLock { state in
            state.isKilled = true
            return state.child
        }
        // Its own handler takes its group along, and it dies of this in any case.
        child?.signal(SIGTERM)
    }
}
