package import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Who we are to a server: what the user gave, else what git's credential helpers know. Nobody is ever prompted.
package struct RemoteCredentials: Sendable {
    /// A name and its password or token.
    struct Login: Sendable {
        let user: String
        let password: Secret
        /// Whether a credential helper of git gave it, and wants to hear how it went.
        var isFromHelper = false
    }

    private let userinfo: RemoteUserinfo?
    private let token: Secret?
    private let environment: [String: String]

    /// - Parameters:
    ///   - userinfo: what the URL carried.
    ///   - token: used as the password, by the name `x-access-token` unless the URL names another.
    ///   - environment: the user's, for git and its helpers.
    package init(userinfo: RemoteUserinfo?, token: Secret?, environment: [String: String]) {
        self.userinfo = userinfo
        self.token = token
        self.environment = environment
    }

    /// The token in a file: its first line.
    /// - Throws: `source.token-file` when others may read it, or there is nothing in it.
    package static func token(inFile path: String) throws -> Secret {
        func refusal(_ message: String, _ hint: String?, _ cause: (any Error)? = nil) -> ForgeError {
            ForgeError(.usage, "source.token-file", message, hint: hint, cause: cause)
        }
        let bytes: [UInt8]
        do {
            let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
            var status = stat()
            guard fstat(file.raw, &status) == 0 else { throw SystemError.last("fstat", path) }
            guard status.st_mode & 0o077 == 0 else {
                throw refusal("the token file `\(path)` can be read by others", "chmod 600 \(path)")
            }
            bytes = try file.readAll(limit: 1 << 16)
        } catch let error as SystemError {
            throw refusal("cannot read the token file `\(path)`", nil, error)
        }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let text = String(validating: line, as: UTF8.self)?.trimmingSpaces, !text.isEmpty, !text.utf8.contains(0) else {
            throw refusal("the token file `\(path)` holds no token in its first line", "expected the token alone")
        }
        return Secret(text)
    }

    /// Whether a token may be sent there.
    /// - Throws: `usage.token-file` where none is used, or where anybody on the way could read it.
    package static func checkToken(goesTo location: RemoteLocation) throws(ForgeError) {
        switch location.transport {
        case .https: return
        case .http where location.host == "localhost" || location.host == "::1" || location.host.hasPrefix("127."): return
        case .http:
            throw ForgeError(
                .usage, "usage.token-file", "the token would travel unencrypted to `\(location.authority)`",
                hint: "write the URL with https://")
        case .ssh, .git:
            throw ForgeError(
                .usage, "usage.token-file", "`\(location.text)` is not reached over https: no token is used there",
                hint: "leave `--token-file` out, or write the URL with https://")
        }
    }

    /// What the user gave for this one fetch; nil when git's helpers are to be asked.
    var given: Login? {
        if let token { return Login(user: userinfo?.user ?? "x-access-token", password: token) }
        return userinfo?.password.map { Login(user: userinfo?.user ?? "", password: $0) }
    }

    /// Nil when there is none.
    func login(for location: RemoteLocation) async throws -> Login? {
        if let given { return given }
        guard let lines = await git("fill", description(of: location, userinfo?.user)) else { return nil }
        var answer: [Substring: Substring] = [:]
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if words.count == 2 { answer[words[0]] = words[1] }
        }
        guard let user = answer["username"], let password = answer["password"] else { return nil }
        return Login(user: String(user), password: Secret(String(password)), isFromHelper: true)
    }

    func approve(_ login: Login, for location: RemoteLocation) async { await tell("approve", login, location) }
    func reject(_ login: Login, for location: RemoteLocation) async { await tell("reject", login, location) }

    private func tell(_ word: String, _ login: Login, _ location: RemoteLocation) async {
        guard login.isFromHelper else { return }
        _ = await git(word, description(of: location, login.user) + "password=\(login.password.text)\n")
    }

    /// The key–value lines of git's credential protocol. No part of a location holds a line end.
    private func description(of location: RemoteLocation, _ user: String?) -> String {
        "protocol=\(location.transport.rawValue)\nhost=\(location.authority)\npath=\(location.path.drop { $0 == "/" })\n"
            + (user.map { "username=\($0)\n" } ?? "")
    }

    /// What `git credential` printed; nil when it failed, took a minute, or there is no git.
    private func git(_ word: String, _ input: String) async -> String? {
        guard !input.utf8.contains(0), let git = executable("git") else { return nil }
        var environment = environment.filter { !["GIT_ASKPASS", "SSH_ASKPASS", "GIT_DIR", "GIT_WORK_TREE"].contains($0.key) }
        environment["GIT_TERMINAL_PROMPT"] = "0"
        return await withTaskGroup(of: String?.self) { group in
            group.addTask { [environment] in
                guard let (read, write) = try? Descriptor.pipe() else { return nil }
                // Less than a pipe holds: nothing waits here.
                guard (try? write.write(Array((input + "\n").utf8))) != nil else { return nil }
                return await Self.answer(
                    .init(
                        git, ["-c", "core.askPass=", "credential", word], environment: environment, workingDirectory: "/",
                        descriptors: [0: read], newSession: true))
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(60))
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private static func answer(_ request: ChildProcess.Request) async -> String? {
        guard let result = try? await ChildProcess.output(request), result.status.isSuccess else { return nil }
        return String(validating: result.output, as: UTF8.self)
    }

    private func executable(_ name: String) -> String? {
        (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 && !Files.isDirectory($0) }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
