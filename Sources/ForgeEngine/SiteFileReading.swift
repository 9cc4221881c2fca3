internal import ForgeModel

/// What the files `_redirects` and `_headers` in a folder to be published say. They are read, and not served.
struct SiteFileReading {
    private(set) var rules = SiteRules()
    private(set) var warnings: [Diagnostic] = []
    /// Which of them are there.
    private(set) var names: [String] = []

    /// - Parameter folder: how messages call it.
    init(_ tree: some SourceTree, in folder: RelativePath) throws {
        if let bytes = try read(SiteFiles.redirects, tree, folder) {
            let found = SiteFiles.redirects(parsing: bytes)
            rules.redirects = found.rules
            warn(found.faults, SiteFiles.redirects, folder)
        }
        if let bytes = try read(SiteFiles.headers, tree, folder) {
            let found = SiteFiles.headers(parsing: bytes)
            rules.headers = found.rules
            warn(found.faults, SiteFiles.headers, folder)
        }
    }

    private mutating func read(_ name: String, _ tree: some SourceTree, _ folder: RelativePath) throws -> [UInt8]? {
        let path = try RelativePath(parsing: name)
        guard case .file? = try tree.node(at: path), let bytes = try tree.read(path, limit: SiteLimits.file + 1) else { return nil }
        names.append(name)
        guard bytes.count <= SiteLimits.file else {
            warnings.append(
                Diagnostic(
                    "`\(name)` is larger than \(SiteLimits.file >> 10) KiB: none of its rules is served",
                    at: SourceLocation(file: folder.appending(path).display), hint: "say with patterns what many lines say"))
            return nil
        }
        return bytes
    }

    private mutating func warn(_ faults: [SiteFiles.LineFault], _ name: String, _ folder: RelativePath) {
        warnings += faults.map { fault in
            Diagnostic(
                fault.message, at: SourceLocation(file: folder.appending(component: name).display, line: fault.line),
                hint: "this line is not served; the others are")
        }
    }
}

extension SiteRules {
    /// Rules that answer with a page that is not there: nothing comes of them.
    func absentPages(in tree: some SourceTree) throws -> [Diagnostic] {
        try redirects.filter(\.isRewrite).compactMap { rule in
            guard let page = rule.destination.page, let path = try? RelativePath(parsing: String(page.drop { $0 == "/" })) else {
                return nil
            }
            var places = [path.appending(component: "index.html")]
            if !path.isRoot { places += [path, path.parent.appending(component: path.name + ".html")] }
            for place in places { if case .file? = try tree.node(at: place) { return nil } }
            return Diagnostic(
                "the rule for `\(rule.source.text)` answers with `\(rule.destination.text)`, which the output does not have",
                hint: "paths go on as if the rule were not there")
        }
    }
}
