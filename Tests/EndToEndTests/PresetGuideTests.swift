import ForgeTestSupport
import Foundation
import Testing

/// What `docs/writing-a-preset.md` tells a newcomer to do works, and prints what stands there.
@Suite struct PresetGuideTests {
    private enum Piece {
        case file(name: String, text: String)
        case command(String, output: String, exitCode: Int32)
    }

    /// The files and commands of the page's first chapter, in order.
    private static func pieces() throws -> [Piece] {
        let page = try String(contentsOfFile: BuildProducts.checkout + "docs/writing-a-preset.md", encoding: .utf8)
        let chapter = page.split(separator: "\n# The language\n")[0]
        var pieces: [Piece] = []
        for (index, part) in chapter.split(separator: "```", omittingEmptySubsequences: false).enumerated() where index % 2 == 1 {
            var lines = part.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            let language = lines.removeFirst()
            if lines.last == "" { lines.removeLast() }
            guard language == "console" else {
                let name = try #require(lines.removeFirst().firstMatch(of: /^# file: (\S+)$/)).output.1
                pieces.append(.file(name: String(name), text: lines.joined(separator: "\n") + "\n"))
                continue
            }
            for group in ("\n" + lines.joined(separator: "\n")).split(separator: "\n$ ") {
                var said = group.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                let command = said.removeFirst()
                if said.last == "" { said.removeLast() }
                let exit = said.last?.firstMatch(of: /^\[exit (\d+)\]$/).flatMap { Int32($0.output.1) }
                if exit != nil { said.removeLast() }
                pieces.append(.command(command, output: said.joined(separator: "\n"), exitCode: exit ?? 0))
            }
        }
        return pieces
    }

    /// Whether `found` is `told`, in which `…` is any text and, alone on a line, any lines; how many blanks separate columns is free
    /// beside it.
    private static func fits(_ found: String, _ told: String) throws -> Bool {
        let pattern = told.split(separator: "…", omittingEmptySubsequences: false).map { part in
            NSRegularExpression.escapedPattern(for: part.trimmingCharacters(in: CharacterSet(charactersIn: " ")))
        }.joined(separator: "(?s:.*?)")
        let whole = try NSRegularExpression(pattern: "\\A" + pattern + "\\s*\\z")
        return whole.firstMatch(in: found, range: NSRange(found.startIndex..., in: found)) != nil
    }

    @Test func everyCommandOfTheGuidePrintsWhatStandsThere() async throws {
        let pieces = try Self.pieces()
        #expect(pieces.count >= 18)
        try await withForgeHome { home in
            let project = try home.project(named: "shapes")
            let environment = try await PythonIndex.environment(for: home).merging(["NO_COLOR": "1"]) { $1 }
            let programs = URL(fileURLWithPath: BuildProducts.executable("forge")).deletingLastPathComponent().path
            var folder = project.path
            for piece in pieces {
                switch piece {
                case .file(let name, let text):
                    let path = URL(fileURLWithPath: "\(folder)/\(name)")
                    try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
                    try text.write(to: path, atomically: true, encoding: .utf8)
                case .command(let line, let output, let exitCode):
                    if line.hasPrefix("cd ") {
                        folder = URL(fileURLWithPath: "\(folder)/\(line.dropFirst(3))").standardizedFileURL.path
                        continue
                    }
                    let script = "export PATH=\(programs):$PATH; exec 2>&1; \(line)"
                    let run = try await home.start(program: "/bin/sh", ["-c", script], cwd: folder, environment: environment).finish(
                        within: 300)
                    #expect(run.exitCode == exitCode, "\(line): \(run.output)")
                    #expect(try Self.fits(run.output, output), "\(line):\n\(run.output)")
                }
            }
        }
    }
}
