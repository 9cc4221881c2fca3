internal import ArgumentParser
internal import Dispatch
internal import ForgeModel
internal import ForgePipeline
internal import ForgeSources
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
            LogsCommand.self, EnvironmentCommand.self, LockCommand.self, PresetCommand.self, CacheCommand.self, GatewayCommand.self,
            DoctorCommand.self,
            VersionCommand.self,
        ])

    /// Only the subcommand that is named, which takes half the time; whatever is wrong or asks for help goes the long way, which words it in full.
    static func parsed(_ arguments: [String]) throws -> any ParsableCommand {
        let named = configuration.subcommands.first { $0.configuration.commandName == arguments.first }
        if let named, named.configuration.subcommands.isEmpty, let command = try? named.parseAsRoot(Array(arguments.dropFirst())) {
            return command
        }
        return try parseAsRoot(arguments)
    }

    /// Not `async`: the process that fetches must give up its rights before any other thread exists.
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        FetchProcess.runIfAsked(arguments)
        Signals.ignoreBrokenPipes()
        Task { await Invocation.run(arguments) }
        dispatchMain()
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
