internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgePlanning
internal import ForgeSystem

struct DetectCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "detect", abstract: "Says which framework a project uses, and how it knows.",
        discussion: "Example:  forge detect my-site --explain")

    @OptionGroup var source: SourceOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Show for every preset which of its clauses held and which did not.")
    var explain = false

    func run(in invocation: Invocation) async throws {
        let pipeline = try invocation.pipeline()
        if explain && !output.json { return try StandardStreams.writeOutput(ExplainRendering.text(await pipeline.explain(source.request))) }
        let detection = try await pipeline.detect(source.request)
        try invocation.print(detection.report) { ExplainRendering.text(detection) }
    }
}
