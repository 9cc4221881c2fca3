internal import ArgumentParser
internal import ForgePipeline

/// Options of a build, wherever one is made.
struct BuildOptions: ParsableArguments {
    @Option(name: .customLong("out"), help: "Lay the artifact out as files in this folder.")
    var out: String?

    @Option(help: "Write the artifact as a reproducible tar.zst file.")
    var archive: String?

    @Flag(help: "Replace what is in the folder given with --out.")
    var force = false

    @Flag(name: .customLong("no-cache"), help: "Execute every step, whatever is cached.")
    var noCache = false

    func request(_ source: SourceOptions) -> BuildRequest {
        BuildRequest(source: source.request, output: out, replacesOutput: force, archive: archive, useCache: !noCache)
    }
}

struct BuildCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Builds a project in a sandbox and stores the artifact.",
        discussion: "Example:  forge build my-site --commit v1.2 --out site")

    @OptionGroup var source: SourceOptions
    @OptionGroup var build: BuildOptions
    @OptionGroup var output: OutputOptions

    func run(in invocation: Invocation) async throws {
        let request = build.request(source)
        let result = try await invocation.showing { try await $0.build(request) }
        if invocation.isJSON { try invocation.print(result) { "" } }
    }
}
