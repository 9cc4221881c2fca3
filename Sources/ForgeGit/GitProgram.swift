internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The `git` program, for servers that give a commit only to whoever speaks protocol version 2. It runs in the fetching
/// process's confinement, with no configuration of anybody and no more credentials than libgit2 was given.
struct GitProgram {
    private let session: FetchSession

    init(_ session: FetchSession) { self.session = session }

    /// Fetches the commit `id` alone. False when there is no such program or it does not get the commit either.
    func fetch(_ id: String, into repository: String) throws -> Bool {
        guard let git = Environment.executable("git") else { return false }
        var descriptors: [Int32: Descriptor] = [:]
        var helper: [String] = []
        if let (user, password) = session.credentials {
            // The secret travels in a pipe that git's helper empties: no argument, file or variable holds it.
            let (read, write) = try Descriptor.pipe()
            try write.write(Array("username=\(user)\npassword=\(password)\n".utf8))
            descriptors[3] = read
            helper = ["-c", "credential.helper=!f() { test \"$1\" != get || cat <&3; }; f"]
        }
        let options = ["-C", repository, "-c", "credential.helper="] + helper + settings.flatMap { ["-c", $0] }
        let fetch = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--", url]
        let child = try ChildProcess.spawn(
            .init(git, options + fetch + ["\(id):refs/forge/program"], environment: environment, descriptors: descriptors))
        return try child.waitBlocking().isSuccess
    }

    private var url: String {
        let location = session.request.location
        switch location.transport {
        case .http, .https, .git: return "\(location.transport.rawValue)://\(location.authority)\(location.path)"
        case .ssh: return location.text
        }
    }

    private var settings: [String] {
        let transport = session.request.location.transport
        return [
            "protocol.allow=never", "protocol.\(transport.rawValue).allow=always", "protocol.version=2", "http.followRedirects=false",
            "http.lowSpeedLimit=1", "http.lowSpeedTime=\(session.request.limits.idleSeconds)", "core.hooksPath=/dev/null",
            "core.askPass=", "maintenance.auto=false", "fetch.unpackLimit=1",
        ]
    }

    private var environment: [String: String] {
        var all = Environment.all
        all.merge(
            ["GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"]
        ) { _, own in own }
        if let file = all["SSL_CERT_FILE"] { all["GIT_SSL_CAINFO"] = file }
        let options = SSHCommand.options(connectSeconds: session.request.limits.idleSeconds).joined(separator: " ")
        all["GIT_SSH_COMMAND"] = (all["GIT_SSH_COMMAND"] ?? "ssh") + " " + options
        return all
    }
}
