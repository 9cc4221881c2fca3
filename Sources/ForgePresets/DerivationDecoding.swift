internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgeTOML

/// Reads `firstOf` lists.
struct DerivationDecoder {
    static let rules = [
        "config", "script", "literal", "argv", "shell", "capture", "firstLine", "toolVersion", "json", "toml", "yaml", "appObject",
        "moduleOf",
        "procfile", "ignored", "onlySubdirectoryWith", "packageManager", "path", "folderOf", "folderName", "stemOf",
        "value",
    ]
    private let match = MatchDecoder()

    /// A table of derivations: `[derive.output] firstOf = […]`.
    func all(_ reader: TableReader) -> [String: Derivation] {
        var result: [String: Derivation] = [:]
        for entry in reader.table.entries {
            guard let child = reader.tableReader(entry.key, name: "[derive.\(entry.key)]") else { continue }
            result[entry.key] = derivation(child)
        }
        return result
    }

    func derivation(_ reader: TableReader) -> Derivation {
        if !reader.has("firstOf") {
            reader.faults.add("\(reader.subject) has no `firstOf`", at: reader.location, hint: "write `firstOf = [{ literal = \"…\" }]`")
        }
        let sources = reader.tableReaders("firstOf").compactMap(source)
        reader.finish()
        return Derivation(sources: sources)
    }

    private func source(_ reader: TableReader) -> DerivationSource? {
        let when = reader.tableReader("when", name: "when").flatMap { match.tree($0) }
        let requires = (reader.strings("requires") ?? []).map(\.value)
        let inputs = reader.strings("inputs")?.map(\.value)
        var rule = rule(reader)
        if let exists = reader.bool("exists") {
            switch rule {
            case .pointer?, .capture?, .scriptCapture?: rule = rule.map { exists.value ? .existing($0) : .missing($0) }
            default: reader.faults.add("`exists` goes with a pointer or a `capture`", at: exists.location)
            }
        }
        if let first = reader.bool("firstKey") {
            switch rule {
            case .pointer(let test)? where test.equals == nil && test.matches == nil: rule = first.value ? .firstKey(test) : rule
            default: reader.faults.add("`firstKey` goes with a pointer alone", at: first.location)
            }
        }
        let containing = match.pattern(reader, "containing")
        let without = match.pattern(reader, "without")
        for (word, pattern) in [("containing", containing), ("without", without)] {
            if pattern != nil, rule.map(DerivationDecoder.names) == false {
                reader.faults.add("`\(word)` goes with a path", at: reader.place(ofKey: word))
            }
        }
        reader.finish()
        return rule.map {
            DerivationSource(
                rule: $0, when: when, requires: requires, containing: containing, without: without, inputs: inputs,
                location: reader.location)
        }
    }

    private func rule(_ reader: TableReader) -> DerivationSource.Rule? {
        guard let word = DerivationDecoder.rules.first(where: reader.has) else {
            DerivationDecoder.rules.forEach { _ = reader.node($0) }
            reader.faults.add(
                "this source yields nothing", at: reader.location,
                hint: "a source has one of " + DerivationDecoder.rules.map { "`\($0)`" }.joined(separator: ", "))
            return nil
        }
        switch word {
        case "config": return reader.string(word).map { .config($0.value) }
        case "script": return script(reader)
        case "literal": return reader.string(word).map { .literal(Template($0.value)) }
        case "argv": return argv(reader)
        case "shell": return reader.string(word).map { .shell(Template($0.value)) }
        case "capture": return capture(reader)
        case "firstLine": return reader.string(word).map { .firstLine($0.value) }
        case "toolVersion": return reader.string(word).map { .toolVersion($0.value) }
        case "appObject": return appObject(reader)
        default: return place(reader, word)
        }
    }

    /// Whether a rule looks for a file by its path.
    private static func names(_ rule: DerivationSource.Rule) -> Bool {
        switch rule {
        case .path, .folderOf, .folderName, .stemOf, .moduleOf: true
        default: false
        }
    }

    private func place(_ reader: TableReader, _ word: String) -> DerivationSource.Rule? {
        switch word {
        case "moduleOf": return match.globs(reader, word).map { .moduleOf($0) }
        case "procfile": return reader.string(word).map { .procfile($0.value) }
        case "ignored": return reader.strings(word).map { .ignored($0.map(\.value)) }
        case "onlySubdirectoryWith": return reader.string(word).map { .onlySubdirectoryWith($0.value) }
        case "path": return match.globs(reader, word).map { .path($0) }
        case "folderOf": return match.globs(reader, word).map { .folderOf($0) }
        case "folderName": return match.globs(reader, word).map { .folderName($0) }
        case "stemOf": return match.globs(reader, word).map { .stemOf($0) }
        case "value": return reader.string(word).map { .value($0.value) }
        case "packageManager":
            guard let value = reader.string(word) else { return nil }
            if value.value == "install" { return .install }
            reader.faults.add("a package manager has no `\(value.value)` command", at: value.location, hint: "write `install`")
            return nil
        default:
            guard case .pointer(let test)? = match.pointer(reader) else { return nil }
            return .pointer(test)
        }
    }

    private func script(_ reader: TableReader) -> DerivationSource.Rule? {
        guard let name = reader.string("script") else { return nil }
        if reader.has("capture") { return capturing(reader).map { .scriptCapture(script: name.value, pattern: $0) } }
        guard let flags = reader.strings("flag") else { return .script(name.value) }
        return .scriptFlag(script: name.value, flags: flags.map(\.value))
    }

    private func argv(_ reader: TableReader) -> DerivationSource.Rule? {
        guard let words = reader.strings("argv"), !words.isEmpty else { return nil }
        return .argv(words.map { Template($0.value) })
    }

    private func capture(_ reader: TableReader) -> DerivationSource.Rule? {
        let pattern = capturing(reader)
        if !reader.has("in") { reader.faults.add("a `capture` names its files with `in`", at: reader.location) }
        let globs = match.globs(reader, "in")
        let comments = reader.word("comments", as: Comments.Style.self)?.value ?? .none
        guard let pattern, let globs else { return nil }
        return .capture(.init(pattern: pattern, globs: globs, comments: comments))
    }

    private func capturing(_ reader: TableReader) -> Pattern? {
        let pattern = match.pattern(reader, "capture")
        if pattern?.groups == 0 {
            reader.faults.add(
                "`capture` has no group to take the value from", at: reader.place(ofKey: "capture"), hint: "put `(` `)` around it")
        }
        return pattern
    }

    private func appObject(_ reader: TableReader) -> DerivationSource.Rule? {
        let call = reader.bool("call")
        let searchPath = reader.bool("searchPath")
        if let call, searchPath?.value == true { reader.faults.add("`call` and `searchPath` do not go together", at: call.location) }
        return match.appObject(reader).map { searchPath?.value == true ? .searchPath($0) : .appObject($0, call: call?.value ?? true) }
    }
}
