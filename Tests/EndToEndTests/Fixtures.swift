import ForgeTestSupport
import Foundation

/// What `forge build --json` reported.
struct BuiltReport: Sendable {
    let json: JSON
    var artifact: String? { json["artifact"]?.text }
    /// Without durations.
    var steps: [JSON] { json["steps"]?.elements.map { $0.without("durationMs") } ?? [] }
}

extension ForgeHome {
    static func fixture(_ name: String) -> String { "\(BuildProducts.checkout)fixtures/projects/\(name)" }

    /// A copy of a fixture, so that a test may change it.
    func project(copiedFrom fixture: String, named name: String? = nil) throws -> TemporaryProject {
        let project = try project(named: name)
        try project.copy(from: Self.fixture(fixture))
        return project
    }

    /// A build that must succeed.
    @discardableResult
    func build(_ source: String, _ arguments: String...) async throws -> BuiltReport {
        let run = try await run(["build", source, "--json", "--progress", "plain"] + arguments)
        guard run.exitCode == 0 else {
            throw TestSupportError("the build of `\(source)` ended with \(run.exitCode):\n\(run.error)\(run.output)")
        }
        return BuiltReport(json: try run.json())
    }

    /// A command that must fail with `exitCode`; gives its `error` object.
    func failure(_ exitCode: Int32, _ arguments: String...) async throws -> JSON {
        let run = try await run(arguments + ["--json", "--progress", "plain"])
        guard run.exitCode == exitCode, let error = try run.json()["error"] else {
            throw TestSupportError(
                "`\(arguments.joined(separator: " "))` ended with \(run.exitCode), not \(exitCode):\n\(run.error)\(run.output)")
        }
        return error
    }

    /// The code of a failure that must happen.
    func failureCode(_ exitCode: Int32, _ arguments: String...) async throws -> String {
        let run = try await run(arguments + ["--json", "--progress", "plain"])
        guard run.exitCode == exitCode, let code = try run.json()["error"]?["code"]?.text else {
            throw TestSupportError(
                "`\(arguments.joined(separator: " "))` ended with \(run.exitCode), not \(exitCode):\n\(run.error)\(run.output)")
        }
        return code
    }
}

extension TemporaryProject {
    /// Brings one file of a fixture back.
    func copyOver(_ fixture: String, _ file: String) throws {
        try write([file: String(contentsOfFile: "\(ForgeHome.fixture(fixture))/\(file)", encoding: .utf8)])
    }
}

extension ForgeHome {
    /// A project without a framework: one shell line, and the folder it fills.
    func project(custom command: String, output: String, more: String = "") throws -> TemporaryProject {
        let line = command.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return try project(["crowdforge.toml": "[build]\ncommand = \"\(line)\"\noutput = \"\(output)\"\n\(more)"])
    }

    /// Writes the operator's configuration.
    func configure(_ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/config.toml"))
    }
}

extension ForgeHome {
    /// Runs `forge` and kills it, not its children, when it makes the `number`-th of `calls`.
    func killed(at calls: String, number: Int, _ arguments: String...) async throws -> ForgeRun {
        let trace = [
            "-qq", "-f", "-b", "execve", "-o", "/dev/null", "-e", "trace=\(calls)", "-e", "inject=\(calls):signal=SIGKILL:when=\(number)",
        ]
        return try await start(program: "/usr/bin/strace", trace + [BuildProducts.executable("forge")] + arguments).finish(within: 60)
    }
}
