package import ForgeModel

/// One thing that a platform's file says about how a project is built or run.
package struct PlatformSetting: Hashable, Sendable {
    package enum Slot: String, Hashable, Sendable, CaseIterable, Encodable {
        case framework
        /// The language of which it is, as presets name it.
        case language
        case root, install, build, output, start, node, python, port, health, fallback

        /// Its name in `crowdforge.toml`.
        package var key: String? {
            switch self {
            case .framework: "build.framework"
            case .language: nil
            case .root: "build.root"
            case .install: "build.install"
            case .build: "build.command"
            case .output: "build.output"
            case .start: "build.start"
            case .node: "build.node_version"
            case .python: "build.python_version"
            case .port: "deploy.port"
            case .health: "deploy.health"
            case .fallback: "site.fallback"
            }
        }

        /// The one that `crowdforge.toml` calls so.
        package init?(key: String) {
            guard let slot = Slot.allCases.first(where: { $0.key == key }) else { return nil }
            self = slot
        }
    }

    package let slot: Slot
    /// As it is used here; of a command that is empty, nothing runs.
    package let text: String
    /// As the file calls it: `build.command`.
    package let key: String
    package let location: SourceLocation
    /// Of an output: that the build writes nothing else that its server needs.
    package var isWhole = false

    package init(slot: Slot, text: String, key: String, location: SourceLocation, isWhole: Bool = false) {
        (self.slot, self.text, self.key, self.location, self.isWhole) = (slot, text, key, location, isWhole)
    }

    /// `netlify.toml:3`
    package var place: String { location.file + (location.line.map { ":\($0)" } ?? "") }
    /// In the provenance of a value.
    package var rule: String { "platform \(key)" }
}

/// A variable of a platform's file.
package struct DeclaredVariable: Hashable, Sendable {
    package let name: String
    /// Nil where it lies elsewhere, or is none of the public.
    package let value: String?
    package let key: String
    package let location: SourceLocation
}

/// What of a platform's file is not taken.
package struct PlatformRemark: Hashable, Sendable {
    package let key: String
    package let reason: String
    package let line: Int?

    package init(key: String, reason: String, line: Int?) { (self.key, self.reason, self.line) = (key, reason, line) }
}

/// What a file of another platform says for one folder.
package struct PlatformConfiguration: Hashable, Sendable {
    package let platform: String
    package let file: String
    /// Of several in one file: which.
    package var service: String?
    package var settings: [PlatformSetting] = []
    package var variables: [DeclaredVariable] = []
    package var left: [PlatformRemark] = []
    /// What a site answers besides its files, and which keys said so.
    package var site = SiteRules()
    package var siteUses: [PlatformSiteUse] = []
    /// Why nothing of it could be read. It is no fault of the project's: nothing here needs the file.
    package var fault: Diagnostic?

    package init(platform: String, file: String) {
        self.platform = platform
        self.file = file
    }

    /// The first setting of a slot.
    package func setting(_ slot: PlatformSetting.Slot) -> PlatformSetting? { settings.first { $0.slot == slot } }

    /// The folder it speaks for, below the one it lies in.
    package var root: RelativePath { setting(.root).flatMap { try? RelativePath(parsing: $0.text) } ?? .root }
}
