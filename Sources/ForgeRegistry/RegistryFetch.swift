internal import ForgeEgress
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Asks the server, passes its answer on as it comes, and keeps it.
struct RegistryFetch: Sendable {
    let request: RegistryRequest
    let key: RegistryEntryKey

    private var registry: StepRegistry { request.registry }
    private var origin: EgressOrigin { request.query.origin }

    /// Longer answers are cut: no package is as large, and somebody pays for the disk.
    private static let largest: Int64 = 8 << 30

    /// Seconds before another attempt, where the first found the server in trouble.
    private static let pauses = [0.5, 1.5]

    private enum Result: Sendable {
        case answered
        case notModified
        /// Nothing was passed on yet; another attempt may help.
        case inTrouble(HTTPResponseStatus)
    }

    func run() async throws {
        // What is stored of a document is asked for only if it changed.
        let stored = request.file == nil ? try await registry.cache.find(request.keys) : nil
        if let stored, registry.ledger.isSilent(origin) { return try await send(stored) }
        do {
            var pauses = Self.pauses[...]
            while true {
                let result = try await attempt(validating: stored?.entry, mayRetry: !pauses.isEmpty || stored != nil)
                switch result {
                case .answered: return
                case .notModified:
                    guard let stored else { throw EgressFailure.brokeOff(origin) }
                    return try await send(stored)
                case .inTrouble:
                    if let pause = pauses.popFirst() {
                        try await Task.sleep(for: .seconds(pause))
                    } else if let stored {
                        return try await send(stored)
                    }
                }
            }
        } catch let failure as EgressFailure where stored != nil && failure.verdict == .failed && !request.answer.hasBegun {
            // Better what it said the last time than nothing: the lockfile decides what is taken.
            registry.ledger.noteSilent(origin)
            if let stored { try await send(stored) }
        }
    }

    private func send(_ stored: RegistryCache.Found) async throws {
        if request.file == nil { await registry.documents.note(stored.entry) }
        try await StoredAnswer(stored).send(to: request.answer, for: request.query)
    }

    private func attempt(validating stored: RegistryEntry?, mayRetry: Bool) async throws -> Result {
        let head = head(validating: stored)
        while true {
            let idle = await registry.pool.take(origin)
            do {
                let connection = try await idle == nil ? open() : idle!
                let (result, isReusable) = try await connection.exchange(head) { answer, body in
                    try await take(answer, &body, mayRetry: mayRetry)
                }
                if isReusable { await registry.pool.give(connection, origin) } else { connection.close() }
                return result
            } catch UpstreamFailure.stale where idle != nil {
                continue
            } catch is UpstreamFailure {
                throw noted(.brokeOff(origin))
            } catch is NIOSSLError, is BoringSSLError {
                throw noted(.untrusted(origin))
            }
        }
    }

    private func noted(_ failure: EgressFailure) -> EgressFailure {
        request.upstream.note(failure)
        return failure
    }

    private func open() async throws -> UpstreamConnection {
        let tls = origin.scheme == .https ? try await registry.cache.clientTLS() : nil
        return try await UpstreamConnection.open(to: origin, request.upstream, tls: tls)
    }

    /// Made anew: nothing that a step says beside what it wants can change what others are given.
    private func head(validating stored: RegistryEntry?) -> HTTPRequestHead {
        var headers: HTTPHeaders = ["host": origin.authority, "user-agent": "forge", "connection": "keep-alive"]
        if request.file != nil {
            headers.add(name: "accept", value: "*/*")
            headers.add(name: "accept-encoding", value: "identity")
        } else {
            for value in request.query.headers["accept"] { headers.add(name: "accept", value: value) }
            headers.add(name: "accept-encoding", value: request.coding)
        }
        if let authorization = request.authorization { headers.add(name: "authorization", value: authorization) }
        if let etag = stored?.headers["etag"] { headers.add(name: "if-none-match", value: etag) }
        if let time = stored?.headers["last-modified"] { headers.add(name: "if-modified-since", value: time) }
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: request.query.path, headers: headers)
    }

    private func take(_ head: HTTPResponseHead, _ body: inout UpstreamConnection.Body, mayRetry: Bool) async throws -> Result {
        switch head.status.code {
        case 304:
            while try await body.next() != nil {}
            return .notModified
        case 429, 500, 502, 503,
            504 where mayRetry:
            while try await body.next() != nil {}
            return .inTrouble(head.status)
        case 200, 301, 302, 303, 307,
            308 where registry.ledger.hasRoom():
            try await keep(head, &body)
        default:
            try await request.answer.begin(head.status, Self.passed(head.headers))
            while let bytes = try await body.next() { try await request.answer.send(bytes) }
        }
        return .answered
    }

    /// Sends while it writes; of the body's last piece nothing is sent before the whole was found right.
    private func keep(_ head: HTTPResponseHead, _ body: inout UpstreamConnection.Body) async throws {
        var download = try await Download(at: registry.cache.newFile())
        do {
            // A part of it can only be cut out of the whole.
            let isStreamed = request.query.headers["range"].isEmpty && request.query.method != .HEAD
            if isStreamed { try await request.answer.begin(head.status, Self.passed(head.headers)) }
            var held: ByteBuffer?
            while let bytes = try await body.next() {
                try await download.add(bytes)
                guard download.size <= Self.largest else { throw UpstreamFailure.brokeOff }
                if let held, isStreamed { try await request.answer.send(held) }
                held = bytes
            }
            let (hashes, digest) = try await download.finish()
            let isVerified = try await check(hashes, head)
            let entry = RegistryEntry(
                key: key, status: Int(head.status.code), headers: Self.kept(head.headers), body: digest,
                sha512: BodyHashes.hex(hashes.sha512), sha1: BodyHashes.hex(hashes.sha1))
            await registry.cache.keep(entry, in: download.path)
            registry.ledger.noteStored(digest.sizeBytes)
            if request.file == nil {
                await registry.documents.note(entry)
            } else if head.status == .ok {
                request.note(entry, from: .registry, isVerified: isVerified)
            }
            if isStreamed {
                if let held { try await request.answer.send(held) }
            } else if let found = try await registry.cache.find([key]) {
                try await send(found)
            }
        } catch {
            await registry.cache.discard(download.path)
            throw error
        }
    }

    /// Whether anybody said what it must be.
    private func check(_ hashes: BodyHashes, _ head: HTTPResponseHead) async throws -> Bool {
        guard head.status == .ok, let expected = try await registry.expected(request) else { return false }
        if expected.isMet(by: hashes) { return true }
        registry.ledger.note(expected.mismatch(request, found: hashes))
        throw WrongBytes()
    }

    /// The answer is cut: the client must not take it.
    private struct WrongBytes: Error {}

    /// What of a server's headers a step gets to see, and of these what is worth keeping.
    private static let useful: Set<String> = [
        "content-type", "content-encoding", "content-language", "content-disposition", "etag", "last-modified", "location", "link", "date",
        "retry-after", "www-authenticate", "x-pypi-last-serial",
    ]

    private static func kept(_ headers: HTTPHeaders) -> [String: String] {
        var kept: [String: String] = [:]
        for name in useful where name != "date" && name != "retry-after" {
            let values = headers[name]
            if !values.isEmpty { kept[name] = values.joined(separator: ", ") }
        }
        return kept
    }

    private static func passed(_ headers: HTTPHeaders) -> HTTPHeaders {
        HTTPHeaders(
            headers.filter { useful.contains($0.name.lowercased()) || $0.name.lowercased() == "content-length" }.map { ($0.name, $0.value) }
        )
    }
}
