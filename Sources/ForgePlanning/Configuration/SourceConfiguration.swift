package import ForgeModel
package import ForgePatterns
internal import ForgePresets
internal import ForgeTOML

extension ProjectConfiguration {
    /// `[source]`: what belongs to a commit besides its own files. Nil where the file says nothing.
    package struct Source: Hashable, Sendable {
        package enum Submodules: Hashable, Sendable {
            case all
            /// By their folders, nested ones included; `false` is none.
            case only([RelativePath])
        }

        package enum LFS: Hashable, Sendable {
            case all
            /// A pattern without a slash fits a name in any folder.
            case only([Glob])
        }

        package var submodules: Submodules?
        package var lfs: LFS?

        package init() {}
    }
}

extension ProjectConfiguration.Source.Submodules {
    package func includes(_ path: RelativePath) -> Bool {
        switch self {
        case .all: true
        case .only(let paths): paths.contains { path == $0 || $0.isWithin(path) }
        }
    }
}

extension ProjectConfiguration.Source.LFS {
    package func includes(_ path: RelativePath) -> Bool {
        switch self {
        case .all: true
        case .only(let globs):
            globs.contains { glob in
                glob.alternatives.contains { parts in
                    Self.fits(path.components[...], parts.count == 1 && !glob.text.contains("/") ? ["**"] + parts : parts[...])
                }
            }
        }
    }

    private static func fits(_ names: ArraySlice<String>, _ parts: ArraySlice<String>) -> Bool {
        guard let part = parts.first else { return names.isEmpty }
        if part == "**" {
            return names.indices.contains { fits(names[$0...], parts.dropFirst()) } || fits([], parts.dropFirst())
        }
        guard let name = names.first, Glob.matches(name, part: part) else { return false }
        return fits(names.dropFirst(), parts.dropFirst())
    }
}

/// Reads `[source]`.
struct SourceTableReader {
    let table: TableReader

    func read() -> ProjectConfiguration.Source {
        var source = ProjectConfiguration.Source()
        switch choice("submodules", example: "libs/engine") {
        case .all: source.submodules = .all
        case .only(let texts): source.submodules = .only(texts.compactMap(path))
        case nil: break
        }
        switch choice("lfs", example: "*.png") {
        case .all: source.lfs = .all
        case .only(let texts): source.lfs = .only(texts.compactMap(glob))
        case nil: break
        }
        table.finish()
        return source
    }

    private enum Choice {
        case all
        case only([Located<String>])
    }

    private func choice(_ key: String, example: String) -> Choice? {
        guard let node = table.node(key) else { return nil }
        if let flag = node.bool { return flag ? .all : .only([]) }
        guard node.array != nil else {
            table.wrongType(key, node, "a boolean or an array of strings", hint: "write `\(key) = true` or `\(key) = [\"\(example)\"]`")
            return nil
        }
        return table.strings(key).map(Choice.only)
    }

    private func path(_ text: Located<String>) -> RelativePath? {
        do throws(RelativePathError) { return try RelativePath(parsing: text.value) } catch {
            table.faults.add("`submodules`: \(error)", at: text.location, hint: "write the submodule's folder as `.gitmodules` has it")
            return nil
        }
    }

    private func glob(_ text: Located<String>) -> Glob? {
        do throws(GlobError) { return try Glob(text.value) } catch {
            table.faults.add("`lfs`: \(error)", at: text.location)
            return nil
        }
    }
}
