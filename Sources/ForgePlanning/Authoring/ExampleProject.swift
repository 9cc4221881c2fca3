package import ForgeModel
internal import ForgePresets

/// A small project that exists in memory only, made up to show what a preset matches.
package struct ExampleProject: SourceTree, Hashable {
    package private(set) var files: [RelativePath: [UInt8]]
    private let children: [RelativePath: [String]]
    /// The project's folder below the tree's root.
    package let root: RelativePath

    init(files: [RelativePath: [UInt8]], root: RelativePath) {
        self.files = files
        self.root = root
        var names: [RelativePath: Set<String>] = [.root: []]
        for path in files.keys {
            var path = path
            while !path.isRoot {
                names[path.parent, default: []].insert(path.name)
                path = path.parent
            }
        }
        children = names.mapValues { $0.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
    }

    package func node(at path: RelativePath) throws -> SourceNode? {
        if let bytes = files[path] { return .file(executable: false, size: Int64(bytes.count)) }
        return children[path] == nil ? nil : .directory
    }

    package func entries(of path: RelativePath) throws -> [SourceEntry] {
        try (children[path] ?? []).compactMap { name in
            try node(at: path.appending(component: name)).map { SourceEntry(name: name, node: $0) }
        }
    }

    package func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? { files[path].map { Array($0.prefix(limit)) } }

    /// Each file and what is in it, for messages: `package.json {"dependencies":{"vite":"1.0.0"}}`.
    package var summary: String {
        files.sorted { $0.key < $1.key }.map { path, bytes in
            let text = String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined(separator: " ⏎ ")
            return text.isEmpty || text == "{}" ? "`\(path)`" : "`\(path)` with `\(text)`"
        }.joined(separator: ", ")
    }
}

/// Puts an example together, a fact at a time. What cannot stand in one project with what is there is refused.
struct ExampleDraft {
    private indirect enum Value {
        case table([String: Value])
        case text(String)
    }

    private var documents: [String: (format: Clause.Format, value: Value)] = [:]
    private var lines: [String: [String]] = [:]
    private var empty: Set<String> = []
    private var above: Set<String> = []

    /// A file, whatever is in it.
    mutating func place(_ file: String) { empty.insert(file) }

    /// A file in a folder above the project.
    mutating func placeAbove(_ file: String) { above.insert(file) }

    /// False when the file has a form that lines do not have.
    mutating func write(_ line: String, to file: String) -> Bool {
        guard documents[file] == nil else { return false }
        if lines[file]?.contains(line) != true { lines[file, default: []].append(line) }
        return true
    }

    /// False when something else stands there.
    mutating func set(_ keys: [String], _ text: String, in file: String, _ format: Clause.Format) -> Bool {
        guard lines[file] == nil, documents[file].map({ $0.format == format }) ?? true else { return false }
        guard let value = Self.setting(keys[...], text, in: documents[file]?.value ?? .table([:])) else { return false }
        documents[file] = (format, value)
        return true
    }

    func project() -> ExampleProject? {
        var texts: [String: String] = [:]
        for file in empty { texts[file] = file.hasSuffix(".json") || file.hasSuffix(".jsonc") ? "{}" : "" }
        for (file, lines) in lines { texts[file] = lines.joined(separator: "\n") + "\n" }
        for (file, document) in documents {
            texts[file] = document.format == .toml ? Self.toml(document.value, []) : Self.json(document.value) + "\n"
        }
        let root = above.isEmpty ? RelativePath.root : RelativePath.root.appending(component: "app")
        var files: [RelativePath: [UInt8]] = [:]
        for (file, text) in texts {
            guard let path = try? RelativePath(parsing: file) else { return nil }
            files[root.appending(path)] = Array(text.utf8)
        }
        for file in above {
            guard let path = try? RelativePath(parsing: file) else { return nil }
            files[path] = files[path] ?? Array((file.hasSuffix(".json") ? "{}" : "").utf8)
        }
        // A name cannot be a file and a folder.
        guard !files.keys.contains(where: { path in files.keys.contains { $0 != path && $0.isWithin(path) } }) else { return nil }
        return ExampleProject(files: files, root: root)
    }

    private static func setting(_ keys: ArraySlice<String>, _ text: String, in value: Value) -> Value? {
        guard let key = keys.first else {
            switch value {
            case .text(let old): return old == text ? value : nil
            case .table(let members): return members.isEmpty ? .text(text) : nil
            }
        }
        guard case .table(var members) = value else { return nil }
        guard let inner = setting(keys.dropFirst(), text, in: members[key] ?? .table([:])) else { return nil }
        members[key] = inner
        return .table(members)
    }

    private static func json(_ value: Value) -> String {
        switch value {
        case .text(let text): quoted(text)
        case .table(let members):
            "{" + members.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + json($0.value) }.joined(separator: ",") + "}"
        }
    }

    private static func toml(_ value: Value, _ path: [String]) -> String {
        switch value {
        case .text(let text): path.map(quoted).joined(separator: ".") + " = " + quoted(text) + "\n"
        case .table(let members): members.sorted { $0.key < $1.key }.map { toml($0.value, path + [$0.key]) }.joined()
        }
    }

    /// JSON's and TOML's alike.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(Character(scalar))
            case _ where scalar.value < 32: result += "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst()
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
