internal import CLibgit2
internal import ForgeModel

/// What the callbacks of one fetch share. libgit2 calls them on the thread that fetches.
final class FetchSession {
    let request: FetchRequest
    let channel: FetchChannel
    /// Why one of our callbacks ended the transfer: tells more than libgit2 does then.
    var stop: FetchFailure?
    /// What ssh said, when it is ssh that carries.
    var sshError: String?
    /// Whether the connection ended before the server had said anything.
    var wasSilent = false
    /// What the asker gave last, for the `git` program.
    private(set) var credentials: (user: String, password: String)?
    private(set) var asked = 0
    /// By the packs that are done, and by the one under way.
    private var done = FetchedCommit.Transfer()
    private var current = FetchedCommit.Transfer()

    init(_ request: FetchRequest, _ channel: FetchChannel) {
        self.request = request
        self.channel = channel
    }

    func callbacks() throws -> git_remote_callbacks {
        var callbacks = git_remote_callbacks()
        try Libgit2.check(git_remote_init_callbacks(&callbacks, UInt32(GIT_REMOTE_CALLBACKS_VERSION)))
        callbacks.credentials = provideCredentials
        callbacks.transfer_progress = reportProgress
        callbacks.payload = Unmanaged.passUnretained(self).toOpaque()
        return callbacks
    }

    fileprivate func report(_ stats: git_indexer_progress) throws {
        if Int(stats.received_objects) < current.objects { settle() }
        current = .init(objects: Int(stats.received_objects), bytes: UInt64(stats.received_bytes))
        let bytes = received.bytes
        if bytes > request.limits.maximumBytes {
            throw FetchFailure(
                code: "source.too-large",
                message: "the repository `\(request.location.text)` sends more than \(request.limits.maximumBytes) bytes")
        }
        try channel.progress(
            FetchProgress(
                receivedObjects: Int(stats.received_objects), totalObjects: Int(stats.total_objects), receivedBytes: Int(clamping: bytes)))
    }

    /// A pack has come to its end; what follows is another.
    func settle() {
        done.objects += current.objects
        done.bytes += current.bytes
        current = .init()
    }

    var received: FetchedCommit.Transfer { .init(objects: done.objects + current.objects, bytes: done.bytes + current.bytes) }

    /// Nil when the asker has none, or none but those that were refused.
    func askForCredentials() throws -> (user: String, password: String)? {
        // Each conversation asks anew; a server that refuses what it took before is not asked for ever.
        if asked > 8 { return nil }
        let refused = lastAnswerIsOpen && asked > 0
        asked += 1
        lastAnswerIsOpen = true
        try channel.send(.credentials(refused: refused))
        guard let answer = try channel.receive(FetchAnswer.self) else {
            throw FetchFailure(code: "source.fetch", message: "the asking process has gone")
        }
        guard case .credentials(let user, let password) = answer else { return nil }
        credentials = (user, password)
        return (user, password)
    }

    /// Whether the last credentials were neither taken nor refused yet.
    private var lastAnswerIsOpen = false

    /// The server let us in.
    func wasLetIn() { lastAnswerIsOpen = false }
}

private func session(_ payload: UnsafeMutableRawPointer?) -> FetchSession? {
    payload.map { Unmanaged<FetchSession>.fromOpaque($0).takeUnretainedValue() }
}

// Free functions, all of them: a closure handed to C could be given an actor's isolation, and trap on another thread.

/// Called for every object: what is told is throttled by the channel.
private func reportProgress(_ stats: UnsafePointer<git_indexer_progress>?, _ payload: UnsafeMutableRawPointer?) -> Int32 {
    guard let session = session(payload), let stats else { return 0 }
    do { try session.report(stats.pointee) } catch {
        session.stop = error as? FetchFailure ?? FetchFailure(code: "source.fetch", message: "the asking process has gone")
        return -1
    }
    return 0
}

private func provideCredentials(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_credential>?>?, _ url: UnsafePointer<CChar>?, _ user: UnsafePointer<CChar>?,
    _ allowed: UInt32,
    _ payload: UnsafeMutableRawPointer?
) -> Int32 {
    guard let session = session(payload), allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT.rawValue != 0 else { return GIT_EAUTH.rawValue }
    do {
        guard let answer = try session.askForCredentials() else { return GIT_EAUTH.rawValue }
        return git_credential_userpass_plaintext_new(out, answer.user, answer.password)
    } catch {
        session.stop = error as? FetchFailure
        return -1
    }
}
