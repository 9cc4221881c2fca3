internal import ArgumentParser
internal import ForgeEvents
internal import ForgeModel
internal import ForgePipeline
internal import ForgePlanning
internal import ForgeSystem
internal import ForgeTerminal

struct PresetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preset", abstract: "Shows the presets there are, and helps to write one.",
        discussion: "Example:  forge preset new my-framework    then    forge preset test",
        subcommands: [List.self, Show.self, Check.self, New.self, Test.self])

    /// Where a project keeps presets of its own.
    static let ownFolder = ".forge/presets"

    struct List: ForgeSubcommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the presets that are known here.",
            discussion: "Example:  forge preset list --group runtime")

        @Option(help: "Only this group: framework, runtime, dockerfile, static or custom.")
        var group: String?

        @OptionGroup var output: OutputOptions

        func run(in invocation: Invocation) async throws {
            let shown = try await invocation.pipeline().presetListing(group: group)
            try invocation.print(shown) {
                PresetText(invocation).table(
                    ["ID", "NAME", "GROUP", "KIND", "FROM"],
                    shown.presets.map { [$0.id, $0.name, $0.group, $0.kind.rawValue, $0.from] })
            }
        }
    }

    struct Show: ForgeSubcommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Shows a preset with all that its families say, and where each part is written.",
            discussion: "Example:  forge preset show eleventy")

        @Argument(help: "The preset's id.")
        var id: String

        @OptionGroup var output: OutputOptions

        func run(in invocation: Invocation) async throws {
            let description = try await invocation.pipeline().presetDescription(id)
            try invocation.print(description) { description.text }
        }
    }

    struct Check: ForgeSubcommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Says all that is wrong with descriptors, and which presets stand in each other's way.",
            discussion: "Example:  forge preset check my-framework.toml\nEnds with 0 when all is sound, with 10 when not.")

        @Argument(help: "Descriptors, folders of them, or `crowdforge.toml` files; without any, all that is installed.")
        var paths: [String] = []

        @OptionGroup var output: OutputOptions

        func run(in invocation: Invocation) async throws {
            let report = try await invocation.pipeline().checkPresets(paths)
            guard invocation.isJSON || report.isSound else {
                throw ForgeError(.configuration, report.faults.isEmpty ? "preset.overlap" : "preset.invalid", findings: report.diagnostics)
            }
            try invocation.print(report) {
                PresetText(invocation).verdict("\(Count(report.files.count, "file")): sound", isGood: true)
            }
            if !report.isSound { throw ExitCode(ForgeError.Category.configuration.exitCode) }
        }
    }

    struct New: ForgeSubcommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Writes a preset to start from, with a project that proves it.",
            discussion: "Example:  forge preset new my-framework")

        @Argument(help: "The preset's id: lower-case letters, digits and `-`.")
        var id: String

        @Option(name: .customLong("in"), help: "The folder of presets.")
        var folder = PresetCommand.ownFolder

        @OptionGroup var output: OutputOptions

        func run(in invocation: Invocation) async throws {
            let scaffold = try await invocation.pipeline().newPreset(id, in: folder)
            try invocation.print(scaffold) {
                scaffold.files.map { "wrote \($0)" }.joined(separator: "\n")
                    + "\nnext: edit them, then  forge preset check \(folder)  and  forge preset test \(folder)"
            }
        }
    }

    struct Test: ForgeSubcommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Detects and plans the projects in a folder's `cases`, and compares with what is expected.",
            discussion: "Example:  forge preset test\nEnds with 0 when every case is as expected, with 10 when not.")

        @Argument(help: "A folder of presets.")
        var folder = PresetCommand.ownFolder

        @Flag(help: "Write what comes out as what is expected; read the difference.")
        var update = false

        @OptionGroup var output: OutputOptions

        func run(in invocation: Invocation) async throws {
            let report = try await invocation.pipeline().testPresets(in: folder, updating: update)
            try invocation.print(report) { PresetText(invocation).test(report) }
            if !report.isPassed { throw ExitCode(ForgeError.Category.configuration.exitCode) }
        }
    }
}
