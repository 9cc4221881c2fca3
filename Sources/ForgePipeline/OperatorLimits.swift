internal import ForgeModel
internal import ForgePresets
internal import ForgeSystem
internal import ForgeTOML

/// The operator's word on what any step may use at most: `[limits]` in Forge's own `config.toml`. A project can ask for less.
struct OperatorLimits: Sendable, Hashable {
    var timeoutSeconds: Int?
    var memoryBytes: Int64?
    var diskBytes: Int64?
    var logBytes: Int64?
    var processes: Int?
    /// Cores, also parts of one.
    var cpus: Double?

    /// Reads `config.toml` in `directory`; no file, no limits.
    /// - Throws: `ForgeError` with every fault and its place.
    static func load(_ directory: String) throws -> OperatorLimits {
        let path = "\(directory)/config.toml"
        guard let content = try Files.read(path, limit: 1 << 20) else { return OperatorLimits() }
        let table: TOMLTable
        do throws(TOMLSyntaxError) { table = try TOML.parse(content) } catch {
            let place = SourceLocation(file: path, line: error.position.line, column: error.position.column)
            throw ForgeError(.configuration, "config.syntax", "the operator's configuration is not valid TOML: \(error.message)", at: place)
        }
        let faults = FaultLog()
        let reader = TableReader(table, file: path, name: "", faults: faults)
        var limits = OperatorLimits()
        if let section = reader.tableReader("limits") {
            limits.timeoutSeconds = amount("timeout", section, ["s": 1, "m": 60, "h": 3600], example: "5m").map { Int($0) }
            limits.memoryBytes = bytes("memory", section)
            limits.diskBytes = bytes("disk", section)
            limits.logBytes = bytes("log", section)
            limits.processes = section.integer("processes")?.value
            limits.cpus = cpus(section)
            section.finish()
        }
        reader.finish()
        guard faults.faults.isEmpty else { throw ForgeError(.configuration, "config.invalid", findings: faults.sorted) }
        return limits
    }

    func applied(to plan: BuildPlan) -> BuildPlan {
        BuildPlan(
            preset: plan.preset, root: plan.root, steps: plan.steps.map { $0.limited(by: self) }, artifact: plan.artifact,
            toolchains: plan.toolchains, warnings: plan.warnings)
    }

    private static func cpus(_ table: TableReader) -> Double? {
        guard let node = table.node("cpus") else { return nil }
        if let number = node.number, number >= 0.1, number <= 4096 { return number }
        table.faults.add("`cpus` must be a number of cores, at least 0.1", at: table.place(of: node), hint: "write `cpus = 2`")
        return nil
    }

    private static func bytes(_ key: String, _ table: TableReader) -> Int64? {
        amount(key, table, ["KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30], example: "2GB")
    }

    private static func amount(_ key: String, _ table: TableReader, _ units: [String: Int64], example: String) -> Int64? {
        guard let text = table.string(key) else { return nil }
        let digits = text.value.prefix { $0.isASCII && $0.isNumber }
        let unit = String(text.value.dropFirst(digits.count).filter { !$0.isWhitespace })
        if digits.count <= 9, let number = Int64(digits), number > 0, let factor = units[unit] { return number * factor }
        table.faults.add(
            "`\(key)` cannot be `\(text.value)`", at: text.location, hint: "write a number and a unit: `\(key) = \"\(example)\"`")
        return nil
    }
}

extension Step {
    fileprivate func limited(by limits: OperatorLimits) -> Step {
        var own = self.limits
        own.timeoutSeconds = min(own.timeoutSeconds, limits.timeoutSeconds ?? .max)
        own.memoryBytes = min(own.memoryBytes, limits.memoryBytes ?? .max)
        own.diskBytes = min(own.diskBytes, limits.diskBytes ?? .max)
        own.logBytes = min(own.logBytes, limits.logBytes ?? .max)
        own.processes = min(own.processes, limits.processes ?? .max)
        if let cpus = limits.cpus { own.cpus = own.cpus > 0 ? min(own.cpus, cpus) : cpus }
        return Step(
            id: id, title: title, needs: needs, command: command, environment: environment, inputs: inputs, outputs: outputs,
            caches: caches,
            network: network, limits: own)
    }
}
