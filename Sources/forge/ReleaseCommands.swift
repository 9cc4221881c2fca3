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

    @Option(help: "Deploy what is active in this environment of the project: production, staging or pr-NUMBER.")
    var from: String?

    @Flag(help: "When the artifact was built for another environment and read its variables, build its source again for this one.")
    var rebuild = false

    @Option(help: "The deploy target; without it the one that takes this kind of artifact.")
    var target: String?

    func run(in invocation: Invocation) async throws {
        var request = DeployRequest(subject: try subject(), place: try place.place(), target: target)
        request.environmentFile = build.environmentFile
        request.rebuilds = rebuild
        request.isUnsafeLocal = build.unsafeLocal
        let report = try await invocation.showing { [request] in try await $0.deploy(request) }
        if invocation.isJSON { try invocation.print(report) { "" } }
    }
}

extension DeployCommand {
    private func subject() throws -> DeployRequest.Subject {
        let given = [("a source", source.source ?? source.commit ?? source.app), ("`--artifact`", artifact), ("`--from`", from)].filter {
            $0.1 != nil
        }
        guard given.count < 2 else {
            throw ForgeError(
                .usage, "usage.two-subjects", "both \(given[0].0) and \(given[1].0) were given", hint: "leave one of them out")
        }
        if let artifact { return .artifact(artifact) }
        guard let from else { return .build(build.request(source)) }
        let number = from.hasPrefix("pr-") ? Int(from.dropFirst(3)) : nil
        guard let environment = number == nil ? DeployEnvironment(rawValue: from) : .preview else {
            throw ForgeError(
                .usage, "usage.from", "`--from` cannot be `\(from)`", hint: "write `production`, `staging`, or `pr-12` for a preview")
        }
        return .active(try ReleasePlace(project: ProjectSlug(parsing: place.project), environment: environment, preview: number))
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
