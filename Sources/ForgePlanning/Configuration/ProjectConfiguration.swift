package import ForgeModel
package import ForgePresets

/// A project's `crowdforge.toml`, validated. Reading it runs nothing; a project without one has the empty value.
package struct ProjectConfiguration: Hashable, Sendable {
    package static let fileName = "crowdforge.toml"

    /// `[build]`; nil where the file says nothing.
    package struct Build: Hashable, Sendable {
        package var framework: Located<String>?
        package var install: Located<String>?
        package var command: Located<String>?
        package var output: Located<RelativePath>?
        package var start: Located<String>?
        package var nodeVersion: Located<String>?
        package var pythonVersion: Located<String>?
        package var root: Located<RelativePath>?
        package var timeoutSeconds: Int?
        package var memoryBytes: Int64?

        package init() {}
    }

    /// `[deploy]`; nil where the file says nothing.
    package struct Deploy: Hashable, Sendable {
        package enum Health: Hashable, Sendable {
            /// An HTTP path that answers when the server is healthy.
            case path(String)
            /// That it accepts connections is enough.
            case tcp
        }

        package var health: Health?
        package var port: Int?

        package init() {}
    }

    /// `[resources]`.
    package struct Resources: Hashable, Sendable {
        package var tier: String?
        package var regions: [String] = []

        package init() {}
    }

    package var source = Source()
    package var build = Build()
    package var deploy = Deploy()
    /// `[env]`, literally: `$NAME` is filled in when the place is known.
    package var environment: [String: String] = [:]
    /// `[routes]` in file order.
    package var routes: [Route] = []
    package var resources = Resources()
    package var isPresent = false

    package init() {}

    /// The app's folder below the source root.
    package var root: RelativePath { build.root?.value ?? .root }

    /// The text of a dotted key, for presets that ask.
    package func value(of key: String) -> Located<String>? {
        switch key {
        case "build.framework": build.framework
        case "build.install": build.install
        case "build.command": build.command
        case "build.output": build.output.map { $0.map(\.display) }
        case "build.start": build.start
        case "build.node_version": build.nodeVersion
        case "build.python_version": build.pythonVersion
        default: nil
        }
    }
}
