internal import CLibgit2
internal import Glibc

/// One conversation with the server, from its list of refs to at most one pack.
final class RemoteConnection {
    private let remote: OpaquePointer
    private let session: FetchSession

    /// Connects.
    init(_ repository: OpaquePointer, _ session: FetchSession) throws {
        var remote: OpaquePointer?
        try Libgit2.check(git_remote_create_anonymous(&remote, repository, session.request.location.url))
        guard let remote else { throw GitFailure(code: GIT_ERROR, message: "no remote") }
        self.remote = remote
        self.session = session
        var options = git_remote_connect_options()
        try Libgit2.check(git_remote_connect_options_init(&options, UInt32(GIT_REMOTE_CONNECT_OPTIONS_VERSION)))
        options.callbacks = try session.callbacks()
        options.follow_redirects = GIT_REMOTE_REDIRECT_NONE
        options.proxy_opts.type = GIT_PROXY_AUTO
        try Libgit2.check(git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &options))
        session.wasLetIn()
    }

    deinit { git_remote_free(remote) }

    /// Name → full id.
    func refs() throws -> [String: String] {
        var heads: UnsafeMutablePointer<UnsafePointer<git_remote_head>?>?
        var count = 0
        try Libgit2.check(git_remote_ls(&heads, &count, remote))
        var ids: [String: String] = [:]
        for head in UnsafeBufferPointer(start: heads, count: count) {
            if let head, let name = head.pointee.name { ids[String(cString: name)] = ObjectID(head.pointee.oid).hex }
        }
        return ids
    }

    /// Always with refspecs of our own: without any, libgit2 fetches every branch there is.
    func fetch(_ refspecs: [String], depth: Int32) throws {
        var options = git_fetch_options()
        try Libgit2.check(git_fetch_options_init(&options, UInt32(GIT_FETCH_OPTIONS_VERSION)))
        options.callbacks = try session.callbacks()
        options.depth = depth
        options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE
        options.update_fetchhead = 0
        // On the same host only, and never from https back to http.
        options.follow_redirects = GIT_REMOTE_REDIRECT_NONE
        options.proxy_opts.type = GIT_PROXY_AUTO
        var words: [UnsafeMutablePointer<CChar>?] = refspecs.map { strdup($0) }
        defer { words.forEach { free($0) } }
        try words.withUnsafeMutableBufferPointer { words in
            var list = git_strarray(strings: words.baseAddress, count: words.count)
            defer { session.settle() }
            _ = try Libgit2.check(git_remote_fetch(remote, &list, &options, nil))
        }
    }
}
