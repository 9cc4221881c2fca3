internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgeReleases
internal import ForgeSources

/// What to build.
struct SourceOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "A directory, or a repository: its path, or a URL (https://, http://, ssh://, git://, file://, user@host:path)."))
    var source: String?

    @Option(help: "Build this commit, branch or tag of the repository instead of the directory as it is.")
    var commit: String?

    @Option(name: .customLong("token-file"), help: "File with the token for an https:// URL; only its owner may read it.")
    var tokenFile: String?

    @Option(help: "One app of a workspace: its name, its package's name or its folder.")
    var app: String?

    var request: SourceRequest { SourceRequest(location: source ?? ".", commit: commit, tokenFile: tokenFile, app: app) }
}

/// Which release of which project.
struct PlaceOptions: ParsableArguments {
    @Option(help: "The project's name: the first part of its host name.")
    var project: String

    @Option(name: .customLong("env"), help: "production, staging or preview.")
    var environment = DeployEnvironment.production

    @Option(help: "The number of the change that a preview shows.")
    var pr: Int?

    func place() throws -> ReleasePlace {
        try ReleasePlace(project: ProjectSlug(parsing: project), environment: environment, preview: pr)
    }
}

extension DeployEnvironment: ExpressibleByArgument {}
