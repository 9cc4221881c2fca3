package import ForgeModel

/// A plan for people and for drawing tools. Pure text; every function ends its output with a line feed.
package enum PlanRendering {
    /// What `--json` prints: the plan of one app as it is, of several apps each with its name.
    package enum Document: Encodable {
        case plan(BuildPlan)
        case apps([AppPlan])

        private enum CodingKeys: CodingKey { case apps }

        package func encode(to encoder: any Encoder) throws {
            switch self {
            case .plan(let plan): try plan.encode(to: encoder)
            case .apps(let apps):
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(apps, forKey: .apps)
            }
        }
    }

    package static func json(_ apps: [AppPlan]) -> Document { apps.count == 1 ? .plan(apps[0].plan) : .apps(apps) }

    /// Each app under its name.
    package static func text(_ apps: [AppPlan]) -> String {
        guard apps.count != 1 else { return text(apps[0].plan) }
        return apps.map { "\($0.name)  (\($0.root))\n" + text($0.plan) }.joined(separator: "\n")
    }

    package static func text(_ plan: BuildPlan) -> String {
        var rows: [(String, String)] = [("preset", "\(plan.preset.name) (\(plan.preset.id))")]
        if !plan.root.isRoot { rows.append(("root", plan.root.display)) }
        let tools = plan.toolchains.sorted { $0.key < $1.key }.map { name, version in
            let origin = plan.toolchainOrigins?[name].map { " (\($0.file))" } ?? ""
            return version == "*" ? name : "\(name) \(version)\(origin)"
        }
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

    /// A Mermaid flow chart; steps that several apps have stand in it once.
    package static func mermaid(_ apps: [AppPlan]) -> String {
        var lines = ["flowchart LR", "    source([\"source\"])"]
        let steps = steps(of: apps)
        for (index, step) in steps.enumerated() {
            lines.append("    s\(index)[\"\(mermaid(step.id))<br/>\(mermaid(CommandText.typed(step.command)))\"]")
        }
        for (node, label) in artifacts(of: apps) { lines.append("    \(node)([\"\(mermaid(label))\"])") }
        lines += edges(apps, steps).map { "    \($0.from) --> \($0.to)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Graphviz.
    package static func dot(_ apps: [AppPlan]) -> String {
        var lines = ["digraph plan {", "    rankdir=LR;", "    node [shape=box];", "    source [label=\"source\", shape=oval];"]
        let steps = steps(of: apps)
        for (index, step) in steps.enumerated() {
            lines.append("    s\(index) [label=\"\(dot(step.id))\\n\(dot(CommandText.typed(step.command)))\"];")
        }
        for (node, label) in artifacts(of: apps) { lines.append("    \(node) [label=\"\(dot(label))\", shape=oval];") }
        lines += edges(apps, steps).map { "    \($0.from) -> \($0.to);" }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    private static func steps(of apps: [AppPlan]) -> [Step] {
        var seen: Set<String> = []
        return apps.flatMap(\.plan.steps).filter { seen.insert($0.id).inserted }
    }

    private static func artifacts(of apps: [AppPlan]) -> [(node: String, label: String)] {
        if apps.count == 1 { return [("artifact", artifactLabel(apps[0].plan.artifact))] }
        return apps.enumerated().map { ("a\($0)", "\($1.name): \(artifactLabel($1.plan.artifact))") }
    }

    private static func details(of step: Step) -> [String] {
        var lines: [String] = []
        if !step.needs.isEmpty { lines.append("after   " + step.needs.joined(separator: ", ")) }
        if let directory = step.directory { lines.append("in      \(directory)") }
        let hidden = (step.excludes ?? []).map(\.display).joined(separator: ", ")
        let source = hidden.isEmpty ? "the source" : "the source without \(hidden)"
        lines.append("reads   " + (step.inputs.isEmpty ? source : step.inputs.joined(separator: ", ")))
        if !step.outputs.isEmpty { lines.append("writes  " + step.outputs.map(\.display).joined(separator: ", ")) }
        if let amends = step.amends { lines.append("adds    " + amends.joined(separator: ", ")) }
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
        if let fallback = spec.fallback { rows.append(("", "answers \(fallback) where there is no page")) }
        for rules in [spec.site, spec.movedInSite].compactMap(\.self) {
            let counts = [(rules.redirects.count, "redirect"), (rules.headers.count, "header")].filter { $0.0 > 0 }
            let words = counts.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
            if !words.isEmpty { rows.append(("", "rules   " + words.joined(separator: ", "))) }
        }
        if let launch = spec.launch {
            rows.append(("", "starts  " + CommandText.typed(launch.command) + (launch.directory.map { " in \($0)" } ?? "")))
            rows.append(("", "port    \(launch.port)" + (launch.healthPath.map { ", health \($0)" } ?? "")))
            if let folders = launch.writable { rows.append(("", "writes  " + folders.map(\.display).joined(separator: ", "))) }
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

    /// Roots hang on the source, the leaves of each app lead to its artifact.
    private static func edges(_ apps: [AppPlan], _ steps: [Step]) -> [(from: String, to: String)] {
        let numbers = Dictionary(steps.enumerated().map { ($0.element.id, "s\($0.offset)") }) { first, _ in first }
        var edges: [(from: String, to: String)] = []
        for step in steps {
            let own = numbers[step.id] ?? ""
            if step.needs.isEmpty { edges.append(("source", own)) }
            for need in step.needs { edges.append((numbers[need] ?? "source", own)) }
        }
        for (app, artifact) in zip(apps, artifacts(of: apps)) {
            let needed = Set(app.plan.steps.flatMap(\.needs))
            let leaves = app.plan.steps.filter { !needed.contains($0.id) }.map { numbers[$0.id] ?? "" }
            edges += (leaves.isEmpty ? ["source"] : leaves).map { ($0, artifact.node) }
        }
        return edges
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
