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
        /// Folders below `root` that are kept between builds and are no part of any key.
        package var caches: [RelativePath] = []
        /// Variables whose values may stand in what is built, though their names tell of secrets.
        package var publishes: [String] = []
        package var timeoutSeconds: Int?
        package var memoryBytes: Int64?
        /// What the steps run in, where not the machine's own /usr; whether it has a digest is asked later.
        package var image: Located<ImageReference>?
        /// Of the system's distribution, for native modules.
        package var packages: [Located<String>] = []

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

    /// `[site]`; empty where the file says nothing.
    package struct Site: Hashable, Sendable {
        package var rules = SiteRules()
        /// The page that answers where there is none.
        package var fallback: Located<RelativePath>?
        package var location: SourceLocation?

        package init(location: SourceLocation? = nil) { self.location = location }
    }

    /// `[[app]]`: one of several apps in the project, with what `[build]` says for one alone.
    package struct App: Hashable, Sendable {
        package let name: Located<String>
        package let build: Build
    }

    /// What applies to the members of a workspace that several apps build upon, whichever app is built.
    package struct Shared: Hashable, Sendable {
        package let environment: [String: String]
        package let install: Located<String>?
        package let timeoutSeconds: Int?
        package let memoryBytes: Int64?
    }

    package var source = Source()
    /// `[presets] packs`: repositories of presets, each with its version.
    package var packs: [PresetPack] = []
    package var build = Build()
    package var apps: [App] = []
    package var shared: Shared?
    package var deploy = Deploy()
    package var site = Site()
    /// `[env]`, literally: `$NAME` is filled in when the place is known.
    package var environment: [String: String] = [:]
    /// `[routes]` in file order.
    package var routes: [Route] = []
    package var resources = Resources()
    package var isPresent = false

    package init() {}

    /// The app's folder below the source root.
    package var root: RelativePath { build.root?.value ?? .root }

    var system: SystemSpec? {
        SystemSpec(image: build.image?.value, packages: build.packages.map(\.value), imageLocation: build.image?.location)
    }

    /// What it says for one app in a folder: limits, versions and variables as for the whole; of what is built only what the app's
    /// own table or its folder's own file says.
    package func narrowed(to app: App?, in folder: RelativePath, own: ProjectConfiguration) -> ProjectConfiguration {
        var narrowed = self
        narrowed.apps = []
        narrowed.shared = Shared(
            environment: environment, install: build.install, timeoutSeconds: build.timeoutSeconds, memoryBytes: build.memoryBytes)
        narrowed.isPresent = isPresent || own.isPresent
        narrowed.build = Build()
        let sources = [app?.build, own.build].compactMap(\.self)
        func first<Value>(_ key: KeyPath<Build, Value?>) -> Value? { sources.lazy.compactMap { $0[keyPath: key] }.first }
        narrowed.build.framework = first(\.framework)
        narrowed.build.command = first(\.command)
        narrowed.build.output = first(\.output)
        narrowed.build.start = first(\.start)
        narrowed.build.install = first(\.install) ?? build.install
        narrowed.build.caches = sources.flatMap(\.caches)
        narrowed.build.publishes = sources.flatMap(\.publishes)
        narrowed.build.nodeVersion = first(\.nodeVersion) ?? build.nodeVersion
        narrowed.build.pythonVersion = first(\.pythonVersion) ?? build.pythonVersion
        narrowed.build.timeoutSeconds = first(\.timeoutSeconds) ?? build.timeoutSeconds
        narrowed.build.memoryBytes = first(\.memoryBytes) ?? build.memoryBytes
        narrowed.build.image = first(\.image) ?? build.image
        narrowed.build.packages = build.packages + sources.flatMap(\.packages)
        narrowed.build.root = Located(folder, at: app?.build.root?.location ?? SourceLocation(file: Self.fileName))
        if own.deploy != Deploy() { narrowed.deploy = own.deploy }
        if own.site != Site() { narrowed.site = own.site }
        if !own.routes.isEmpty { narrowed.routes = own.routes }
        narrowed.environment.merge(own.environment) { $1 }
        return narrowed
    }

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
