internal import ForgeEngine
package import ForgeModel
internal import ForgePlanning
internal import ForgeStore

/// `forge build --json`: the keys of the command-line contract.
package struct BuildOutput: Sendable, Encodable {
    package struct StepOutput: Sendable, Encodable {
        package let id: String
        package let outcome: StepOutcome
        package let reason: String?
        package let durationMs: Int
        /// Part of the output only where it was asked for.
        package let explanation: StepExplanation
        fileprivate var isExplained: Bool

        private enum CodingKeys: String, CodingKey { case id, outcome, reason, durationMs, explanation }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(id, forKey: .id)
            try container.encode(outcome, forKey: .outcome)
            try container.encode(reason, forKey: .reason)
            try container.encode(durationMs, forKey: .durationMs)
            if isExplained { try container.encode(explanation, forKey: .explanation) }
        }
    }

    /// What a step's key is made of, and how that differs from the project's last build.
    package struct StepExplanation: Sendable, Encodable {
        /// All that differs, the step's `reason` first; empty when it was cached.
        package let differences: [String]
        /// The step's key.
        package let action: String
        package let command: String
        /// What it runs with: toolchains, platform, network class.
        package let platform: [String: String]
        /// What it found in its tool caches: `.next/cache (same lockfile)`.
        package let caches: [String]

        fileprivate init(_ step: BuildReport.StepReport) {
            differences = step.reasons.map(\.description)
            action = step.action.description
            command = step.step.commandLine
            platform = step.platform
            caches = step.caches.sorted { $0.key < $1.key }.map { path, entry in
                "\(path) (\(entry.key.lockfile == step.lockfile ? "same lockfile" : "nearest lockfile"))"
            }
        }
    }

    package let artifact: String
    package let kind: Artifact.Kind
    package let size: Int64
    package let preset: String
    package let steps: [StepOutput]
    package let record: String
    package let warnings: [String]

    init(artifact: Artifact, preset: String, report: BuildReport, record: Digest, warnings: [Diagnostic], isExplained: Bool) {
        self.artifact = artifact.digest.description
        kind = artifact.manifest.kind
        size = artifact.sizeBytes
        self.preset = preset
        steps = report.steps.map {
            StepOutput(
                id: $0.step.id, outcome: $0.outcome, reason: $0.reason?.description, durationMs: $0.durationMs,
                explanation: StepExplanation($0), isExplained: isExplained)
        }
        self.record = record.description
        self.warnings = warnings.map { warning in
            (warning.location.map { "\($0): " } ?? "") + warning.message + (warning.hint.map { " (\($0))" } ?? "")
        }
    }
}

/// What a build printed as one object: that of one app, or of all apps of a workspace.
package enum BuildOutcome: Sendable, Encodable {
    case app(BuildOutput)
    case workspace(WorkspaceOutput)

    /// Each once.
    package var steps: [BuildOutput.StepOutput] {
        switch self {
        case .app(let output): output.steps
        case .workspace(let output): output.steps
        }
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .app(let output): try output.encode(to: encoder)
        case .workspace(let output): try output.encode(to: encoder)
        }
    }
}

/// `forge build --json` for several apps: each with its artifact, and every step once.
package struct WorkspaceOutput: Sendable, Encodable {
    package struct AppOutput: Sendable, Encodable {
        let name: String
        let root: String
        let artifact: String
        let kind: Artifact.Kind
        let size: Int64
        let preset: String
        let record: String
        let warnings: [String]
    }

    package let apps: [AppOutput]
    package let steps: [BuildOutput.StepOutput]

    init(_ built: [(app: AppPlan, output: BuildOutput)]) {
        apps = built.map { app, output in
            AppOutput(
                name: app.name, root: app.root.display, artifact: output.artifact, kind: output.kind, size: output.size,
                preset: output.preset, record: output.record, warnings: output.warnings)
        }
        var seen: Set<String> = []
        steps = built.flatMap(\.output.steps).filter { seen.insert($0.id).inserted }
    }
}

/// This build of Forge.
package enum ForgeVersion {
    package static let current = "0.1.0"
}
