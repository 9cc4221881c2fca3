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
        let request = source.request
        if explain && !output.json {
            let explanation = try await invocation.showing { try await $0.explain(request) }
            return try StandardStreams.writeOutput(ExplainRendering.text(explanation))
        }
        let survey = try await invocation.showing { try await $0.detect(request) }
        try invocation.print(survey.report) { ExplainRendering.text(survey) }
    }
}
