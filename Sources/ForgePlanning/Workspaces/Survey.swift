internal import ForgeManifests
package import ForgeModel
internal import ForgePresets

/// One app of a source.
package struct App: Hashable, Sendable {
    package let name: String
    package let detection: Detection
    package let configuration: ProjectConfiguration

    /// Below the source's root.
    package var root: RelativePath { detection.root }
}

/// What a source holds: one app, or the apps of a workspace.
package struct Survey: Hashable, Sendable {
    package let workspace: Workspace?
    /// What the folder that was asked for is itself; nil for a workspace's root that only holds apps.
    package let own: App?
    /// The other apps, by folder.
    package let apps: [App]
    /// What the root's own files say, where it is no app.
    package let remains: Detection?
    /// Files of other platforms that speak for the root, where it is no app.
    package var unread: [PlatformReport] = []

    /// All that a build without a choice builds.
    package var chosen: [App] { own.map { [$0] } ?? apps }

    /// The same with one app alone.
    /// - Throws: as `app`
    package func choosing(_ name: String) throws -> Survey {
        Survey(workspace: workspace, own: try app(name), apps: [], remains: nil)
    }

    /// The app of that name, package name or folder.
    /// - Throws: `ForgeError` `app.unknown` with the nearest name
    package func app(_ name: String) throws -> App {
        let all = [own].compactMap(\.self) + apps
        guard workspace != nil else {
            throw ForgeError(
                .configuration, "app.unknown", "no app named `\(name)`: the project is one app", hint: "leave `--app` out")
        }
        guard let app = all.first(where: { $0.name == name }) ?? all.first(where: { names($0).contains(name) }) else {
            throw ForgeError(
                .configuration, "app.unknown", "no app named `\(name)`",
                hint: NearestName.hint(for: name, in: all.map(\.name)) ?? "there are no apps in this source")
        }
        return app
    }

    private func names(_ app: App) -> [String] {
        let below = workspace.flatMap { app.root.relative(to: $0.root) }
        return [app.root.display, below?.display ?? app.root.display]
            + (workspace?.members.filter { $0.path == below }.map(\.name) ?? [])
    }

    /// - Throws: `ForgeError` `app.none`, when a workspace holds libraries only.
    package func checkApps() throws {
        guard chosen.isEmpty, let workspace else { return }
        let members = workspace.folders.filter { !$0.isRoot }.prefix(5).map { "`\($0)`" }.joined(separator: ", ")
        throw ForgeError(
            .detection, "app.none", "none of the members of the workspace is an app (\(members))",
            hint: "name one in `crowdforge.toml`: `[[app]]` with `name` and `root`")
    }
}

/// One of `apps[]` in the report of a detection.
package struct AppReport: Hashable, Sendable, Encodable {
    package let name: String
    package let root: String
    package let preset: String
    package let kind: DetectionReport.Kind?
    package let language: String?
    package let packageManager: String?

    init(_ app: App) {
        let report = app.detection.report
        name = app.name
        root = report.root
        preset = app.detection.preset.id
        kind = report.kind
        language = report.language
        packageManager = report.packageManager
    }

    private enum CodingKeys: CodingKey { case name, root, preset, kind, language, packageManager }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(root, forKey: .root)
        try container.encode(preset, forKey: .preset)
        try container.encode(kind, forKey: .kind)
        try container.encode(language, forKey: .language)
        try container.encode(packageManager, forKey: .packageManager)
    }
}

extension Survey {
    /// Of the folder that was asked for; a workspace's root that is no app has no preset and lists its apps.
    package var report: DetectionReport {
        let listed = apps.map(AppReport.init)
        if let own { return own.detection.report(apps: listed) }
        let manager = workspace?.managers.first
        return DetectionReport(
            workspace: remains?.report, install: apps.first { $0.detection.packageManager == manager }?.detection.values["install"]?.text,
            language: manager?.ecosystem.language ?? common(\.language), packageManager: manager?.id ?? common(\.packageManager),
            root: workspace?.root ?? .root,
            apps: listed, platforms: unread.isEmpty ? nil : unread)
    }

    /// What all apps agree on.
    private func common(_ key: KeyPath<AppReport, String?>) -> String? {
        let words = Set(apps.map { AppReport($0)[keyPath: key] })
        return words.count == 1 ? words.first ?? nil : nil
    }
}
