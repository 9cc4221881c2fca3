import ForgeModel
import Foundation

enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path
}

/// A folder of this machine, for fixtures.
struct FolderTree: SourceTree {
    let folder: String

    private func full(_ path: RelativePath) -> String { path.isRoot ? folder : folder + "/" + path.string }

    func node(at path: RelativePath) throws -> SourceNode? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: full(path)),
            let type = attributes[.type] as? FileAttributeType
        else { return nil }
        switch type {
        case .typeDirectory: return .directory
        case .typeSymbolicLink: return .symlink(target: try FileManager.default.destinationOfSymbolicLink(atPath: full(path)))
        default:
            let size = (attributes[.size] as? NSNumber)?.int64Value ?? 0
            return .file(executable: FileManager.default.isExecutableFile(atPath: full(path)), size: size)
        }
    }

    func entries(of path: RelativePath) throws -> [SourceEntry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: full(path))) ?? []
        return try names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
            try node(at: path.appending(component: name)).map { SourceEntry(name: name, node: $0) }
        }
    }

    func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        guard case .file? = try node(at: path), let data = FileManager.default.contents(atPath: full(path)) else { return nil }
        return Array(data.prefix(limit))
    }
}

/// Files that exist only in a test. A text that begins with `→ ` is a symbolic link.
final class MemoryTree: SourceTree {
    let files: [RelativePath: [UInt8]]
    let links: [RelativePath: String]
    /// The names in each folder.
    private let folders: [RelativePath: Set<String>]

    init(bytes: [String: [UInt8]], links: [String: String] = [:]) {
        files = Dictionary(uniqueKeysWithValues: bytes.map { (MemoryTree.path($0), $1) })
        self.links = Dictionary(uniqueKeysWithValues: links.map { (MemoryTree.path($0), $1) })
        var folders: [RelativePath: Set<String>] = [.root: []]
        for var path in Array(files.keys) + self.links.keys {
            while !path.isRoot, folders[path.parent, default: []].insert(path.name).inserted { path = path.parent }
        }
        self.folders = folders
    }

    convenience init(_ texts: [String: String]) {
        self.init(
            bytes: texts.filter { !$0.value.hasPrefix("→ ") }.mapValues { Array($0.utf8) },
            links: texts.filter { $0.value.hasPrefix("→ ") }.mapValues { String($0.dropFirst(2)) })
    }

    private static func path(_ text: String) -> RelativePath {
        text.split(separator: "/").reduce(RelativePath.root) { $0.appending(component: String($1)) }
    }

    func node(at path: RelativePath) throws -> SourceNode? {
        if let target = links[path] { return .symlink(target: target) }
        if let bytes = files[path] { return .file(executable: false, size: Int64(bytes.count)) }
        return folders[path] == nil ? nil : .directory
    }

    func entries(of path: RelativePath) throws -> [SourceEntry] {
        try (folders[path] ?? []).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
            try node(at: path.appending(component: name)).map { SourceEntry(name: name, node: $0) }
        }
    }

    func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? { files[path].map { Array($0.prefix(limit)) } }
}

/// An `index.html` beside three hundred folders of a thousand pages each.
struct WideTree: SourceTree {
    func node(at path: RelativePath) throws -> SourceNode? {
        switch path.components.count {
        case 0: .directory
        case 1: path.name == "index.html" ? .file(executable: false, size: 0) : path.name.hasPrefix("part") ? .directory : nil
        case 2: path.name.hasPrefix("page") ? .file(executable: false, size: 0) : nil
        default: nil
        }
    }

    func entries(of path: RelativePath) throws -> [SourceEntry] {
        if path.components.count == 1 {
            return (0..<1000).map { SourceEntry(name: "page\($0).html", node: .file(executable: false, size: 0)) }
        }
        guard path.isRoot else { return [] }
        return [SourceEntry(name: "index.html", node: .file(executable: false, size: 0))]
            + (0..<300).map { SourceEntry(name: "part\($0)", node: .directory) }
    }

    func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? { try node(at: path) == .directory ? nil : [] }
}
