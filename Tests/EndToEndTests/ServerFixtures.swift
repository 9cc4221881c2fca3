import ForgeTestSupport
import Foundation

/// What the server of `fixtures/projects/node-as-told` is told.
struct Behaviour: Sendable {
    let text: String

    /// - Parameter more: further members of the JSON object.
    init(version: Int = 1, _ more: String = "") {
        text = "{\"version\": \"\(version)\"\(more.isEmpty ? "" : ", ")\(more)}\n"
    }
}

extension ForgeHome {
    /// A copy of the server that behaves as it is told.
    func server(_ behaviour: Behaviour = Behaviour()) throws -> TemporaryProject {
        let project = try project(copiedFrom: "node-as-told", named: "told")
        try project.tell(behaviour)
        return project
    }

    /// A deploy that must succeed; gives what it printed.
    @discardableResult
    func deploy(_ source: String, to slug: String, _ more: String..., in environment: [String: String] = [:]) async throws -> JSON {
        try await succeed(["deploy", source, "--project", slug] + more, in: environment)
    }

    /// A rollback that must succeed; gives what it printed.
    @discardableResult
    func rollback(_ slug: String, _ more: String...) async throws -> JSON { try await succeed(["rollback", "--project", slug] + more) }

    private func succeed(_ arguments: [String], in environment: [String: String] = [:]) async throws -> JSON {
        let run = try await run(arguments + ["--json", "--progress", "plain"], environment: environment, timeout: 300)
        guard run.exitCode == 0 else {
            throw TestSupportError("`forge \(arguments.joined(separator: " "))` ended with \(run.exitCode):\n\(run.error)\(run.output)")
        }
        return try run.json()
    }

    /// A deploy that must fail with 70; gives the code and all that was said.
    func failedDeploy(_ source: String, to slug: String, _ more: String...) async throws -> (code: String, said: String) {
        let run = try await run(["deploy", source, "--project", slug, "--json", "--progress", "plain"] + more, timeout: 300)
        guard run.exitCode == 70, let code = try run.json()["error"]?["code"]?.text else {
            throw TestSupportError("the deploy ended with \(run.exitCode), not 70:\n\(run.error)\(run.output)")
        }
        return (code, run.error + run.output)
    }

    /// The releases of a project, the newest first.
    func releases(_ slug: String) async throws -> [JSON] {
        try await run("releases", "--project", slug, "--json").json()["releases"]?.elements ?? []
    }

    /// Their states, the newest first.
    func states(_ slug: String) async throws -> [String] { try await releases(slug).compactMap { $0["status"]?.text } }

    /// Waits until the releases' states are these, the newest first.
    func waitForStates(_ slug: String, _ states: [String], within seconds: Int = 60) async throws {
        try await untilTrue("releases to be \(states)", within: seconds, else: { "\(try await self.states(slug))" }) {
            try await self.states(slug) == states
        }
    }
}

extension TemporaryProject {
    func tell(_ behaviour: Behaviour) throws { try write(["behaviour.json": behaviour.text]) }
}

extension ForgeHome.Gateway {
    /// What the app at `host` answers at `path`, without the status, as JSON.
    func ask(_ host: String, _ path: String) async throws -> JSON {
        let answer = try await fetch(host, path)
        guard answer.hasPrefix("200 ") else { throw TestSupportError("`\(path)` of \(host) answered \(answer)") }
        return try JSONDecoder().decode(JSON.self, from: Data(answer.dropFirst(4).utf8))
    }

    /// Waits until the app at `host` answers as told.
    func waitForAnswer(_ host: String, _ answer: String, path: String = "/", within seconds: Int = 60) async throws {
        try await untilTrue("\(host) to answer `\(answer)`", within: seconds, else: { try await self.fetch(host, path) }) {
            try await self.fetch(host, path) == answer
        }
    }
}

/// `eventually` for conditions that have to be asked for. A short pause between the looks.
func untilTrue(
    _ what: String, within seconds: Int = 60, else detail: () async throws -> String = { "" }, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw TestSupportError("waited \(seconds) s for \(what) in vain; now: \((try? await detail()) ?? "unknown")")
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// What `fixtures/clients/load.py` counted.
struct LoadReport: Sendable {
    let json: JSON
    var sent: Int { Int(json["sent"]?.number ?? 0) }
    /// How many of a kind were under way while a command changed what answers.
    func crossed(_ kind: String) -> Int { Int(json["crossed"]?[kind]?.number ?? 0) }
    /// Everything that was not right, in words.
    var wrongs: [String] {
        let counts = ["failed", "wrongVersion"].filter { json[$0] != 0 }.map { "\($0): \(json[$0]?.number ?? -1)" }
        let commands = json["commands"]?.elements.filter { $0["exitCode"] != 0 }.map { "a command: \($0)" } ?? ["no commands"]
        let rest = sent == Int(json["right"]?.number ?? -1) ? [] : ["sent \(sent), right \(json["right"]?.number ?? -1)"]
        return counts + rest + commands + (json["faults"]?.elements.compactMap(\.text) ?? [])
    }
}

/// Requests to one app while `forge` runs again and again, as the load client reads it.
struct LoadScript: Encodable {
    struct Step: Encodable {
        let command: [String]
        /// What answers afterwards; nil when nothing is to change.
        let version: String?

        init(_ arguments: [String], version: Int?) {
            command = [BuildProducts.executable("forge")] + arguments + ["--json", "--progress", "quiet"]
            self.version = version.map { "\($0)" }
        }
    }

    let host: String
    var port = 0
    /// Kind → connections at once.
    var mix = ["get": 4, "post": 2, "slow": 1]
    /// Kind → what is asked for, where it is not the usual.
    var paths: [String: String] = [:]
    /// At least so many before, between and after the steps.
    var requests = 900
    /// What answers now.
    var version = "1"
    var steps: [Step] = []
    /// Seconds that streams without end may take to be ended by the server once all steps are done; nil: there are none.
    var lingers: Int?

    init(host: String) { self.host = host }
}

extension ForgeHome {
    /// Runs the load to its end.
    func load(_ script: LoadScript, on gateway: Gateway, within seconds: Int = 600) async throws -> LoadReport {
        var script = script
        script.port = gateway.port
        // Named relative to the home's folder, as all helpers are: what names the folder counts as left behind by Forge.
        let name = "output/load-\(UUID().uuidString).json"
        try JSONEncoder().encode(script).write(to: URL(filePath: "\(folder)/\(name)"))
        let child = try start(program: "/usr/bin/python3", ["\(BuildProducts.checkout)fixtures/clients/load.py", name])
        let run = try await child.finish(within: seconds)
        guard run.exitCode == 0 else { throw TestSupportError("the load client ended with \(run.exitCode):\n\(run.error)") }
        return LoadReport(json: try run.json())
    }
}
