internal import ForgeModel
internal import ForgeREAPI

/// The tree that an archive's entries make, put together in memory: no name of an archive ever meets a file system, so nothing can be
/// written through a link or outside.
struct ArchiveContents {
    enum Node {
        case file(Digest, executable: Bool)
        case symlink(target: String)
        case folder(Folder)
    }

    final class Folder {
        /// By the bytes of the name: to Swift two spellings of one letter are one key.
        var entries: [[UInt8]: Node] = [:]
        /// Names as a file system sees them that knows no case and one spelling of a letter; Swift's strings are equal by the latter.
        var folded: Set<String> = []
    }

    let name: String
    let rules: ArchiveRules
    private(set) var whiteouts: [RelativePath] = []
    private(set) var opaque: [RelativePath] = []
    private let root = Folder()

    init(name: String, rules: ArchiveRules) {
        self.name = name
        self.rules = rules
    }

    private var isLayer: Bool { rules.kind == .imageLayer }

    /// Where an entry belongs; nil when it is the root, or has nothing left after what is stripped.
    /// - Throws: `archive.unsafe-path`
    func place(of written: String) throws -> RelativePath? {
        // In a layer everything is below the image's root, however it is written.
        let path = isLayer ? String(written.drop { $0 == "/" }) : written
        if isLayer, path.isEmpty { return nil }
        guard let place = try? RelativePath(parsing: path) else { throw unsafe(path, "leaves the folder it is unpacked to") }
        // What another system takes for a separator or a drive must not climb there either.
        let foreign = path.split(whereSeparator: { $0 == "\\" || $0 == "/" })
        let hasDrive = path.utf8.count > 1 && path.utf8.dropFirst().first == UInt8(ascii: ":") && path.first?.isLetter == true
        guard isLayer || !hasDrive, !path.hasPrefix("\\"), !(foreign.contains("..")) else {
            throw unsafe(path, "leaves the folder it is unpacked to")
        }
        guard isLayer || !path.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            throw unsafe(path, "holds a control character")
        }
        guard place.components.count <= rules.maximumDepth else {
            throw unsafe(path, "is nested more than \(rules.maximumDepth) deep")
        }
        let rest = place.components.dropFirst(rules.strippedComponents)
        return rest.isEmpty ? nil : rest.reduce(RelativePath.root) { $0.appending(component: $1) }
    }

    /// Whether the name is the layer's way of saying that something below is gone; then it is noted.
    mutating func takeWhiteout(_ path: RelativePath) -> Bool {
        guard isLayer, path.name.hasPrefix(".wh.") else { return false }
        let rest = String(path.name.dropFirst(".wh.".count))
        if rest == ".wh..opq" {
            opaque.append(path.parent)
        } else if !rest.hasPrefix(".wh."), !rest.isEmpty, rest != ".", rest != ".." {
            // Others with two prefixes are bookkeeping of aufs.
            whiteouts.append(path.parent.appending(component: rest))
        }
        return true
    }

    func add(_ node: Node, at path: RelativePath) throws {
        let folder = try self.folder(at: path.parent, for: path)
        let key = Array(path.name.utf8)
        if let former = folder.entries[key] {
            if case (.folder, .folder) = (former, node) { return }
            guard isLayer else { throw unsafe(path.string, "is there twice") }
        } else if !isLayer, !folder.folded.insert(path.name.lowercased()).inserted {
            throw unsafe(path.string, "differs from another name only in case or spelling")
        }
        if case .symlink(let target) = node, !isLayer { try check(link: target, at: path) }
        folder.entries[key] = node
    }

    func addFolder(at path: RelativePath) throws { try add(.folder(Folder()), at: path) }

    /// A hard link: the same file under a second name.
    func link(_ target: RelativePath, at path: RelativePath) throws {
        var folder = root
        for component in target.parent.components {
            guard case .folder(let next)? = folder.entries[Array(component.utf8)] else { throw badLink(target, path) }
            folder = next
        }
        switch folder.entries[Array(target.name.utf8)] {
        case .file(let digest, let executable)?: try add(.file(digest, executable: executable), at: path)
        case .symlink(let text)? where isLayer: try add(.symlink(target: text), at: path)
        default: throw badLink(target, path)
        }
    }

    private func badLink(_ target: RelativePath, _ path: RelativePath) -> ForgeError {
        unsafe(path.string, "is a hard link to `\(target)`, which is no file that came before it")
    }

    private func folder(at path: RelativePath, for entry: RelativePath) throws -> Folder {
        var folder = root
        for component in path.components {
            let key = Array(component.utf8)
            switch folder.entries[key] {
            case .folder(let next)?: folder = next
            case nil:
                let next = Folder()
                folder.entries[key] = .folder(next)
                folder.folded.insert(component.lowercased())
                folder = next
            case .file?, .symlink?: throw unsafe(entry.string, "lies below `\(component)`, which is a link or a file")
            }
        }
        return folder
    }

    /// Parents are real folders here, so a target that climbs at its beginning only, and not above the root, stays inside; what it passes
    /// through are links that were held against the same rule.
    private func check(link target: String, at path: RelativePath) throws {
        let parts = target.split(separator: "/").filter { $0 != "." }
        let climbs = parts.prefix { $0 == ".." }.count
        guard !target.hasPrefix("/"), climbs < path.components.count, !parts.dropFirst(climbs).contains("..") else {
            throw unsafe(path.string, "is a link to `\(target)`, which leaves the archive")
        }
    }

    func unsafe(_ path: String, _ what: String) -> ForgeError {
        ForgeError(
            .store, "archive.unsafe-path", "`\(printable(path))` in `\(name)` \(what)",
            hint: "the archive is broken or was made to do harm; nothing of it was kept")
    }

    private func printable(_ path: String) -> String {
        let escaped = path.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "\\x" + String($0.value, radix: 16) : String($0) }
            .joined()
        return escaped.count > 200 ? escaped.prefix(200) + "…" : escaped
    }

    /// Adds the folders to `batch`; the digest of the whole.
    func stage(in batch: BlobBatch) throws -> Digest { try Self.stage(root, in: batch) }

    private static func stage(_ folder: Folder, in batch: BlobBatch) throws -> Digest {
        var message = DirectoryMessage()
        for (bytes, node) in folder.entries {
            let name = String(decoding: bytes, as: UTF8.self)
            switch node {
            case .file(let digest, let executable): message.files.append(.init(name: name, digest: digest, isExecutable: executable))
            case .symlink(let target): message.symlinks.append(.init(name: name, target: target))
            case .folder(let child): message.directories.append(.init(name: name, digest: try stage(child, in: batch)))
            }
        }
        return try batch.add(message.canonicalBytes())
    }
}
