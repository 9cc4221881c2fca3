package import ForgeApps
internal import ForgePresets
package import ForgeSandbox

/// The operator's word on deployed servers: `[apps]` in Forge's own `config.toml`.
package struct OperatorApps: Sendable, Hashable {
    /// What each server may use.
    package private(set) var limits = ServerLimits.standard
    package private(set) var health = HealthLimits()
    /// How long requests under way may take when their release is replaced.
    package private(set) var drain = Duration.seconds(30)
    /// How long a replaced release is kept frozen for a rollback.
    package private(set) var keep = Duration.seconds(900)

    init() {}

    /// Reads `[apps]`; faults go to the reader's log.
    init(reading section: TableReader) {
        if let bytes = OperatorLimits.bytes("memory", section) { limits.memoryBytes = bytes }
        if let bytes = OperatorLimits.bytes("disk", section) { limits.diskBytes = bytes }
        if let count = section.integer("processes")?.value { limits.processes = count }
        if let cpus = OperatorLimits.cpus(section) { limits.cpus = cpus }
        if let seconds = Self.seconds("start", section, example: "60s") { health.start = .seconds(seconds) }
        if let seconds = Self.seconds("drain", section, example: "30s") { drain = .seconds(seconds) }
        if let seconds = Self.seconds("keep", section, example: "15m") { keep = .seconds(seconds) }
        health.otherPort = min(health.otherPort, health.start)
        section.finish()
    }

    private static func seconds(_ key: String, _ section: TableReader, example: String) -> Int64? {
        OperatorLimits.amount(key, section, ["s": 1, "m": 60, "h": 3600], example: example)
    }
}
