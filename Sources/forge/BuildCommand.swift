internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgeReleases

/// Options of a build, wherever one is made.
struct BuildOptions: ParsableArguments {
    @Option(name: .customLong("out"), help: "Lay the artifact out as files in this folder.")
    var out: String?

    @Option(help: "Write the artifact as a reproducible tar.zst file.")
    var archive: String?

    @Flag(help: "Replace what is in the folder given with --out.")
    var force = false

    @Flag(help: "The source is a stranger's: what it leaves in caches is read by no trusted build. `--env preview` means the same.")
    var untrusted = false

    @Flag(
        name: .customLong("unsafe-local"),
        help: "Where this machine cannot isolate, go on without: the steps can do what you can. The artifact is marked.")
    var unsafeLocal = false

    @Flag(name: .customLong("no-cache"), help: "Execute every step, whatever is cached.")
    var noCache = false

    @Flag(help: "Ask no server: packages come from the store, where earlier builds have left them.")
    var offline = false

    @Flag(help: "Refuse to build with presets or toolchains other than those that forge.lock names.")
    var locked = false

    @Option(name: .customLong("env-file"), help: "A file of variables (.env syntax); a deploy sets them for the environment first.")
    var environmentFile: String?

    func request(_ source: SourceOptions) -> BuildRequest {
        var request = BuildRequest(source: source.request, output: out, replacesOutput: force, archive: archive, useCache: !noCache)
        request.isUntrusted = untrusted
        request.isLocked = locked
        request.isUnsafeLocal = unsafeLocal
        request.isOffline = offline
        return request
    }
}

struct BuildCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Builds a project in a sandbox and stores the artifact.",
        discussion: "Example:  forge build my-site --commit v1.2 --out site")

    @OptionGroup var source: SourceOptions
    @OptionGroup var build: BuildOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "The project it is for: its variables are known to the build.")
    var project: String?

    @Option(name: .customLong("env"), help: "The environment it is for: production, staging or preview.")
    var environment: DeployEnvironment?

    @Option(help: "The number of the change that a preview shows.")
    var pr: Int?

    @Flag(help: "Say of each step why it ran or did not, and what it was made of.")
    var explain = false

    func run(in invocation: Invocation) async throws {
        var request = build.request(source)
        request.isExplained = explain
        request.environmentFile = build.environmentFile
        request.destination = Destination(project: try project.map { try ProjectSlug(parsing: $0) }, environment: environment, preview: pr)
        let result = try await invocation.showing { [request] in try await $0.build(request) }
        if invocation.isJSON || explain { try invocation.print(result) { BuildExplanation(result).text } }
    }
}
