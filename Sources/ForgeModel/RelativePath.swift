/// A path below some root: no leading slash, no `.`, `..` or empty component, no NUL; `""` is the root itself.
///
/// Made once where text enters (a descriptor, a flag, an archive), so nothing behind that door can climb out.
package struct RelativePath: Hashable, Sendable {
    package let components: [String]

    package static let root = RelativePath(trusted: [])

    /// Normalises `./a//b/` to `a/b`.
    /// - Throws: `RelativePathError` when the text is absolute, climbs with `..` or holds a NUL.
    package init(parsing text: String) throws(RelativePathError) {
        guard !text.hasPrefix("/") else { throw .absolute(text) }
        guard !text.utf8.contains(0) else { throw .nul(text) }
        let parts = text.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { throw .climbs(text) }
        self.components = parts.map(String.init)
    }

    private init(trusted components: [String]) { self.components = components }

    /// The root's own name is `.`, as a person would type it.
    package var display: String { isRoot ? "." : string }
    package var string: String { components.joined(separator: "/") }
    package var isRoot: Bool { components.isEmpty }
    package var name: String { components.last ?? "" }
    package var parent: RelativePath { RelativePath(trusted: Array(components.dropLast())) }

    /// `component` must be a single name, as directory listings give them.
    package func appending(component: String) -> RelativePath {
        precondition(!component.isEmpty && component != "." && component != ".." && !component.utf8.contains(UInt8(ascii: "/")))
        return RelativePath(trusted: components + [component])
    }

    package func appending(_ other: RelativePath) -> RelativePath {
        RelativePath(trusted: components + other.components)
    }

    /// Whether this path is `ancestor` or lies below it.
    package func isWithin(_ ancestor: RelativePath) -> Bool {
        components.starts(with: ancestor.components) { $0.utf8.elementsEqual($1.utf8) }
    }

    /// The rest of this path below `ancestor`; nil when it lies elsewhere.
    package func relative(to ancestor: RelativePath) -> RelativePath? {
        isWithin(ancestor) ? RelativePath(trusted: Array(components.dropFirst(ancestor.components.count))) : nil
    }
}

/// Paths are equal when their bytes are: two spellings of `é` are one `String` to Swift but two files to Linux.
extension RelativePath {
    package static func == (left: RelativePath, right: RelativePath) -> Bool {
        left.components.elementsEqual(right.components) { $0.utf8.elementsEqual($1.utf8) }
    }

    package func hash(into hasher: inout Hasher) {
        for component in components {
            var component = component
            component.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            hasher.combine(UInt8(ascii: "/"))
        }
    }
}

extension RelativePath: CustomStringConvertible {
    package var description: String { display }
}

extension RelativePath: Comparable {
    package static func < (left: RelativePath, right: RelativePath) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }
}

extension RelativePath: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(string)
    }
}

package enum RelativePathError: Error, Equatable, CustomStringConvertible {
    case absolute(String), climbs(String), nul(String)

    package var description: String {
        switch self {
        case .absolute(let text): "path `\(text)` is absolute: write it relative to the project"
        case .climbs(let text): "path `\(text)` leaves the project: `..` is not allowed"
        case .nul: "a path cannot hold a NUL byte"
        }
    }
}
