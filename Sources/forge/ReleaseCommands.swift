internal import ArgumentParser
internal import ForgeGateway
internal import ForgeModel
internal import ForgePipeline
internal import ForgeReleases
internal import ForgeSystem
internal import ForgeTerminal

struct DeployCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy", abstract: "Builds a project and brings it online, or brings a stored artifact online.",
        discussion: "Example:  forge deploy my-site --project my-site --env staging")

    @OptionGroup var source: SourceOptions
    @OptionGroup var place: PlaceOptions
    @OptionGroup var build: BuildOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "Deploy this artifact (sha256:…) instead of building.")
    var artifact: String?

    @Option(help: "The deploy target; without it the one that takes this kind of artifact.")
    var target: String?

    func run(in invocation: Invocation) async throws {
        if artifact != nil, source.source != nil || source.commit != nil {
            throw ForgeError(.usage, "usage.two-subjects", "both a source and `--artifact` were given", hint: "leave one of them out")
        }
        let request = DeployRequest(
            subject: artifact.map { .artifact($0) } ?? .build(build.request(source)), place: try place.place(), target: target)
        let report = try await invocation.showing { try await $0.deploy(request) }
        if invocation.isJSON { try invocation.print(report) { "" } }
    }
}

struct RollbackCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Brings an older release's artifact back, without building.",
        discussion: "Example:  forge rollback --project my-site")

    @Argument(help: "The release to go back to; without it the one before the active one.")
    var release: String?

    @OptionGroup var place: PlaceOptions
    @OptionGroup var output: OutputOptions

    func run(in invocation: Invocation) async throws {
        let place = try place.place()
        let report = try await invocation.showing { [release] in try await $0.rollback(place, to: release) }
        if invocation.isJSON { try invocation.print(report) { "" } }
    }
}

struct ReleasesCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "releases", abstract: "Lists a project's releases, the newest first.",
        discussion: "Example:  forge releases --project my-site")

    @Option(help: "The project's name.")
    var project: String

    @Option(name: .customLong("env"), help: "Only this environment: production, staging or preview.")
    var environment: DeployEnvironment?

    @OptionGroup var output: OutputOptions

    private struct Listing: Encodable { let releases: [ReleaseReport] }

    func run(in invocation: Invocation) async throws {
        let releases = try await invocation.pipeline().releases(project: ProjectSlug(parsing: project), environment: environment)
        try invocation.print(Listing(releases: releases)) { ReleaseTable(releases).text }
    }
}

struct GatewayCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway", abstract: "Serves every active release of this machine over HTTP.",
        discussion: "Example:  forge gateway --listen 127.0.0.1:8080    (stop it with Ctrl-C)")

    @Option(help: "Address and port to listen on; port 0 takes a free one.")
    var listen: String = ListenAddress.standard.description

    @OptionGroup var output: OutputOptions

    func run(in invocation: Invocation) async throws {
        let address = try ListenAddress(parsing: listen)
        let isQuiet = invocation.progress == .quiet
        try await invocation.pipeline().gateway(
            listen: address,
            log: { if !isQuiet { StandardStreams.writeError($0 + "\n") } },
            started: { state in
                StandardStreams.writeError(
                    "gateway  http://\(state.address):\(state.port)  (pid \(state.pid)); releases answer at http://<project>.localhost:\(state.port)/\n"
                )
            })
    }
}
