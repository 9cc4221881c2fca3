package import ForgeModel
internal import ForgePlatforms
internal import ForgePresets

/// What was taken of one file of another platform, and what was not.
package struct PlatformReport: Hashable, Sendable, Encodable {
    package struct Taken: Hashable, Sendable, Encodable {
        package let key: String
        /// What it is here: `build`, `output`, `variable`.
        package let use: String
        package let line: Int?
    }

    package struct Left: Hashable, Sendable, Encodable {
        package let key: String
        package let reason: String
        package let line: Int?

        private enum CodingKeys: CodingKey { case key, reason, line }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(key, forKey: .key)
            try container.encode(reason, forKey: .reason)
            try container.encode(line, forKey: .line)
        }
    }

    package let platform: String
    package let file: String
    package let taken: [Taken]
    package let left: [Left]
    /// Names of all variables it knows.
    package let variables: [String]
    package let fault: Diagnostic?

    private enum CodingKeys: CodingKey { case platform, file, taken, left, variables, fault }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(platform, forKey: .platform)
        try container.encode(file, forKey: .file)
        try container.encode(taken, forKey: .taken)
        try container.encode(left, forKey: .left)
        try container.encode(variables, forKey: .variables)
        try container.encode(fault, forKey: .fault)
    }

    /// `vercel.json: took buildCommand, outputDirectory; left crons (nothing runs on a schedule)`
    package var line: String {
        if let fault { return "\(file): \(fault.message)" }
        var keys: [String] = []
        for item in taken where !keys.contains(item.key) { keys.append(item.key) }
        let took = "took " + (keys.isEmpty ? "nothing" : keys.joined(separator: ", "))
        var reasons: [String] = []
        for item in left where !reasons.contains(item.reason) { reasons.append(item.reason) }
        let groups = reasons.map { reason in
            left.filter { $0.reason == reason }.map(\.key).joined(separator: ", ") + " (\(reason))"
        }
        return "\(file): \(took)" + (groups.isEmpty ? "" : "; left " + groups.joined(separator: ", "))
    }

    /// Nil for a file that is read as people expect it to be: nothing has to be said.
    var diagnostic: Diagnostic? {
        if let fault { return fault }
        if left.isEmpty, Self.everyday.contains(platform) { return nil }
        return Diagnostic(line)
    }

    /// What many projects have that move in from nowhere.
    private static let everyday: Set<String> = ["Procfile", "Nx"]
}

extension MovingIn {
    /// Of a workspace's root that is no app, nothing is taken.
    var unread: [PlatformReport] {
        parts.compactMap { part in
            let reason = "the root is no app: in an app's own folder, or below `[[app]]`, it would be read"
            var keys: [String] = []
            for setting in part.settings where !keys.contains(setting.key) { keys.append(setting.key) }
            let left = keys.map { key in
                PlatformReport.Left(key: key, reason: reason, line: part.settings.first { $0.key == key }?.location.line)
            }
            guard !left.isEmpty || part.fault != nil else { return nil }
            return PlatformReport(
                platform: part.platform, file: part.file, taken: [],
                left: left + part.left.map { .init(key: $0.key, reason: $0.reason, line: $0.line) },
                variables: part.variables.map(\.name), fault: part.fault)
        }
    }
}

/// Compares what platforms' files say with what came out.
struct PlatformAccount {
    let facts: ProjectFacts
    let preset: Preset
    let kind: Artifact.Kind
    let values: [String: Derived]

    func reports() -> [PlatformReport] {
        facts.movingIn.parts.compactMap { part in
            var taken: [PlatformReport.Taken] = []
            var left: [PlatformReport.Left] = []
            for setting in part.settings {
                if let reason = reason(against: setting) {
                    left.append(.init(key: setting.key, reason: reason, line: setting.location.line))
                } else {
                    taken.append(.init(key: setting.key, use: setting.slot.rawValue, line: setting.location.line))
                }
            }
            for variable in part.variables where variable.value != nil {
                if let reason = reason(against: variable) {
                    left.append(.init(key: variable.key, reason: reason, line: variable.location.line))
                } else {
                    taken.append(.init(key: variable.key, use: "variable", line: variable.location.line))
                }
            }
            for use in part.siteUses {
                if let reason = reason(againstSiteOf: part) {
                    left.append(.init(key: use.key, reason: reason, line: use.line))
                } else {
                    taken.append(.init(key: use.key, use: use.use, line: use.line))
                }
            }
            left += part.left.map { .init(key: $0.key, reason: $0.reason, line: $0.line) }
            guard !taken.isEmpty || !left.isEmpty || part.fault != nil else { return nil }
            return PlatformReport(
                platform: part.platform, file: part.file, taken: taken, left: left, variables: part.variables.map(\.name), fault: part.fault
            )
        }
    }

    /// Why a setting was not used; nil when it was.
    private func reason(against setting: PlatformSetting) -> String? {
        let slot = setting.slot
        if slot == .root { return nil }
        if slot == .language, facts.framework?.location.file == ProjectConfiguration.fileName {
            return "`\(ProjectConfiguration.fileName)` says it"
        }
        if facts.configuration.says(slot) { return "`\(ProjectConfiguration.fileName)` says it" }
        if let first = facts.movingIn.setting(slot), first != setting { return "`\(first.location.file)` says it" }
        switch slot {
        case .framework: return facts.framework?.location == setting.location ? nil : "no preset is called `\(setting.text)`"
        case .language: return setting.text == preset.language ? nil : "nothing of it is there"
        case .port, .health: return kind == .container ? nil : "a site is not started"
        case .fallback: return kind == .static ? nil : "a server answers for itself"
        case .start where kind == .static: return "a site is not started"
        case .output where kind != .static && !isUsed(setting): return "what a server needs of its build is known"
        default: return isUsed(setting) ? nil : "\(preset.name) has no use for it"
        }
    }

    private func reason(againstSiteOf part: PlatformConfiguration) -> String? {
        guard kind == .static else { return "a server answers for itself" }
        guard let first = facts.movingIn.sitePart, first.file != part.file else { return nil }
        return "`\(first.file)` says it"
    }

    private func isUsed(_ setting: PlatformSetting) -> Bool {
        if setting.text.isEmpty { return values[setting.slot.rawValue] == nil }
        return values.values.contains { $0.source == setting.place && $0.rule == setting.rule }
    }

    private func reason(against variable: DeclaredVariable) -> String? {
        if facts.configuration.environment[variable.name] != nil { return "`\(ProjectConfiguration.fileName)` says it" }
        let first = facts.movingIn.parts.flatMap(\.variables).first { $0.name == variable.name && $0.value != nil }
        return first == variable ? nil : "`\(first?.location.file ?? "")` says it"
    }
}
