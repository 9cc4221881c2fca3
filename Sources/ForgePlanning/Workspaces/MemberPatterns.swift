internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePresets

/// The folders that a workspace's list of patterns stands for.
struct MemberPatterns {
    /// One entry of the list, and where it is written.
    struct Entry {
        let text: String
        let location: SourceLocation
    }

    private static let limit = 4096

    let files: ProjectFiles
    let rule: WorkspaceRule

    /// In the order of the list: a pattern adds folders that hold the manifest, one that begins with `!` takes away again.
    /// - Throws: `ForgeError` `workspace.pattern`, `workspace.member-missing`
    func folders(_ members: [Entry], excluding: [Entry]) throws -> [RelativePath] {
        var found: Set<RelativePath> = []
        for entry in members {
            if entry.text.hasPrefix("!") {
                let glob = try glob(String(entry.text.dropFirst()), entry)
                found = found.filter { !glob.matches($0.components) }
            } else {
                found.formUnion(try expanded(entry))
            }
        }
        for entry in excluding {
            let glob = try glob(entry.text, entry)
            // An excluded folder takes all below it along.
            found = found.filter { path in !(0...path.components.count).contains { glob.matches(Array(path.components.prefix($0))) } }
        }
        return found.sorted()
    }

    private func expanded(_ entry: Entry) throws -> [RelativePath] {
        let glob = try glob(entry.text, entry)
        if glob.alternatives.contains([]) { return try hasManifest(.root) ? [.root] : [] }
        // `packages/**` means every folder below, at any depth.
        let all = entry.text.hasSuffix("**") ? try self.glob(entry.text + "/*", entry) : glob
        let found = try files.expand(all, kind: .directory, limit: Self.limit).filter(hasManifest)
        let isName = !glob.alternatives.contains { $0.contains { $0 == "**" || Glob.isWild($0) } }
        guard found.isEmpty, isName, rule.isStrict else { return found }
        throw ForgeError(
            .configuration, "workspace.member-missing", "workspace member `\(entry.text)` has no `\(rule.manifest)`", at: entry.location,
            hint: try nearest(entry.text).map { "did you mean `\($0)`?" } ?? "correct the line, or add the folder")
    }

    private func hasManifest(_ folder: RelativePath) throws -> Bool { try files.isFile(folder.appending(Manifests.path(rule.manifest))) }

    private func nearest(_ text: String) throws -> String? {
        let parent = try RelativePath(parsing: text).parent
        let names = try files.subfolders(parent).map { parent.appending(component: $0) }.filter(hasManifest).map(\.string)
        return NearestName.of(text, in: names)
    }

    private func glob(_ text: String, _ entry: Entry) throws -> Glob {
        do throws(GlobError) { return try Glob(text) } catch {
            throw ForgeError(
                .configuration, "workspace.pattern", "workspace member `\(entry.text)`: \(error.message)", at: entry.location,
                hint: "members lie below the folder of `\(rule.file)`")
        }
    }
}
