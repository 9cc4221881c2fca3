internal import ForgeManifests
package import ForgeModel
internal import ForgePresets
internal import ForgeTOML

extension ProjectConfiguration {
    /// Reads `crowdforge.toml` at the root of a tree or in a folder of it; the empty configuration when there is none. At the root, files of
    /// other platforms name the app's folder where it does not. May block on files.
    /// - Throws: `ForgeError` `config.invalid` with every fault and its place, `config.syntax`, or `config.too-large`.
    package static func load(from tree: some SourceTree, in folder: RelativePath = .root) throws -> ProjectConfiguration {
        let own = try read(from: tree, in: folder)
        return folder.isRoot ? own.movedIn(tree) : own
    }

    private static func read(from tree: some SourceTree, in folder: RelativePath) throws -> ProjectConfiguration {
        let path = folder.appending(component: fileName)
        let limit = 1 << 20
        guard let real = try tree.resolve(path), let bytes = try tree.read(real, limit: limit + 1) else { return ProjectConfiguration() }
        guard bytes.count <= limit else {
            throw ForgeError(
                .configuration, "config.too-large", "`\(path)` is larger than 1 MB", at: SourceLocation(file: path.display))
        }
        return try ProjectConfiguration(parsing: bytes, file: path.display)
    }

    /// - Throws: as `load(from:)`.
    package init(parsing bytes: [UInt8], file: String) throws {
        let table: TOMLTable
        do throws(TOMLSyntaxError) { table = try TOML.parse(Array(SourceText.decode(bytes).utf8)) } catch {
            throw ForgeError(
                .configuration, "config.syntax", "`\(file)` is not valid TOML: \(error.message)", at: error.position.location(in: file))
        }
        self.init()
        isPresent = true
        let faults = FaultLog()
        var decoder = ConfigurationDecoder(reader: TableReader(table, file: file, name: "", faults: faults))
        decoder.read(into: &self)
        guard faults.faults.isEmpty else { throw ForgeError(.configuration, "config.invalid", findings: faults.sorted) }
    }
}

private struct ConfigurationDecoder {
    let reader: TableReader
    private var faults: FaultLog { reader.faults }

    init(reader: TableReader) { self.reader = reader }

    mutating func read(into configuration: inout ProjectConfiguration) {
        if let source = reader.tableReader("source") { configuration.source = SourceTableReader(table: source).read() }
        if let presets = reader.tableReader("presets") { configuration.packs = PresetsTableReader(table: presets).packs() }
        if let build = reader.tableReader("build") { configuration.build = self.build(build) }
        if let deploy = reader.tableReader("deploy") { configuration.deploy = self.deploy(deploy) }
        if let site = reader.tableReader("site") { configuration.site = SiteTableReader(table: site).read() }
        if let env = reader.tableReader("env") { configuration.environment = environment(env) }
        if let routes = reader.tableReader("routes") { configuration.routes = self.routes(routes) }
        if let resources = reader.tableReader("resources") { configuration.resources = self.resources(resources) }
        configuration.apps = apps()
        reader.finish()
    }

    private func apps() -> [ProjectConfiguration.App] {
        var known: [String: SourceLocation] = [:]
        return reader.tableReaders("app").compactMap { table in
            let name = table.requiredString("name")
            if !table.has("root") {
                faults.add("`[[app]]` has no `root`", at: table.location, hint: "add `root = \"…\"`, the app's folder")
            }
            let build = build(table)
            guard let name, build.root != nil else { return nil }
            guard name.value.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,63}/) != nil else {
                faults.add("`\(name.value)` is not an app's name: letters, digits, `.`, `_` and `-`", at: name.location)
                return nil
            }
            for (word, text) in [("name", name.value), ("root", "\(build.root?.value.display ?? "")/")] {
                guard let other = known.updateValue(name.location, forKey: text) else { continue }
                faults.add("another `[[app]]` has this `\(word)`", at: name.location, hint: "it is at \(other)")
            }
            return ProjectConfiguration.App(name: name, build: build)
        }
    }

    private func build(_ table: TableReader) -> ProjectConfiguration.Build {
        var build = ProjectConfiguration.Build()
        build.framework = filled(table, "framework")
        build.install = filled(table, "install")
        build.command = filled(table, "command")
        build.output = path(table, "output")
        build.start = filled(table, "start")
        build.nodeVersion = version(table, "node_version")
        build.pythonVersion = version(table, "python_version")
        build.root = path(table, "root")
        build.caches = caches(table)
        build.publishes = publishes(table)
        build.timeoutSeconds = timeout(table)
        build.memoryBytes = memory(table)
        let system = SystemTableReader(table: table)
        build.image = system.image()
        build.packages = system.packages()
        for key in ["network"] where table.node(key) != nil {
            faults.add("`\(key)` is not supported yet", at: table.place(ofKey: key), hint: "remove the line")
        }
        table.finish()
        return build
    }

    private func filled(_ table: TableReader, _ key: String) -> Located<String>? {
        guard let text = table.string(key) else { return nil }
        guard text.value.contains(where: { !$0.isWhitespace }) else {
            faults.add("`\(key)` is empty", at: text.location, hint: "leave the line out to use what the framework says")
            return nil
        }
        guard !text.value.utf8.contains(0) else {
            faults.add("`\(key)` holds a NUL byte", at: text.location)
            return nil
        }
        return text
    }

    /// Folders that the project's own tools keep between builds.
    private func caches(_ table: TableReader) -> [RelativePath] {
        (table.strings("caches") ?? []).compactMap { entry in
            let path = try? RelativePath(parsing: entry.value)
            if let path, !path.isRoot { return path }
            faults.add("`\(entry.value)` cannot be a cache", at: entry.location, hint: "name a folder below the project, like `.cache`")
            return nil
        }
    }

    private func publishes(_ table: TableReader) -> [String] {
        (table.strings("publishes") ?? []).compactMap { entry in
            if VariableName.isValid(entry.value) { return entry.value }
            faults.add("`\(entry.value)` is not a variable's name", at: entry.location, hint: VariableName.rule)
            return nil
        }
    }

    private func path(_ table: TableReader, _ key: String) -> Located<RelativePath>? {
        guard let text = filled(table, key) else { return nil }
        do throws(RelativePathError) { return Located(try RelativePath(parsing: text.value), at: text.location) } catch {
            faults.add("`\(key)`: \(error)", at: text.location, hint: "write a path below the folder that holds `crowdforge.toml`")
            return nil
        }
    }

    /// A number is a common slip: `20` has lost what `"20"` says, and `3.10` would be 3.1.
    private func version(_ table: TableReader, _ key: String) -> Located<String>? {
        guard let node = table.node(key) else { return nil }
        guard node.string == nil else { return filled(table, key) }
        table.wrongType(key, node, "a string", hint: "write it in quotes, like `\(key) = \"20\"`")
        return nil
    }

    private func timeout(_ table: TableReader) -> Int? {
        guard let node = table.node("timeout") else { return nil }
        let units = ["s": 1, "m": 60, "h": 3600, "": 1]
        guard let seconds = amount(node, units: units.mapValues(Int64.init)), (1...86400).contains(seconds) else {
            faults.add(
                "`timeout` is a number of seconds up to a day, or a text like `\"10m\"`", at: table.place(of: node),
                hint: "write `timeout = \"10m\"`")
            return nil
        }
        return Int(seconds)
    }

    private func memory(_ table: TableReader) -> Int64? {
        guard let node = table.node("memory") else { return nil }
        let units: [String: Int64] = ["mb": 1 << 20, "mib": 1 << 20, "m": 1 << 20, "gb": 1 << 30, "gib": 1 << 30, "g": 1 << 30]
        guard node.string != nil, let bytes = amount(node, units: units), bytes >= 64 << 20 else {
            faults.add(
                "`memory` is a text like `\"2GB\"`, at least `\"64MB\"`", at: table.place(of: node), hint: "write `memory = \"2GB\"`")
            return nil
        }
        return bytes
    }

    private func amount(_ node: TOMLNode, units: [String: Int64]) -> Int64? {
        if let number = node.integer { return units[""].map { $0 * max(min(number, 1 << 40), -1) } }
        guard let text = node.string?.filter({ !$0.isWhitespace }).lowercased() else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard digits.count <= 12, let number = Int64(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }

    private func deploy(_ table: TableReader) -> ProjectConfiguration.Deploy {
        var deploy = ProjectConfiguration.Deploy()
        if let health = filled(table, "health") {
            if health.value == "tcp" {
                deploy.health = .tcp
            } else if health.value.hasPrefix("/"), health.value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
                deploy.health = .path(health.value)
            } else {
                faults.add(
                    "`health` cannot be `\(health.value)`: expected a path that begins with `/`, or `tcp`", at: health.location,
                    hint: "write `health = \"/healthz\"`, or `health = \"tcp\"` when nothing is to be asked for")
            }
        }
        if let port = table.integer("port") {
            deploy.port = (1...65535).contains(port.value) ? port.value : nil
            if deploy.port == nil { faults.add("`port` runs from 1 to 65535, found \(port.value)", at: port.location) }
        }
        table.finish()
        return deploy
    }

    private func environment(_ table: TableReader) -> [String: String] {
        var result: [String: String] = [:]
        for entry in table.table.entries {
            guard let text = table.string(entry.key) else { continue }
            let place = entry.keyPosition.location(in: table.file)
            if !VariableName.isValid(entry.key) {
                faults.add("`\(entry.key)` is not the name of a variable: \(VariableName.rule)", at: place)
            } else if entry.key.hasPrefix(PlatformVariable.prefix) {
                faults.add("`\(entry.key)` is set by the platform and cannot be set here", at: place)
            } else if text.value.utf8.contains(0) {
                faults.add("`\(entry.key)` holds a NUL byte", at: text.location)
            } else {
                result[entry.key] = text.value
            }
        }
        return result
    }

    private enum RouteKind: String, CaseIterable {
        case `static`, function, container
        var kind: Artifact.Kind {
            switch self {
            case .static: .static
            case .function: .function
            case .container: .container
            }
        }
    }

    private func routes(_ table: TableReader) -> [Route] {
        table.table.entries.compactMap { entry in
            guard let rule = table.tableReader(entry.key, name: "[routes] \"\(entry.key)\"") else { return nil }
            let place = entry.keyPosition.location(in: table.file)
            if !entry.key.hasPrefix("/") {
                faults.add("route `\(entry.key)` does not begin with `/`", at: place, hint: "write `\"/\(entry.key)\"`")
            }
            if !rule.has("type") { faults.add("route `\(entry.key)` has no `type`", at: place, hint: "write `{ type = \"static\" }`") }
            let kind = rule.word("type", as: RouteKind.self)
            rule.finish()
            return kind.map { Route(pattern: entry.key, kind: $0.value.kind) }
        }
    }

    private enum Tier: String, CaseIterable { case starter, growth, scale, enterprise }

    private func resources(_ table: TableReader) -> ProjectConfiguration.Resources {
        var resources = ProjectConfiguration.Resources()
        resources.tier = table.word("tier", as: Tier.self)?.value.rawValue
        if let node = table.node("regions"), node.array == nil {
            table.wrongType("regions", node, "an array of strings", hint: "write `regions = [\"iad\"]`")
        } else {
            resources.regions = (table.strings("regions") ?? []).map(\.value)
        }
        table.finish()
        return resources
    }
}
