internal import ForgeEgress
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import NIOCore
internal import NIOHTTP1

/// An answer out of the store: whole, a range of it, or only that it has not changed.
struct StoredAnswer {
    private static let portion = 256 << 10

    private let entry: RegistryEntry
    private let body: Descriptor

    init(_ found: RegistryCache.Found) {
        entry = found.entry
        body = found.body
    }

    func send(to answer: EgressAnswer, for query: EgressQuery) async throws {
        var headers = HTTPHeaders(entry.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        let size = Int(entry.body.sizeBytes)
        if entry.status == 200, let etag = entry.headers["etag"], Self.holds(query.headers["if-none-match"], etag) {
            headers.remove(name: "content-type")
            return try await answer.begin(.notModified, headers)
        }
        var range = 0..<size
        var status = HTTPResponseStatus(statusCode: entry.status)
        // Of a coded body nobody asks for parts.
        if entry.status == 200, entry.headers["content-encoding"] == nil {
            headers.replaceOrAdd(name: "accept-ranges", value: "bytes")
            switch ByteRange(query.headers.first(name: "range"), of: size) {
            case .whole: break
            case .part(let part):
                range = part
                status = .partialContent
                headers.replaceOrAdd(name: "content-range", value: "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)")
            case .unsatisfiable:
                headers.replaceOrAdd(name: "content-range", value: "bytes */\(size)")
                headers.replaceOrAdd(name: "content-length", value: "0")
                return try await answer.begin(.rangeNotSatisfiable, headers)
            }
        }
        headers.replaceOrAdd(name: "content-length", value: "\(range.count)")
        try await answer.begin(status, headers)
        guard query.method != .HEAD else { return }
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.portion) {
            let count = min(Self.portion, range.upperBound - start)
            let bytes = try await BlockingPool.run { [body] in try body.bytes(at: start, count: count) }
            guard bytes.count == count else { throw UpstreamFailure.brokeOff }
            try await answer.send(ByteBuffer(bytes: bytes))
        }
    }

    /// Weak comparison. Source: RFC 9110 section 13.1.2.
    private static func holds(_ condition: [String], _ etag: String) -> Bool {
        func bare(_ tag: some StringProtocol) -> String {
            let tag = tag.trimmingPrefix { $0 == " " }
            return String(tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...])
        }
        return condition.flatMap { $0.split(separator: ",") }.contains { bare($0) == bare(etag) }
    }
}
