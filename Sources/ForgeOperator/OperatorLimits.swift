package import ForgeEngine
package import ForgeModel
internal import ForgePresets
internal import ForgeTOML

/// The operator's word on what any step may use at most: `[limits]` in Forge's own `config.toml`. A project can ask for less.
package struct OperatorLimits: Sendable, Hashable {
    var timeoutSeconds: Int?
    var memoryBytes: Int64?
    var diskBytes: Int64?
    var logBytes: Int64?
    var processes: Int?
    /// Cores, also parts of one.
    var cpus: Double?
    var inodes: Int?
    var openFiles: Int?
    var logLineBytes: Int64?
    package private(set) var artifact = ArtifactLimits.standard

    init() {}

    /// All of them in a line: equal for equal limits alone.
    package var text: String {
        let amounts: [Int64?] = [
            timeoutSeconds.map(Int64.init), memoryBytes, diskBytes, logBytes, processes.map(Int64.init), inodes.map(Int64.init),
            openFiles.map(Int64.init), logLineBytes, artifact.bytes, Int64(artifact.files),
        ]
        return amounts.map { $0?.description ?? "-" }.joined(separator: " ") + " " + (cpus?.description ?? "-")
    }

    /// Reads `[limits]`; faults go to the reader's log.
    init(reading section: TableReader) {
        timeoutSeconds = Self.amount("timeout", section, ["s": 1, "m": 60, "h": 3600], example: "5m").map { Int($0) }
        memoryBytes = Self.bytes("memory", section)
        diskBytes = Self.bytes("disk", section)
        logBytes = Self.bytes("log", section)
        processes = Self.count("processes", section)
        cpus = Self.cpus(section)
        inodes = Self.count("inodes", section, least: 64)
        openFiles = Self.count("open_files", section, least: 16)
        logLineBytes = Self.bytes("log_line", section)
        artifact.bytes = Self.bytes("artifact", section) ?? artifact.bytes
        artifact.files = Self.count("artifact_files", section) ?? artifact.files
        section.finish()
    }

    /// The plan with no step's limit above these.
    package func applied(to plan: BuildPlan) -> BuildPlan {
        var limited = BuildPlan(
            preset: plan.preset, root: plan.root, steps: plan.steps.map { $0.limited(by: self) }, artifact: plan.artifact,
            toolchains: plan.toolchains, warnings: plan.warnings, system: plan.system)
        limited.toolchainOrigins = plan.toolchainOrigins
        return limited
    }

    static func cpus(_ table: TableReader) -> Double? {
        guard let node = table.node("cpus") else { return nil }
        if let number = node.number, number >= 0.1, number <= 4096 { return number }
        table.faults.add("`cpus` must be a number of cores, at least 0.1", at: table.place(of: node), hint: "write `cpus = 2`")
        return nil
    }

    static func count(_ key: String, _ table: TableReader, least: Int = 1) -> Int? {
        guard let number = table.integer(key) else { return nil }
        if number.value >= least, number.value <= 1 << 30 { return number.value }
        table.faults.add("`\(key)` cannot be \(number.value)", at: number.location, hint: "write a number of at least \(least)")
        return nil
    }

    static func bytes(_ key: String, _ table: TableReader) -> Int64? {
        amount(key, table, ["KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30], example: "2GB")
    }

    static func amount(_ key: String, _ table: TableReader, _ units: [String: Int64], example: String) -> Int64? {
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
        var step = self
        step.limits.timeoutSeconds = min(step.limits.timeoutSeconds, limits.timeoutSeconds ?? .max)
        step.limits.memoryBytes = min(step.limits.memoryBytes, limits.memoryBytes ?? .max)
        step.limits.diskBytes = min(step.limits.diskBytes, limits.diskBytes ?? .max)
        step.limits.logBytes = min(step.limits.logBytes, limits.logBytes ?? .max)
        step.limits.processes = min(step.limits.processes, limits.processes ?? .max)
        step.limits.inodes = limits.inodes
        step.limits.openFiles = limits.openFiles
        step.limits.logLineBytes = limits.logLineBytes.map { Int($0) }
        if let cpus = limits.cpus { step.limits.cpus = step.limits.cpus > 0 ? min(step.limits.cpus, cpus) : cpus }
        return step
    }
}
