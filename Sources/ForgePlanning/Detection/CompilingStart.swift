internal import ForgeManifests
internal import ForgeModel

/// A start that builds what it then runs: a deployed server has no place to write it to, and what is for development is not there.
struct CompilingStart {
    let facts: ProjectFacts

    /// Programs that build when they are named at all, and those that do with the word `build`.
    private static let compilers: Set<String> = ["tsc", "webpack", "rollup", "tsup"]
    private static let builders: Set<String> = [
        "vite", "next", "nuxt", "nuxi", "astro", "remix", "react-router", "react-scripts", "vue-cli-service", "ng", "nest", "parcel",
        "gatsby",
    ]
    private static let runners: Set<String> = ["npm", "yarn", "pnpm", "bun"]

    /// - Parameter rule: what the start comes from.
    func warning(_ rule: String?) throws -> Diagnostic? {
        guard let rule, rule.hasPrefix("script ") else { return nil }
        let name = String(rule.dropFirst("script ".count))
        // Runs before it, whoever asks for the script.
        for script in ["pre\(name)", name] {
            guard let (line, node) = try facts.manifests.script(script), let command = Self.commands(line).first(where: Self.builds) else {
                continue
            }
            return Diagnostic(
                "the script `\(script)` builds (`\(command.joined(separator: " "))`) each time the server starts, which cannot write there",
                at: SourceLocation(file: facts.files.display(Manifests.path("package.json")), line: node.line),
                hint: "let the script `build` do it, and `\(name)` only run the result")
        }
        return nil
    }

    /// What a line runs one after the other, without what only sets variables or finds a program.
    private static func commands(_ line: String) -> [[String]] {
        line.split { "&|;".contains($0) }.map { part in
            let words = SourceText.words(of: String(part))
            return Array(words.drop { $0.contains("=") || ["npx", "bunx", "cross-env", "exec", "dotenv", "--"].contains($0) })
        }
    }

    private static func builds(_ command: [String]) -> Bool {
        guard let program = command.first else { return false }
        let rest = command.dropFirst()
        if compilers.contains(program) { return !rest.contains { ["--noEmit", "--version", "serve"].contains($0) } }
        if builders.contains(program) { return rest.first == "build" }
        guard runners.contains(program) else { return false }
        return rest.first { $0 != "run" && !$0.hasPrefix("-") }.map { $0 == "build" || $0.hasPrefix("build:") } ?? false
    }
}
