package import ForgeManifests
package import ForgeModel
package import ForgePresets

/// The files in which a JavaScript program begins, read once. Used by one detection on one thread.
package final class JavaScriptProject {
    private static let extensions = ["js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx"]
    private static let names = ["app", "index", "server", "main"]
    private static let folders = ["", "src/"]
    /// So many files are looked into that the first ones name.
    private static let followed = 24

    private let files: ProjectFiles
    private let manifests: Manifests
    private var sources: [RelativePath: JavaScriptSource] = [:]
    private var known: [RelativePath]?

    package init(files: ProjectFiles, manifests: Manifests) {
        self.files = files
        self.manifests = manifests
    }

    package func importing(_ test: Clause.ImportTest) throws -> (path: RelativePath, line: Int)? {
        let paths = try test.globs.isEmpty ? entries() : test.globs.flatMap { try files.expand($0, passing: ProjectFiles.sideFolders) }
        for path in paths.prefix(64) {
            guard let source = try source(path) else { continue }
            for module in test.modules {
                if let found = source.imports(module) { return (path, found.line) }
            }
        }
        return nil
    }

    /// What `main` and the scripts `start` and `dev` name, or what these run, then what is usually called so.
    private func entries() throws -> [RelativePath] {
        if let known { return known }
        var named = [try files.json(Manifests.path("package.json"))?["main"]?.string].compactMap(\.self)
        for script in ["start", "dev"] {
            named += try manifests.scriptLines(script).flatMap { SourceText.words(of: $0.line) }.filter(JavaScriptProject.isFile)
        }
        for folder in JavaScriptProject.folders {
            for name in JavaScriptProject.names { named += JavaScriptProject.extensions.map { "\(folder)\(name).\($0)" } }
        }
        var seen: Set<RelativePath> = []
        let entries = try named.compactMap { try? RelativePath(parsing: $0) }.filter { path in
            try seen.insert(path).inserted && files.isFile(path)
        }
        let all = try entries + neighbours(of: entries, &seen)
        known = all
        return all
    }

    /// A beginning often only calls what makes the server: `./server`. A page's scripts are no program and call anything.
    private func neighbours(of entries: [RelativePath], _ seen: inout Set<RelativePath>) throws -> [RelativePath] {
        guard try !files.isFile(Manifests.path("index.html")) else { return [] }
        var found: [RelativePath] = []
        for entry in entries {
            for module in try source(entry)?.imports.map(\.module) ?? [] where module.hasPrefix("./") {
                guard found.count < Self.followed else { return found }
                if let path = try neighbour(module, beside: entry), seen.insert(path).inserted { found.append(path) }
            }
        }
        return found
    }

    /// As Node finds it; TypeScript names the file that it will write: `./server.js` is `server.ts`.
    private func neighbour(_ module: String, beside entry: RelativePath) throws -> RelativePath? {
        let name = "\(entry.parent)/\(module.dropFirst(2))"
        let endings = Self.extensions.map { "." + $0 } + Self.extensions.map { "/index." + $0 }
        var spellings = [name] + endings.map { name + $0 }
        if Self.isFile(name), let dot = name.lastIndex(of: ".") { spellings += [".ts", ".mts"].map { name[..<dot] + $0 } }
        return try spellings.map(Manifests.path).first(where: files.isFile)
    }

    private static func isFile(_ word: String) -> Bool { extensions.contains { word.hasSuffix("." + $0) } }

    private func source(_ path: RelativePath) throws -> JavaScriptSource? {
        if let known = sources[path] { return known }
        let source = try files.text(path).map { JavaScriptSource($0) }
        sources[path] = source
        return source
    }
}
