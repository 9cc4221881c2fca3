internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgeTerminal

struct LockCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "Writes forge.lock: the presets and toolchains a project is built with.",
        discussion: "Example:  forge lock my-site    then commit my-site/forge.lock, and build with --locked")

    @OptionGroup var source: SourceOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Choose every toolchain anew.")
    var update = false

    func run(in invocation: Invocation) async throws {
        let (request, update) = (source.request, update)
        let result = try await invocation.showing { try await $0.lock(request, updating: update) }
        try invocation.print(result) { Self.text(result) }
    }

    private static func text(_ result: LockOutput) -> String {
        let width = result.toolchains.map { TerminalText.columns($0.name) }.max() ?? 0
        let versions = result.toolchains.map { TerminalText.columns($0.version) }.max() ?? 0
        let rows = result.toolchains.map {
            "\(TerminalText.padded($0.name, to: width))  \(TerminalText.padded($0.version, to: versions))  \($0.source)"
        }
        let packs = result.packs.sorted { $0.key < $1.key }.map { "\($0.key)  \($0.value)" }
        let packages = result.systemPackages.map { "\($0.name)  \($0.version)  \($0.architecture)" }
        return (rows + packages + packs + ["\(result.isChanged ? "wrote" : "nothing new in") \(result.file)"]).joined(separator: "\n")
    }
}
