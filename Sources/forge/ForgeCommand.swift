internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgeSystem

@main
struct ForgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forge",
        abstract: "Turns a commit into a running release.",
        discussion: "Start here:  forge build DIR    then    forge deploy DIR --project my-site",
        version: ForgeVersion.current,
        subcommands: [
            DetectCommand.self, PlanCommand.self, BuildCommand.self, DeployCommand.self, RollbackCommand.self, ReleasesCommand.self,
            GatewayCommand.self, VersionCommand.self,
        ])

    static func main() async {
        Signals.ignoreBrokenPipes()
        await Invocation.run(Array(CommandLine.arguments.dropFirst()))
    }
}

struct VersionCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")
    @OptionGroup var output: OutputOptions

    func run(in invocation: Invocation) async throws {
        struct Version: Encodable { let version: String, platform: String }
        try invocation.print(Version(version: ForgeVersion.current, platform: Platform.current.description)) {
            "forge \(ForgeVersion.current) (\(Platform.current))"
        }
    }
}
