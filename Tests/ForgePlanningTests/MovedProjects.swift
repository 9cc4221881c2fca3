import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

/// Projects that come from another platform.
enum Moved {
    /// What comes out of a project: where each value is from, then what is said of each file.
    static func outcome(_ files: [String: String]) throws -> String {
        let survey = try Shipped.survey(files)
        let app = try #require(survey.own ?? survey.apps.first)
        let detection = app.detection
        let plan = try Planner.plan(detection, configuration: app.configuration)
        let report = detection.report
        var lines = ["\(detection.preset.id) \(report.kind?.rawValue ?? "") in \(report.root)"]
        for (key, value) in [
            ("install", report.install), ("build", report.build), ("output", report.output), ("start", report.start),
            ("runtimeVersion", report.runtimeVersion),
        ] {
            guard let value, let origin = report.derived[key], origin.rule.hasPrefix("platform") else { continue }
            lines.append("\(key): \(value)  (\(origin.source), \(origin.rule))")
        }
        let movedIn = detection.movedIn
        if let launch = plan.artifact.launch { lines.append("port \(launch.port), health \(launch.healthPath ?? "tcp")") }
        if let fallback = plan.artifact.fallback { lines.append("fallback \(fallback)") }
        if !movedIn.environment.isEmpty {
            lines.append(movedIn.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
        }
        return (lines + detection.platforms.map(\.line)).joined(separator: "\n") + "\n"
    }

    static let vite = [
        "package.json": #"{"scripts": {"build": "vite build", "start": "vite"}, "devDependencies": {"vite": "5.0.0"}}"#,
        "package-lock.json": "{}", "vite.config.js": "export default {}", "index.html": "",
    ]

    static func with(_ project: [String: String], _ files: [String: String]) -> [String: String] { project.merging(files) { $1 } }
}
