internal import ForgeModel
internal import ForgeSystem
internal import Foundation

/// Reads one repository of a registry, or of what the operator has named in its place.
/// Source: OCI Distribution Specification 1.1, "Pull".
actor RegistryClient {
    private static let attempts = 5
    private static let maximumManifest: Int64 = 4 << 20
    private static let maximumToken: Int64 = 1 << 20

    private let reference: ImageReference
    private let endpoints: [RegistryEndpoint]
    private let credentials: RegistryCredentials
    private let caBundle: String?
    /// For what curl leaves.
    private let home: String
    /// What each address accepted last.
    private var accepted: [RegistryEndpoint: RegistryTransfer.Authorization] = [:]
    private var transfers = 0

    init(
        _ reference: ImageReference, endpoints: RegistryEndpoints, credentials: RegistryCredentials, caBundle: String?, home: String
    ) throws {
        self.reference = reference
        self.endpoints = try endpoints.endpoints(of: reference.registry)
        self.credentials = credentials
        self.caBundle = caBundle
        self.home = home
    }

    /// The manifest or index as the registry has it. One asked for by its digest is that; a tag's is named by what came.
    /// - Throws: `image.…`
    func manifest(_ name: String) async throws -> (bytes: [UInt8], digest: Digest) {
        let collected = CollectedBytes()
        let accept = ("Accept", ImageManifest.accepted.joined(separator: ", "))
        try await get("manifests/\(name)", headers: [accept], maximumBytes: Self.maximumManifest, restart: { collected.restart() }) {
            collected.append($0)
            return 0
        }
        let bytes = collected.bytes
        let digest = Digest(of: bytes)
        if name.hasPrefix("sha256:"), digest.description != name { throw damaged("the manifest", expected: name, found: digest) }
        return (bytes, digest)
    }

    /// Writes the blob to the file `target`, verified while it comes; what came before a connection broke is not asked for again.
    /// - Throws: `image.…`
    func blob(_ digest: Digest, to target: String) async throws {
        let sink = try BlobSink(target)
        try await get("blobs/\(digest)", headers: [], maximumBytes: digest.sizeBytes, restart: { try sink.restart() }) {
            try sink.append($0)
        }
        let found = sink.finish()
        guard found == digest else { throw damaged("a layer", expected: "\(digest) of \(digest.sizeBytes) bytes", found: found) }
    }

    private func damaged(_ what: String, expected: String, found: Digest) -> ForgeError {
        ForgeError(
            .build, "image.digest",
            "\(what) of `\(reference.name)` is not what was asked for: expected \(expected), found \(found) of \(found.sizeBytes) bytes",
            hint: "the registry is broken, or somebody changed it on the way; nothing of it was kept")
    }

    /// From the first address that has it. `body` returns how many bytes it has by now, from which the next attempt goes on; 0 where it
    /// starts anew.
    private func get(
        _ path: String, headers: [(String, String)], maximumBytes: Int64, restart: @escaping @Sendable () throws -> Void,
        _ body: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Int64
    ) async throws {
        var failures: [ForgeError] = []
        for endpoint in endpoints {
            do { return try await get(path, at: endpoint, headers, maximumBytes, restart, body) } catch let error as ForgeError {
                failures.append(error)
                try restart()
            }
        }
        // The registry itself comes last, and its word counts.
        throw failures.last!
    }

    private func get(
        _ path: String, at endpoint: RegistryEndpoint, _ headers: [(String, String)], _ maximumBytes: Int64,
        _ restart: @escaping @Sendable () throws -> Void, _ body: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Int64
    ) async throws {
        let progress = Progress()
        var pause = Duration.milliseconds(200)
        var asked = false
        for attempt in 1...Self.attempts {
            let offset = progress.offset
            if attempt > 1, offset == 0 { try restart() }
            var transfer = RegistryTransfer(
                url: "\(endpoint.base)/v2/\(reference.repository)/\(path)", maximumBytes: max(0, maximumBytes - offset),
                allowsPlain: endpoint.allowsPlain, caBundle: caBundle)
            transfer.headers = headers.map { (name: $0.0, value: $0.1) }
            transfer.authorization = accepted[endpoint]
            transfer.offset = offset
            let answer = try await run(transfer) { progress.offset = try body($0) }
            if answer.exit == 0, (200..<300).contains(answer.status) { return }
            if answer.status == 401, !asked {
                asked = true
                accepted[endpoint] = try await authorization(answer, at: endpoint)
                continue
            }
            // It cannot go on where it stopped, or says there is nothing more.
            if offset > 0, answer.exit == 33 || answer.status == 416 || answer.status == 401 {
                try restart()
                progress.offset = 0
                if answer.status != 401 { continue }
                asked = false
            }
            guard answer.isTransient, attempt < Self.attempts else { throw refused(answer, endpoint, path) }
            try await Task.sleep(for: pause)
            pause *= 3
        }
        throw ForgeError(.build, "image.unreachable", "`\(endpoint.base)` does not let `\(reference.name)` through to its end")
    }

    private func run(
        _ transfer: RegistryTransfer, _ body: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void
    ) async throws -> RegistryTransfer.Answer {
        transfers += 1
        let folder = "\(home)/transfer-\(transfers)"
        try await BlockingPool.run { try Files.makeDirectory(folder, mode: 0o700) }
        return try await transfer.run(in: folder, body)
    }

    private func refused(_ answer: RegistryTransfer.Answer, _ endpoint: RegistryEndpoint, _ path: String) -> ForgeError {
        let what = "`\(reference)`"
        switch answer.status {
        case 401, 403:
            return ForgeError(
                .build, "image.denied", "`\(endpoint.authority)` does not show \(what) to this user",
                hint: "log in: `docker login \(endpoint.authority)` or `podman login \(endpoint.authority)`; Forge reads their files")
        case 404:
            return ForgeError(
                .build, "image.unknown", "`\(endpoint.authority)` has no \(path.hasPrefix("blobs/") ? "such layer of " : "")\(what)",
                hint: "check the name and the digest")
        default:
            let reason = answer.status >= 400 ? "it answers \(answer.status)" : answer.words
            return ForgeError(
                .build, "image.unreachable", "\(what) cannot be had from `\(endpoint.base)`: \(reason)",
                hint: "check the network and the registry; an operator's `[images]` entry in config.toml names a mirror")
        }
    }

    private func authorization(
        _ answer: RegistryTransfer.Answer, at endpoint: RegistryEndpoint
    ) async throws -> RegistryTransfer.Authorization? {
        let login = try await credentials.login(for: endpoint.authority, repository: reference.repository)
        let challenges = RegistryChallenge.parse(answer.headers["www-authenticate"] ?? [])
        for case .bearer(let realm, let service, let scope) in challenges {
            return .bearer(try await token(realm, service, scope ?? "repository:\(reference.repository):pull", login, endpoint))
        }
        if challenges.contains(.basic), case .password(let user, let password)? = login { return .login(user: user, password: password) }
        return nil
    }

    /// - Throws: `image.token`, `image.denied`
    private func token(
        _ realm: String, _ service: String?, _ scope: String, _ login: RegistryCredentials.Login?, _ endpoint: RegistryEndpoint
    ) async throws -> String {
        guard let origin = EgressOrigin(url: realm), origin.scheme == .https || endpoint.allowsPlain else {
            throw ForgeError(
                .build, "image.token", "`\(endpoint.authority)` sends for a token to `\(realm)`, which is not https: no password goes there"
            )
        }
        var query = [("service", service), ("scope", scope)].compactMap { name, value in value.map { "\(name)=\(Self.escaped($0))" } }
        var transfer = RegistryTransfer(url: realm, maximumBytes: Self.maximumToken, allowsPlain: endpoint.allowsPlain, caBundle: caBundle)
        if case .identity(let token)? = login {
            query += ["grant_type=refresh_token", "client_id=forge", "refresh_token=\(Self.escaped(token))"]
            transfer.form = query.joined(separator: "&")
        } else {
            if case .password(let user, let password)? = login { transfer.authorization = .login(user: user, password: password) }
            transfer.url += (realm.contains("?") ? "&" : "?") + query.joined(separator: "&")
        }
        let collected = CollectedBytes()
        let answer = try await run(transfer) { collected.append($0) }
        struct Reply: Decodable {
            let token: String?
            let access_token: String?
        }
        guard answer.exit == 0 else { throw refused(answer, endpoint, "") }
        guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(collected.bytes)), let token = reply.token ?? reply.access_token,
            !token.contains(where: { $0.isNewline || $0 == "\0" })
        else {
            throw ForgeError(.build, "image.token", "`\(origin)` answered something else than a token for `\(reference.name)`")
        }
        return token
    }

    private static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(
            withAllowedCharacters: CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/")) ?? ""
    }
}
