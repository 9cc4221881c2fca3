internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgeSandbox
internal import ForgeSystem
internal import ForgeTerminal

struct DoctorCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Says what this machine has for builds, what it lacks, and how to get it.",
        discussion: "Example:  forge doctor\nEnds with 0 when builds can run, with 50 when not.")
    @OptionGroup var output: OutputOptions

    func run(in invocation: Invocation) async throws {
        let report = try await invocation.pipeline().doctor()
        try invocation.print(report) {
            let renderer = ChecklistText(
                isTerminal: StandardStreams.outputIsTerminal, environment: invocation.environment,
                width: StandardStreams.outputIsTerminal ? StandardStreams.outputWidth : nil)
            return renderer.text(
                Self.sentence(report), report.isReady ? .good : .bad, groups: report.groups.map { ($0.title, $0.findings.map(Self.row)) })
        }
        if !report.isReady { throw ExitCode(ForgeError.Category.build.exitCode) }
    }

    private static func sentence(_ report: DoctorReport) -> String {
        let mode = report.isRootless ? "rootless, as \(report.user)" : "as root"
        guard !report.isReady else { return "Builds can run here, \(mode)." }
        let names = report.groups.flatMap(\.findings).filter(\.isFatal).map(\.name).joined(separator: ", ")
        return "Builds cannot run here, \(mode): \(names)."
    }

    private static func row(_ finding: HostFinding) -> ChecklistText.Row {
        let verdict: ChecklistText.Verdict =
            switch finding.state {
            case .ok: .good
            case .limited: .middling
            case .missing: finding.isRequired ? .bad : .indifferent
            }
        return .init(name: finding.name, word: finding.state.rawValue, verdict: verdict, detail: finding.detail, remedy: finding.remedy)
    }
}
