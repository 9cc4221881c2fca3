internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgePlanning

struct PlanCommand: ForgeSubcommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, mermaid, dot }

    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Shows what a build would do, without doing it.",
        discussion: "Example:  forge plan my-site --format mermaid")

    @OptionGroup var source: SourceOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "text, mermaid or dot.")
    var format = Format.text

    func run(in invocation: Invocation) async throws {
        let request = source.request
        let plans = try await invocation.showing { try await $0.plan(request) }
        try invocation.print(PlanRendering.json(plans)) {
            switch format {
            case .text: PlanRendering.text(plans)
            case .mermaid: PlanRendering.mermaid(plans)
            case .dot: PlanRendering.dot(plans)
            }
        }
    }
}
