package import ForgeModel

/// A plan for people and for drawing tools. Pure text; every function ends its output with a line feed.
package enum PlanRendering {
    package static func text(_ plan: BuildPlan) -> String {
        var rows: [(String, String)] = [("preset", "\(plan.preset.name) (\(plan.preset.id))")]
        if !plan.root.isRoot { rows.append(("root", plan.root.display)) }
        let tools = plan.toolchains.sorted { $0.key < $1.key }.map { $0.value == "*" ? $0.key : "\($0.key) \($0.value)" }
        if !tools.isEmpty { rows.append(("toolchains", tools.joined(separator: ", "))) }
        for step in plan.steps {
            rows.append((step.id, CommandText.typed(step.command)))
            rows += details(of: step).map { ("", $0) }
        }
        rows += artifact(plan.artifact)
        for warning in plan.warnings {
            rows.append(("warning", (warning.location.map { "\($0): " } ?? "") + warning.message))
            if let hint = warning.hint { rows.append(("", hint)) }
        }
        let width = (rows.map(\.0.count).max() ?? 0) + 2
        return rows.map { label, value in label + String(repeating: " ", count: width - label.count) + value + "\n" }.joined()
    }

    /// A Mermaid flow chart.
    package static func mermaid(_ plan: BuildPlan) -> String {
        var lines = ["flowchart LR", "    source([\"source\"])"]
        for (index, step) in plan.steps.enumerated() {
            lines.append("    s\(index)[\"\(mermaid(step.id))<br/>\(mermaid(CommandText.typed(step.command)))\"]")
        }
        lines.append("    artifact([\"\(mermaid(artifactLabel(plan.artifact)))\"])")
        lines += edges(plan).map { "    \($0.from) --> \($0.to)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Graphviz.
    package static func dot(_ plan: BuildPlan) -> String {
        var lines = ["digraph plan {", "    rankdir=LR;", "    node [shape=box];", "    source [label=\"source\", shape=oval];"]
        for (index, step) in plan.steps.enumerated() {
            lines.append("    s\(index) [label=\"\(dot(step.id))\\n\(dot(CommandText.typed(step.command)))\"];")
        }
        lines.append("    artifact [label=\"\(dot(artifactLabel(plan.artifact)))\", shape=oval];")
        lines += edges(plan).map { "    \($0.from) -> \($0.to);" }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    private static func details(of step: Step) -> [String] {
        var lines: [String] = []
        if !step.needs.isEmpty { lines.append("after   " + step.needs.joined(separator: ", ")) }
        lines.append("reads   " + (step.inputs.isEmpty ? "the source" : step.inputs.joined(separator: ", ")))
        if !step.outputs.isEmpty { lines.append("writes  " + step.outputs.map(\.display).joined(separator: ", ")) }
        if !step.caches.isEmpty { lines.append("keeps   " + step.caches.map(\.display).joined(separator: ", ")) }
        if step.network == .registries { lines.append(network(of: step)) }
        let variables = step.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\(CommandText.quote($0.value))" }
        if !variables.isEmpty { lines.append("sets    " + variables.joined(separator: " ")) }
        if !step.publicVariables.isEmpty { lines.append("takes   " + step.publicVariables.map { "$\($0)…" }.joined(separator: " ")) }
        return lines
    }

    private static func network(of step: Step) -> String {
        guard let registries = step.registries else { return "network what the operator allows" }
        return "network registries of \(registries.manager)" + registries.origins.map { ", \($0)" }.joined()
    }

    private static func artifact(_ spec: ArtifactSpec) -> [(String, String)] {
        var rows = [("artifact", artifactLabel(spec))]
        if let launch = spec.launch {
            rows.append(("", "starts  " + CommandText.typed(launch.command)))
            rows.append(("", "port    \(launch.port)" + (launch.healthPath.map { ", health \($0)" } ?? "")))
            let variables = launch.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\(CommandText.quote($0.value))" }
            if !variables.isEmpty { rows.append(("", "sets    " + variables.joined(separator: " "))) }
        }
        return rows + spec.routes.map { ("", "route   \($0.pattern) → \($0.kind.rawValue)") }
    }

    private static func artifactLabel(_ spec: ArtifactSpec) -> String {
        switch spec.kind {
        case .static: "static " + (spec.output.isRoot ? "./" : spec.output.display + "/")
        case .image: "image from " + (spec.dockerfile?.display ?? "Dockerfile")
        case .container, .function: spec.kind.rawValue + (spec.output.isRoot ? "" : " with \(spec.output.display)/")
        }
    }

    /// Roots hang on the source, leaves lead to the artifact.
    private static func edges(_ plan: BuildPlan) -> [(from: String, to: String)] {
        let numbers = Dictionary(plan.steps.enumerated().map { ($0.element.id, "s\($0.offset)") }) { first, _ in first }
        var edges: [(from: String, to: String)] = []
        var needed: Set<String> = []
        for step in plan.steps {
            let own = numbers[step.id] ?? ""
            if step.needs.isEmpty { edges.append(("source", own)) }
            for need in step.needs {
                edges.append((numbers[need] ?? "source", own))
                needed.insert(need)
            }
        }
        edges += plan.steps.filter { !needed.contains($0.id) }.map { (numbers[$0.id] ?? "", "artifact") }
        return edges.isEmpty ? [("source", "artifact")] : edges
    }

    /// Mermaid takes HTML entities inside quoted labels.
    private static func mermaid(_ text: String) -> String {
        let entities: [Character: String] = ["\"": "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "#": "#35;", "\n": " ", "`": "#96;"]
        return text.map { entities[$0] ?? String($0) }.joined()
    }

    private static func dot(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
