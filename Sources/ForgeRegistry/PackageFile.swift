internal import Foundation

/// The file of a package, as its place in a registry tells: what is recorded of it, and which words of a lockfile are about it.
///
/// Source: the npm registry's `/NAME/-/FILE-VERSION.tgz`; PyPA binary distribution format (wheels) and source distribution format.
struct PackageFile: Hashable, Sendable {
    let fileName: String
    let name: String?
    let version: String?

    private static let endings = [".tgz", ".whl", ".tar.gz", ".tar.bz2", ".tar.xz", ".zip", ".egg"]

    /// nil for what is no file of a package but a document that leads to some.
    /// - Parameter path: as in a request, a query may follow.
    init?(path: String) {
        let plain = path.prefix { $0 != "?" && $0 != "#" }
        let parts = plain.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
        guard let file = parts.last, let ending = Self.endings.first(where: file.hasSuffix) else { return nil }
        fileName = file
        let stem = String(file.dropLast(ending.count))
        if let dash = parts.lastIndex(of: "-"), dash > 0, dash < parts.count - 1 {
            (name, version) = Self.npm(before: parts[..<dash], stem)
        } else if ending == ".whl" || ending == ".egg" {
            let words = stem.split(separator: "-").map(String.init)
            (name, version) = words.count >= 2 ? (Self.normalized(words[0]), words[1]) : (nil, nil)
        } else {
            (name, version) = Self.sourceDistribution(stem)
        }
    }

    private static func npm(before: ArraySlice<String>, _ stem: String) -> (String?, String?) {
        guard let last = before.last else { return (nil, nil) }
        let bare = last.split(separator: "/").last.map(String.init) ?? last
        let scope = before.dropLast().last.flatMap { $0.hasPrefix("@") ? $0 + "/" : nil } ?? ""
        let file = stem.split(separator: "/").last.map(String.init) ?? stem
        return (scope + last, file.hasPrefix(bare + "-") ? String(file.dropFirst(bare.count + 1)) : nil)
    }

    /// The version begins after the last dash that a digit follows.
    private static func sourceDistribution(_ stem: String) -> (String?, String?) {
        let words = stem.split(separator: "-")
        guard let index = words.indices.dropFirst().last(where: { words[$0].first?.isNumber == true }) else { return (nil, nil) }
        return (normalized(words[..<index].joined(separator: "-")), words[index...].joined(separator: "-"))
    }

    /// Source: PyPA, "Names and normalization".
    static func normalized(_ name: some StringProtocol) -> String {
        name.lowercased().split { "-_.".contains($0) }.joined(separator: "-")
    }

    /// For people.
    var title: String { name.map { name in version.map { "\(name) \($0)" } ?? name } ?? fileName }
}
