package import ForgeManifests
package import ForgeModel
internal import ForgePatterns
package import ForgePresets

/// The Python files in which an application object may live, read once. Used by one detection on one thread.
package final class PythonProject {
    package struct Match: Hashable {
        package let path: RelativePath
        /// As Python imports it: `app.main`.
        package let module: String
        /// The folder it is imported from.
        package let searchPath: RelativePath
        package let name: String
        package let isFactory: Bool
        package let line: Int
    }

    private static let preferredFiles = ["main", "app", "wsgi", "asgi", "server", "application", "api", "run", "index", "__init__"]
    private static let preferredNames = ["app", "application", "api", "server"]
    private static let passedFolders: Set<String> = ["tests", "test", "migrations", "docs", "examples", "scripts", "build", "dist"]

    private static let manifests = ["requirements.txt", "pyproject.toml", "Pipfile", "setup.py"]

    private let files: ProjectFiles
    private var scanned: [(path: RelativePath, source: PythonSource)]?

    package init(files: ProjectFiles) { self.files = files }

    /// The likeliest application object: objects before factories, well-known file and variable names first.
    package func match(_ test: Clause.AppObjectTest) throws -> Match? {
        for (path, source) in try sources() {
            let objects = source.objects.filter { object in test.constructors.contains { fits(object, $0, source) } }
            let named = PythonProject.preferredNames.lazy.compactMap { name in objects.first { $0.name == name } }.first
            if let object = named ?? objects.first {
                return try found(path, object.name, isFactory: false, line: object.line)
            }
        }
        for (path, source) in try sources() where test.constructors.contains(where: { source.imports(PythonProject.owner($0)) != nil }) {
            if let function = source.functions.first(where: { test.factories.contains($0.name) }) {
                return try found(path, function.name, isFactory: true, line: function.line)
            }
        }
        return nil
    }

    private func found(_ path: RelativePath, _ name: String, isFactory: Bool, line: Int) throws -> Match {
        let folder = try searchPath(of: path)
        let inner = RelativePath.root.appending(path.components.dropFirst(folder.components.count))
        return Match(
            path: path, module: PythonProject.module(inner), searchPath: folder, name: name, isFactory: isFactory, line: line)
    }

    /// Where a file expects imports of its own project to be looked for: the root, or the folder above it in which most of them are found
    /// (`src`, a back end's own folder).
    private func searchPath(of path: RelativePath) throws -> RelativePath {
        guard let top = path.components.first, path.components.count > 1 else { return .root }
        let neighbours = try sources().filter { $0.path.components.first == top }
        let names = Set(neighbours.flatMap { $0.source.imports.compactMap { $0.module.split(separator: ".").first.map(String.init) } })
        let present = try sources().map(\.path.components)
        func found(below folder: ArraySlice<String>) -> Int {
            names.count { name in
                present.contains { other in
                    guard other.starts(with: folder), other.count > folder.count else { return false }
                    let next = other[folder.count]
                    return next == "\(name).py" || (next == name && other.count > folder.count + 1)
                }
            }
        }
        var best = path.components.prefix(0)
        for depth in 1..<path.components.count where found(below: path.components.prefix(depth)) > found(below: best) {
            best = path.components.prefix(depth)
        }
        return RelativePath.root.appending(best)
    }

    package func importing(_ module: String) throws -> (path: RelativePath, line: Int)? {
        for (path, source) in try sources() {
            if let found = source.imports(module) { return (path, found.line) }
        }
        return nil
    }

    /// `app/main.py` is `app.main`, `app/__init__.py` is `app`.
    package static func module(_ path: RelativePath) -> String {
        var parts = path.components
        if let last = parts.popLast(), last != "__init__.py" { parts.append(String(last.dropLast(".py".count))) }
        return parts.joined(separator: ".")
    }

    private static func owner(_ constructor: String) -> String {
        String(constructor.prefix(upTo: constructor.lastIndex(of: ".") ?? constructor.endIndex))
    }

    private func fits(_ object: PythonSource.Object, _ constructor: String, _ source: PythonSource) -> Bool {
        if object.constructor == constructor { return true }
        // `from flask import *`: the bare name, in a file that imports the module.
        guard !object.constructor.contains("."), constructor.hasSuffix("." + object.constructor) else { return false }
        return source.imports(PythonProject.owner(constructor)) != nil
    }

    private func sources() throws -> [(path: RelativePath, source: PythonSource)] {
        if let scanned { return scanned }
        var paths: [RelativePath] = []
        for pattern in ["*.py", "*/*.py", "*/*/*.py"] { paths += try files.expand(Glob(pattern)) }
        let strangers = try strangers(paths)
        let usable = paths.filter { path in
            !strangers.contains(where: { path.components.starts(with: $0.components) })
                && !path.components.dropLast().contains(where: PythonProject.passedFolders.contains)
                && !path.name.hasPrefix("test_")
        }
        let ordered = usable.enumerated().sorted { PythonProject.rank($0.element, $0.offset) < PythonProject.rank($1.element, $1.offset) }
        let result = try ordered.prefix(128).compactMap { _, path in try files.text(path).map { (path: path, source: PythonSource($0)) } }
        scanned = result
        return result
    }

    /// Folders that are projects of their own, below a root that is none of Python's: what they need is not installed here.
    private func strangers(_ paths: [RelativePath]) throws -> Set<RelativePath> {
        let isProject = try paths.contains { $0.components.count == 1 } || Self.manifests.contains { try files.isFile(Manifests.path($0)) }
        guard !isProject else { return [] }
        let folders = Set(paths.map(\.parent)).union(paths.map(\.parent.parent)).filter { !$0.isRoot }
        return try folders.filter { folder in
            try Self.manifests.contains { try files.isFile(folder.appending(Manifests.path($0))) }
        }
    }

    private static func rank(_ path: RelativePath, _ offset: Int) -> (Int, Int, Int) {
        let stem = String(path.name.dropLast(3))
        return (path.components.count, preferredFiles.firstIndex(of: stem) ?? preferredFiles.count, offset)
    }
}

extension RelativePath {
    fileprivate func appending(_ names: ArraySlice<String>) -> RelativePath { names.reduce(self) { $0.appending(component: $1) } }
}
