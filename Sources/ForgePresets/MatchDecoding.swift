internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgeTOML

/// Reads `match`, `when` and the like. All faults go to the reader's log; a tree with faults is left out.
struct MatchDecoder {
    static let clauseKeys = [
        "file", "dependency", "json", "toml", "yaml", "text", "import", "appObject", "factory", "script", "packageManager", "config",
        "install",
        "ancestor",
    ]

    /// A table is one clause, or exactly one of `all`, `any`, `none`.
    func tree(_ reader: TableReader, depth: Int = 0) -> MatchTree? {
        guard depth <= 8 else {
            reader.faults.add("match trees nest at most 8 deep", at: reader.location)
            return nil
        }
        let groups = ["all", "any", "none"].filter(reader.has)
        if let key = groups.first {
            if groups.count > 1 {
                reader.faults.add(
                    "a match is one of `all`, `any` and `none`", at: reader.place(ofKey: groups[1]), hint: "put them below one `all`")
            }
            let children = reader.tableReaders(key).compactMap { tree($0, depth: depth + 1) }
            if reader.node(key)?.array?.isEmpty == true {
                reader.faults.add("`\(key)` has no clauses", at: reader.place(ofKey: key))
            }
            groups.forEach { _ = reader.node($0) }
            reader.finish()
            return key == "all" ? .all(children) : key == "any" ? .any(children) : MatchTree.none(children)
        }
        let clause = clause(reader)
        reader.finish()
        return clause.map(MatchTree.clause)
    }

    private func clause(_ reader: TableReader) -> Clause? {
        let confidence = reader.word("confidence", as: Confidence.self)?.value
        guard let test = test(reader) else { return nil }
        return Clause(test: test, confidence: confidence, location: reader.location)
    }

    private func test(_ reader: TableReader) -> Clause.Test? {
        if reader.has("dependency") { return dependency(reader) }
        if reader.has("text") { return text(reader) }
        if Clause.Format.allCases.contains(where: { reader.has($0.rawValue) }) { return pointer(reader) }
        if reader.has("file") { return file(reader) }
        if reader.has("appObject") || reader.has("factory") { return appObject(reader).map(Clause.Test.appObject) }
        if reader.has("script") { return script(reader) }
        if reader.has("import") { return imports(reader) }
        if reader.has("ancestor") { return globs(reader, "ancestor").map { .ancestor($0) } }
        if let ids = reader.strings("packageManager") { return .packageManager(ids.map(\.value)) }
        if let key = reader.string("config") { return .config(key.value) }
        if let expected = reader.bool("install") { return .install(expected.value) }
        if !MatchDecoder.clauseKeys.contains(where: reader.has) {
            MatchDecoder.clauseKeys.forEach { _ = reader.node($0) }
            reader.faults.add(
                "this clause asks nothing", at: reader.location,
                hint: "a clause has one of " + MatchDecoder.clauseKeys.map { "`\($0)`" }.joined(separator: ", "))
        }
        return nil
    }

    private func file(_ reader: TableReader) -> Clause.Test? {
        let globs = globs(reader, "file")
        let kind = reader.word("kind", as: FileKind.self)?.value ?? .file
        let depth = reader.integer("depth")
        if let depth, !(0...4).contains(depth.value) { reader.faults.add("`depth` runs from 0 to 4", at: depth.location) }
        return globs.map { .file(Clause.FileTest(globs: $0, kind: kind, depth: depth?.value ?? 0)) }
    }

    private func dependency(_ reader: TableReader) -> Clause.Test? {
        let names = reader.strings("dependency") ?? []
        if !reader.has("ecosystem") {
            reader.faults.add("a `dependency` clause names its `ecosystem`", at: reader.location, hint: "add `ecosystem = \"npm\"`")
        }
        let ecosystem = reader.word("ecosystem", as: Ecosystem.self)
        let scope = reader.word("scope", as: Clause.DependencyTest.Scope.self)?.value ?? .any
        let locked = reader.bool("locked")?.value ?? false
        let version = reader.string("version")
        let range = version.flatMap { VersionRange($0.value) }
        if let version, range == nil {
            reader.faults.add("`\(version.value)` is not a range of versions", at: version.location, hint: "write it like `>=2 <4`")
        }
        guard let ecosystem, !names.isEmpty else { return nil }
        return .dependency(
            .init(names: names.map(\.value), ecosystem: ecosystem.value, scope: scope, locked: locked, version: range))
    }

    func pointer(_ reader: TableReader) -> Clause.Test? {
        let format = Clause.Format.allCases.first { reader.has($0.rawValue) } ?? .json
        let file = reader.string(format.rawValue)
        let pointer = reader.requiredString("pointer")
        let equals = reader.string("equals")?.value
        let matches = pattern(reader, "matches")
        guard let file, let pointer else { return nil }
        if !pointer.value.isEmpty, !pointer.value.hasPrefix("/") {
            reader.faults.add(
                "pointer `\(pointer.value)` does not begin with `/`", at: pointer.location, hint: "write it like `/scripts/build`")
        }
        guard (try? RelativePath(parsing: file.value)) != nil else {
            reader.faults.add("path `\(file.value)` leaves the project", at: file.location)
            return nil
        }
        return .pointer(.init(format: format, file: file.value, pointer: pointer.value, equals: equals, matches: matches))
    }

    private func text(_ reader: TableReader) -> Clause.Test? {
        let pattern = pattern(reader, "text")
        if !reader.has("in") { reader.faults.add("a `text` clause names its files with `in`", at: reader.location) }
        let globs = globs(reader, "in")
        let comments = reader.word("comments", as: Comments.Style.self)?.value ?? .none
        guard let pattern, let globs else { return nil }
        return .text(.init(pattern: pattern, globs: globs, comments: comments))
    }

    private func imports(_ reader: TableReader) -> Clause.Test? {
        let modules = reader.strings("import") ?? []
        let language = reader.word("language", as: Clause.ImportTest.Language.self)?.value ?? .python
        let globs = reader.has("in") ? globs(reader, "in") : []
        guard let globs, !modules.isEmpty else { return nil }
        return .imports(.init(modules: modules.map(\.value), language: language, globs: globs))
    }

    func appObject(_ reader: TableReader) -> Clause.AppObjectTest? {
        let constructors = reader.strings("appObject") ?? []
        let factories = reader.strings("factory") ?? []
        for name in constructors where !name.value.contains(".") {
            reader.faults.add("`\(name.value)` has no module", at: name.location, hint: "write it like `flask.Flask`")
        }
        if constructors.isEmpty { reader.faults.add("`factory` goes with an `appObject`", at: reader.location) }
        return .init(constructors: constructors.map(\.value), factories: factories.map(\.value))
    }

    private func script(_ reader: TableReader) -> Clause.Test? {
        guard let name = reader.string("script") else { return nil }
        return .script(.init(name: name.value, contains: reader.string("contains")?.value, pattern: pattern(reader, "matches")))
    }

    func globs(_ reader: TableReader, _ key: String) -> [Glob]? {
        guard let texts = reader.strings(key) else { return nil }
        let globs = texts.compactMap { text in
            do throws(GlobError) { return try Glob(text.value) } catch {
                reader.faults.add(error.message, at: text.location)
                return nil
            }
        }
        return globs.isEmpty ? nil : globs
    }

    func pattern(_ reader: TableReader, _ key: String) -> Pattern? {
        guard let text = reader.string(key) else { return nil }
        do throws(PatternError) { return try Pattern(text.value) } catch {
            reader.faults.add("`\(text.value)` is not a pattern: \(error.message)", at: text.location)
            return nil
        }
    }
}
