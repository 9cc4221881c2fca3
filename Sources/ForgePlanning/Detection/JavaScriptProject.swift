package import ForgeManifests
package import ForgeModel
package import ForgePresets

/// The files in which a JavaScript program begins, read once. Used by one detection on one thread.
package final class JavaScriptProject {
    private static let extensions = ["js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx"]
    private static let names = ["app", "index", "server", "main"]
    private static let folders = ["", "src/"]

    private let files: ProjectFiles
    private let manifests: Manifests
    private var sources: [RelativePath: JavaScriptSource] = [:]
    private var known: [RelativePath]?

    package init(files: ProjectFiles, manifests: Manifests) {
        self.files = files
        self.manifests = manifests
    }

    package func importing(_ test: Clause.ImportTest) throws -> (path: RelativePath, line: Int)? {
        let paths = try test.globs.isEmpty ? entries() : test.globs.flatMap { try files.expand($0) }
        for path in paths.prefix(64) {
            guard let source = try source(path) else { continue }
            for module in test.modules {
                if let found = source.imports(module) { return (path, found.line) }
            }
        }
        return nil
    }

    /// What `main` and the scripts `start` and `dev` name, then what is usually called so.
    private func entries() throws -> [RelativePath] {
        if let known { return known }
        var named = [try files.json(Manifests.path("package.json"))?["main"]?.string].compactMap(\.self)
        for script in ["start", "dev"] {
            named += try manifests.script(script).map { ClauseEvaluator.words(of: $0.line) }?.filter(JavaScriptProject.isFile) ?? []
        }
        for folder in JavaScriptProject.folders {
            for name in JavaScriptProject.names { named += JavaScriptProject.extensions.map { "\(folder)\(name).\($0)" } }
        }
        var seen: Set<RelativePath> = []
        let entries = try named.compactMap { try? RelativePath(parsing: $0) }.filter { path in
            try seen.insert(path).inserted && files.isFile(path)
        }
        known = entries
        return entries
    }

    private static func isFile(_ word: String) -> Bool { extensions.contains { word.hasSuffix("." + $0) } }

    private func source(_ path: RelativePath) throws -> JavaScriptSource? {
        if let known = sources[path] { return known }
        let source = try files.text(path).map { JavaScriptSource($0) }
        sources[path] = source
        return source
    }
}
