internal import ForgeEngine
package import ForgeModel

/// `forge build --json`: the keys of the command-line contract.
package struct BuildOutput: Sendable, Encodable {
    package struct StepOutput: Sendable, Encodable {
        let id: String
        let outcome: StepOutcome
        let reason: String?
        let durationMs: Int

        private enum CodingKeys: String, CodingKey { case id, outcome, reason, durationMs }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(id, forKey: .id)
            try container.encode(outcome, forKey: .outcome)
            try container.encode(reason, forKey: .reason)
            try container.encode(durationMs, forKey: .durationMs)
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
            StepOutput(id: $0.step.id, outcome: $0.outcome, reason: $0.reason?.description, durationMs: $0.durationMs)
        }
        self.record = record.description
        self.warnings = warnings.map { warning in
            (warning.location.map { "\($0): " } ?? "") + warning.message + (warning.hint.map { " (\($0))" } ?? "")
        }
    }
}

/// This build of Forge.
package enum ForgeVersion {
    package static let current = "0.1.0"
}
