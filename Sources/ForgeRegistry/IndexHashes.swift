internal import CZlib
internal import Foundation

/// The hashes that a registry's own document names: npm's packument, or a page of a Python index.
///
/// Source: npm registry API, "Package Metadata"; PEP 503 and PEP 691.
struct IndexHashes: Sendable {
    /// Documents larger than this are left to the package manager.
    private static let limit = 64 << 20

    /// By the last part of a file's address.
    private var byFileName: [String: [ExpectedHash]] = [:]

    /// What cannot be read names nothing.
    init(_ body: [UInt8], coding: String?) {
        guard let plain = Self.decoded(body, coding) else { return }
        if plain.first(where: { $0 > 32 }) == UInt8(ascii: "{") { readJSON(plain) } else { readPage(plain) }
    }

    func hashes(of file: PackageFile) -> [ExpectedHash]? { byFileName[file.fileName] }

    private struct Document: Decodable {
        struct Version: Decodable { let dist: Dist? }
        struct Dist: Decodable {
            let tarball: String?
            let integrity: String?
            let shasum: String?
        }
        struct File: Decodable {
            let filename: String
            let hashes: [String: String]?
        }

        let versions: Versions?
        let files: [File]?

        /// An object in npm's documents, in Python's a list of numbers.
        struct Versions: Decodable {
            let table: [String: Version]

            init(from decoder: any Decoder) throws {
                table = (try? decoder.singleValueContainer().decode([String: Version].self)) ?? [:]
            }
        }
    }

    private mutating func readJSON(_ bytes: [UInt8]) {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)) else { return }
        for dist in (document.versions?.table ?? [:]).values.compactMap(\.dist) {
            guard let name = dist.tarball.flatMap({ PackageFile(path: $0) })?.fileName else { continue }
            let strong = ExpectedHash.integrity(dist.integrity ?? "")
            byFileName[name] = strong.isEmpty ? [dist.shasum.flatMap { ExpectedHash.hex($0, .sha1) }].compactMap(\.self) : strong
        }
        for file in document.files ?? [] {
            if let hash = file.hashes?["sha256"].flatMap({ ExpectedHash.hex($0, .sha256) }) { byFileName[file.filename] = [hash] }
        }
        byFileName = byFileName.filter { !$0.value.isEmpty }
    }

    private mutating func readPage(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        for match in text.matches(of: /href\s*=\s*["']([^"'#]+)#(sha256|sha512)=([0-9a-fA-F]+)["']/) {
            guard let file = PackageFile(path: String(match.1)),
                let hash = ExpectedHash.hex(match.3, ExpectedHash.Algorithm(rawValue: String(match.2)))
            else { continue }
            byFileName[file.fileName] = [hash]
        }
    }

    private static func decoded(_ body: [UInt8], _ coding: String?) -> [UInt8]? {
        guard let coding, coding.lowercased() != "identity" else { return body }
        return ["gzip", "x-gzip", "deflate"].contains(coding.lowercased()) ? inflated(body) : nil
    }

    private static func inflated(_ body: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard forge_inflate_init(&stream) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        var input = body
        return input.withUnsafeMutableBufferPointer { source -> [UInt8]? in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            var result: [UInt8] = []
            var status = Z_OK
            while status == Z_OK, result.count <= limit {
                let piece = [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, count in
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = UInt32(buffer.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    count = buffer.count - Int(stream.avail_out)
                }
                result += piece
                if piece.isEmpty && status == Z_OK { return nil }
            }
            return status == Z_STREAM_END && result.count <= limit ? result : nil
        }
    }
}
