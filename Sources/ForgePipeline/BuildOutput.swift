internal import ForgeEngine
package import ForgeModel
internal import ForgeStore

/// `forge build --json`: the keys of the command-line contract.
package struct BuildOutput: Sendable, Encodable {
    package struct StepOutput: Sendable, Encodable {
        package let id: String
        package let outcome: StepOutcome
        package let reason: String?
        package let durationMs: Int
        /// All that differs from the project's last build, `reason` first; empty when it was cached.
        package let reasons: [String]
        /// The step's key.
        package let action: String
        package let command: String
        /// What it runs with: toolchains, platform, network class.
        package let platform: [String: String]
        /// What it found in its tool caches: `.next/cache (same lockfile)`.
        package let caches: [String]

        private enum CodingKeys: String, CodingKey { case id, outcome, reason, durationMs, reasons, action, command, platform, caches }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(id, forKey: .id)
            try container.encode(outcome, forKey: .outcome)
            try container.encode(reason, forKey: .reason)
            try container.encode(durationMs, forKey: .durationMs)
            try container.encode(reasons, forKey: .reasons)
            try container.encode(action, forKey: .action)
            try container.encode(command, forKey: .command)
            try container.encode(platform, forKey: .platform)
            try container.encode(caches, forKey: .caches)
        }
    }

    package let artifact: String
    package let kind: Artifact.Kind
    package let size: Int64
    package let preset: String
    package let steps: [StepOutput]
    package let record: String
    package let warnings: [String]

    init(artifact: Artifact, preset: String, report: BuildReport, record: Digest, warnings: [Diagnostic]) {
        self.artifact = artifact.digest.description
        kind = artifact.manifest.kind
        size = artifact.sizeBytes
        self.preset = preset
        steps = report.steps.map {
            StepOutput(
                id: $0.step.id, outcome: $0.outcome, reason: $0.reason?.description, durationMs: $0.durationMs,
                reasons: $0.reasons.map(\.description), action: $0.action.description, command: $0.step.commandLine,
                platform: $0.platform, caches: Self.caches($0))
        }
        self.record = record.description
        self.warnings = warnings.map { warning in
            (warning.location.map { "\($0): " } ?? "") + warning.message + (warning.hint.map { " (\($0))" } ?? "")
        }
    }

    private static func caches(_ step: BuildReport.StepReport) -> [String] {
        step.caches.sorted { $0.key < $1.key }.map { path, entry in
            "\(path) (\(entry.key.lockfile == step.lockfile ? "same lockfile" : "nearest lockfile"))"
        }
    }
}

/// This build of Forge.
package enum ForgeVersion {
    package static let current = "0.1.0"
}
