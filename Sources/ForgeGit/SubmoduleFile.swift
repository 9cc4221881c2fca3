internal import ForgeModel

/// What a `.gitmodules` says: the name and URL of each submodule, by its folder. Other keys (`update`, `branch` …) mean nothing
/// here, and nothing that it names is included or run.
struct SubmoduleFile {
    static let name = ".gitmodules"
    static let maximumBytes = 1 << 20

    private var entries: [RelativePath: (name: String, url: String)] = [:]

    init() {}

    /// - Throws: `source.submodule-file`
    init(parsing bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumBytes, let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
            throw Self.malformed()
        }
        var values: [String: [String: String]] = [:]
        guard let assignments = GitConfigText.assignments(in: text) else { throw Self.malformed() }
        for line in assignments where line.section == "submodule" { values[line.subsection, default: [:]][line.key] = line.value }
        for (name, words) in values {
            guard Self.isSafe(name), let url = words["url"], let path = words["path"].flatMap({ try? RelativePath(parsing: $0) }),
                !path.isRoot
            else { continue }
            entries[path] = (name, url)
        }
    }

    func submodule(at path: RelativePath, below prefix: RelativePath, commit: ObjectID) -> Submodule {
        let entry = entries[prefix.appending(path)]
        return Submodule(path: path, commit: commit.hex, name: entry?.name, url: entry?.url)
    }

    /// The name becomes a folder's: nothing in it may lead elsewhere or look like git's own.
    private static func isSafe(_ name: String) -> Bool {
        guard let path = try? RelativePath(parsing: name), !path.isRoot, path.string == name, !name.hasPrefix("-") else { return false }
        return path.components.allSatisfy { ![".git", "git~1"].contains($0.lowercased()) }
    }

    private static func malformed() -> ForgeError {
        ForgeError(.usage, "source.submodule-file", "`.gitmodules` cannot be read", hint: "`git config -f .gitmodules -l` tells more")
    }
}
