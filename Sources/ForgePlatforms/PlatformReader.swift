package import ForgeManifests
internal import ForgeModel
internal import ForgeTOML

/// Reads the files of other platforms that lie in one folder. Nothing in them is executed, and none of them can make a build fail.
package struct PlatformReader {
    private let files: ProjectFiles

    package init(files: ProjectFiles) { self.files = files }

    /// What they say, file by file in the order of belief, service by service in the order of the file.
    package func read() -> [PlatformConfiguration] { PlatformFile.all.flatMap(read) }

    private func read(_ file: PlatformFile) -> [PlatformConfiguration] {
        for path in file.paths.map(Manifests.path) {
            let shown = files.display(path)
            do {
                guard try files.isFile(path), let document = try document(path) else { continue }
                guard file.marks.isEmpty || file.marks.contains(where: { document[$0] != nil }) else { continue }
                var reading = PlatformReading(platform: file.platform, file: shown)
                reading.read(document, file.keys)
                return reading.configurations.map(withoutForeignPrograms).map { Self.withoutImages($0, document) }
            } catch {
                var broken = PlatformConfiguration(platform: file.platform, file: shown)
                let error = error as? ForgeError
                broken.fault = Diagnostic(
                    error?.message ?? "`\(shown)` cannot be read", at: error?.location ?? SourceLocation(file: shown),
                    hint: "nothing is taken from it; correct it, or remove it when the project has moved")
                return [broken]
            }
        }
        return []
    }

    /// A start that names a program which only the other platform's builder puts there is none here: what the preset derives is.
    private func withoutForeignPrograms(_ found: PlatformConfiguration) -> PlatformConfiguration {
        guard found.platform == "Procfile", let start = found.setting(.start), let reason = foreign(start.text) else { return found }
        var found = found
        found.settings.removeAll { $0 == start }
        found.left.append(PlatformRemark(key: start.key, reason: reason, line: start.location.line))
        return found
    }

    /// What is started in an image of a Dockerfile's lies there, and not where a preset builds.
    private static func withoutImages(_ found: PlatformConfiguration, _ document: JSONNode) -> PlatformConfiguration {
        guard found.platform == "Railway", document.at(pointer: "/build/builder")?.string?.uppercased() == "DOCKERFILE" else {
            return found
        }
        var found = found
        for setting in found.settings where [.build, .start].contains(setting.slot) {
            found.left.append(PlatformRemark(key: setting.key, reason: "it is the Dockerfile's", line: setting.location.line))
        }
        found.settings.removeAll { [.build, .start].contains($0.slot) }
        return found
    }

    private func foreign(_ command: String) -> String? {
        guard let program = SourceText.words(of: command).first, let name = program.split(separator: "/").last else { return nil }
        if name.hasPrefix("heroku-php-") || name.hasPrefix("heroku-hhvm-") { return "`\(name)` is a program of its builder" }
        let path = program.hasPrefix("./") ? String(program.dropFirst(2)) : program
        let text = try? files.text(Manifests.path("go.mod"))
        guard let module = text ?? nil else { return nil }
        let isFound = path.hasPrefix("bin/") && (try? RelativePath(parsing: path)).map { (try? files.isFile($0)) == false } == true
        guard isFound || (!program.contains("/") && isBuilt(program, module)) else { return nil }
        return "its builder puts programs into `bin`"
    }

    /// Whether a module of Go's has such a program: it is called like the module, or like its folder below `cmd`. What is put into `bin`
    /// is found there by its name alone.
    private func isBuilt(_ program: String, _ module: String) -> Bool {
        let names = SourceText.lines(module).compactMap { line -> Substring? in
            guard let path = line.wholeMatch(of: /module\s+"?([^\s"]+)"?\s*(?:\/\/.*)?/)?.1 else { return nil }
            return path.split(separator: "/").last { $0.wholeMatch(of: /v[0-9]+/) == nil }
        }
        return names.contains(program[...]) || (try? files.isFile(Manifests.path("cmd/\(program)/main.go"))) == true
    }

    /// Any of them in the words of JSON; nil for what is not a table.
    private func document(_ path: RelativePath) throws -> JSONNode? {
        let node: JSONNode? =
            switch path.name.split(separator: ".").last ?? "" {
            case "json", "jsonc": try files.json(path)
            case "toml": try files.toml(path).map { JSONNode($0) }
            case "yaml", "yml": try files.yaml(path)
            default: try files.text(path).map(Self.processes)
            }
        guard let node else { return nil }
        guard case .object = node.value else {
            throw ForgeError(
                .configuration, "detect.manifest-syntax", "`\(files.display(path))` must be a table of keys and values",
                at: SourceLocation(file: files.display(path), line: node.line, column: node.column))
        }
        return node
    }

    /// A `Procfile`: lines of `name: command`.
    private static func processes(_ text: String) -> JSONNode {
        let members = SourceText.lines(text).enumerated().compactMap { index, line -> JSONNode.Member? in
            guard let match = line.wholeMatch(of: /([A-Za-z0-9_-]+)\s*:\s*(.*?)\s*/), !match.2.isEmpty else { return nil }
            let column = line.unicodeScalars.distance(from: line.startIndex, to: match.2.startIndex) + 1
            let node = JSONNode(value: .string(String(match.2)), line: index + 1, column: column)
            return JSONNode.Member(key: String(match.1), line: index + 1, node: node)
        }
        return JSONNode(value: .object(members), line: 1, column: 1)
    }
}

extension JSONNode {
    /// The same values at the same places.
    init(_ table: TOMLTable) {
        self.init(
            value: .object(table.entries.map { Member(key: $0.key, line: $0.keyPosition.line, node: JSONNode($0.node)) }),
            line: table.position.line, column: table.position.column)
    }

    private init(_ node: TOMLNode) {
        let value: Value =
            switch node.value {
            case .string(let text), .date(let text): .string(text)
            case .integer(let number): .number(String(number))
            case .float(let number): .number(String(number))
            case .boolean(let flag): .bool(flag)
            case .array(let elements): .array(elements.map { JSONNode($0) })
            case .table(let table): JSONNode(table).value
            }
        self.init(value: value, line: node.position.line, column: node.position.column)
    }
}
