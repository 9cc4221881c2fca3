internal import ForgeModel
internal import ForgeSystem
internal import Foundation

/// What the operator has logged in with, for each registry: the files and helper programs of docker, podman and skopeo.
/// Source: containers-auth.json(5); docker's "Credential stores" and docker-credential-helpers' protocol.
package struct RegistryCredentials: Sendable {
    enum Login: Hashable, Sendable {
        case password(user: String, password: String)
        /// Exchanged for an access token (OAuth 2.0 refresh token).
        case identity(String)
    }

    private struct AuthFile: Decodable {
        struct Entry: Decodable {
            let auth: String?
            let username: String?
            let password: String?
            let identitytoken: String?
        }

        let auths: [String: Entry]?
        let credHelpers: [String: String]?
        let credsStore: String?
    }

    private static let maximumFile = 1 << 20

    private let environment: [String: String]

    /// - Parameter environment: `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`, `XDG_RUNTIME_DIR`, `XDG_CONFIG_HOME`, `HOME` and `PATH` are read.
    package init(environment: [String: String]) { self.environment = environment }

    /// None: for sources that may not use what the operator has.
    package static let none = RegistryCredentials(environment: [:])

    /// For `repository` at `authority` (`registry.example:5000`); nil when nobody has logged in there.
    /// - Throws: `image.credentials` when a file or a helper is broken: silence would look like a missing permission.
    func login(for authority: String, repository: String) async throws -> Login? {
        for path in paths {
            guard let bytes = try await BlockingPool.run({ try Files.read(path, limit: Self.maximumFile) }) else { continue }
            let file: AuthFile
            do { file = try JSONDecoder().decode(AuthFile.self, from: Data(bytes)) } catch {
                throw broken("`\(path)` cannot be read as credentials", hint: "repair it, or log in again")
            }
            if let helper = file.credHelpers?[authority] ?? file.credsStore, let found = try await ask(helper, authority) { return found }
            if let found = try login(in: file.auths ?? [:], authority, repository, path) { return found }
        }
        return nil
    }

    private var paths: [String] {
        func under(_ variable: String, _ rest: String) -> String? {
            environment[variable].flatMap { $0.hasPrefix("/") ? "\($0)/\(rest)" : nil }
        }
        if let named = environment["REGISTRY_AUTH_FILE"], named.hasPrefix("/") { return [named] }
        return [
            under("XDG_RUNTIME_DIR", "containers/auth.json"),
            under("XDG_CONFIG_HOME", "containers/auth.json") ?? under("HOME", ".config/containers/auth.json"),
            under("DOCKER_CONFIG", "config.json") ?? under("HOME", ".docker/config.json"),
        ].compactMap(\.self)
    }

    /// The longest name that fits counts: `registry/team` before `registry`.
    private func login(in auths: [String: AuthFile.Entry], _ authority: String, _ repository: String, _ path: String) throws -> Login? {
        let wanted = "\(authority)/\(repository)"
        let fitting = auths.filter { name, _ in
            let plain = Self.plain(name)
            return wanted == plain || wanted.hasPrefix(plain + "/")
        }
        for (name, entry) in fitting.sorted(by: { Self.plain($0.key).count > Self.plain($1.key).count }) {
            if let token = entry.identitytoken, !token.isEmpty { return .identity(token) }
            if let user = entry.username, let password = entry.password { return .password(user: user, password: password) }
            guard let auth = entry.auth, !auth.isEmpty else { continue }
            guard let text = Data(base64Encoded: auth).map({ String(decoding: $0, as: UTF8.self) }), let colon = text.firstIndex(of: ":")
            else { throw broken("the entry `\(name)` in `\(path)` is not a name and a password in base64", hint: "log in again") }
            return .password(user: String(text[..<colon]), password: String(text[text.index(after: colon)...]).trimmingSuffix("\0"))
        }
        return nil
    }

    /// Older entries are URLs: `https://registry.example/v1/`.
    private static func plain(_ name: String) -> String {
        guard let mark = name.firstRange(of: "://") else { return name }
        return String(name[mark.upperBound...].prefix { $0 != "/" })
    }

    /// `docker-credential-<helper> get`: the server on its input, a JSON object on its output.
    private func ask(_ helper: String, _ authority: String) async throws -> Login? {
        guard helper.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*/) != nil else { throw broken("`\(helper)` is no name of a helper") }
        let program = "docker-credential-\(helper)"
        let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        guard let path = folders.map({ "\($0)/\(program)" }).first(where: { $0.hasPrefix("/") && Files.exists($0) }) else {
            throw broken("the credential helper `\(program)` is not installed", hint: "install it, or log in without it")
        }
        let input = try Descriptor.inMemory(Array((authority + "\n").utf8), name: "registry")
        let answer = try await ChildProcess.output(.init(path, ["get"], environment: environment, descriptors: [0: input]))
        guard answer.status.isSuccess else { return nil }
        struct Reply: Decodable {
            let Username: String
            let Secret: String
        }
        guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(answer.output)) else {
            throw broken("`\(program)` answered something else than credentials")
        }
        return reply.Username == "<token>" ? .identity(reply.Secret) : .password(user: reply.Username, password: reply.Secret)
    }

    private func broken(_ message: String, hint: String? = nil) -> ForgeError {
        ForgeError(.configuration, "image.credentials", message, hint: hint)
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: Character) -> String {
        var text = self[...]
        while text.last == suffix { text = text.dropLast() }
        return String(text)
    }
}
