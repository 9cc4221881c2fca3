/// The name of an image in a registry: `registry.example:5000/team/base:12@sha256:…`.
///
/// The registry is always said: what a short name means depends on whose machine reads it. Where a digest is given it decides alone,
/// and the tag is for people.
/// Source: OCI Distribution Specification 1.1, "Pulling manifests"; the reference grammar of distribution/reference.
package struct ImageReference: Hashable, Sendable {
    /// Host and, where it is not 443, port.
    package let registry: String
    package let repository: String
    package let tag: String?
    /// SHA-256 of the manifest or index, in hexadecimal digits.
    package let digest: String?

    package init(parsing text: String) throws(ImageReferenceError) {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        digest = try halves.count == 2 ? Self.digest(String(halves[1])) : nil
        guard let slash = halves[0].firstIndex(of: "/") else { throw .noRegistry(text) }
        let host = halves[0][..<slash]
        guard host.contains(where: { $0 == "." || $0 == ":" }) || host == "localhost",
            let origin = EgressOrigin(scheme: .https, authority: host)
        else { throw .noRegistry(text) }
        registry = origin.authority
        let rest = halves[0][halves[0].index(after: slash)...]
        let colon = rest.lastIndex(of: ":")
        repository = String(rest[..<(colon ?? rest.endIndex)])
        tag = colon.map { String(rest[rest.index(after: $0)...]) }
        guard repository.utf8.count <= 255, repository.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(Self.isName)
        else { throw .malformed(text, "its name holds something else than lower-case letters, digits and single separators") }
        if let tag, tag.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._-]{0,127}/) == nil { throw .malformed(text, "`\(tag)` is no tag") }
    }

    private static func digest(_ text: String) throws(ImageReferenceError) -> String {
        do throws(DigestError) { return try Digest.hash(parsing: text) } catch { throw .badDigest(error.description) }
    }

    private static func isName(_ part: Substring) -> Bool { part.wholeMatch(of: /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/) != nil }

    private init(_ other: ImageReference, digest: String) {
        (registry, repository, tag, self.digest) = (other.registry, other.repository, other.tag, digest)
    }

    /// The same name, pinned.
    package func pinned(to digest: String) -> ImageReference { ImageReference(self, digest: digest) }

    /// Without tag and digest.
    package var name: String { "\(registry)/\(repository)" }
}

extension ImageReference: CustomStringConvertible {
    package var description: String { name + (tag.map { ":\($0)" } ?? "") + (digest.map { "@sha256:\($0)" } ?? "") }
}

/// Saved as its text.
extension ImageReference: Codable {
    package init(from decoder: any Decoder) throws { try self.init(parsing: decoder.singleValueContainer().decode(String.self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

package enum ImageReferenceError: Error, Equatable, CustomStringConvertible {
    case noRegistry(String)
    case malformed(String, String)
    case badDigest(String)

    package var description: String {
        switch self {
        case .noRegistry(let text): "`\(text)` does not say which registry it comes from"
        case .malformed(let text, let why): "`\(text)` is not the name of an image: \(why)"
        case .badDigest(let why): why
        }
    }
}
