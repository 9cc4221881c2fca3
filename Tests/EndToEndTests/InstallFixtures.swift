import ForgeTestSupport
import Foundation
import Glibc

extension ForgeHome {
    /// A copy of a project that `scripts/test-inputs.sh` locked or fetched.
    func project(locked name: String) throws -> TemporaryProject {
        let folder = "\(BuildProducts.checkout).build/inputs/projects/\(name)"
        guard FileManager.default.fileExists(atPath: folder) else {
            throw TestSupportError("`.build/inputs/projects/\(name)` is missing: run scripts/test-inputs.sh, as `make test` does")
        }
        let project = try project(named: name)
        try project.copy(from: folder)
        return project
    }

    /// An npm project of one dependency, locked against `registry`. npm tries once and shows what scripts print.
    func project(
        needing package: String, from registry: NPMRegistry, version: String = "*", more: [String: String] = [:]
    ) async throws -> TemporaryProject {
        let project = try project(
            [
                ".npmrc": "fetch-retries=0\nforeground-scripts=true\n",
                "server.js": "require('http').createServer().listen(process.env.PORT)\n",
            ].merging(more) { $1 }, named: "needy")
        try await lock(project, [package: version], with: registry)
        return project
    }

    /// Makes the lockfile anew, with npm itself. No address is in it, so that another registry may take over.
    func lock(_ project: TemporaryProject, _ dependencies: [String: String], with registry: NPMRegistry) async throws {
        let list = dependencies.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \"\($0.value)\"" }.joined(separator: ", ")
        try await lock(
            project, manifest: "{ \"name\": \"needy\", \"version\": \"1.0.0\", \"dependencies\": { \(list) } }\n", with: registry)
    }

    func lock(_ project: TemporaryProject, manifest: String, with registry: NPMRegistry) async throws {
        try project.write(["package.json": manifest])
        let run = try await tool(
            "/usr/bin/env", "npm", "install", "--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved", "--no-audit",
            "--no-fund", cwd: project.path, environment: registry.environment)
        guard run.exitCode == 0 else { throw TestSupportError("npm made no lockfile: \(run.error)") }
    }

    /// A build that must succeed, in an environment of the operator's.
    func build(_ source: String, _ arguments: String..., in environment: [String: String]) async throws -> BuiltReport {
        let run = try await run(["build", source, "--json", "--progress", "plain"] + arguments, environment: environment, timeout: 300)
        guard run.exitCode == 0 else {
            throw TestSupportError("the build of `\(source)` ended with \(run.exitCode):\n\(run.error)\(run.output)")
        }
        return BuiltReport(json: try run.json())
    }

    /// A build that must fail with `exitCode`; gives its `error` object and all it said on the way.
    func failedBuild(_ exitCode: Int32, _ source: String, in environment: [String: String]) async throws -> (error: JSON, said: String) {
        let run = try await run(["build", source, "--json", "--progress", "plain"], environment: environment, timeout: 300)
        guard run.exitCode == exitCode, let error = try run.json()["error"] else {
            throw TestSupportError("the build of `\(source)` ended with \(run.exitCode), not \(exitCode):\n\(run.error)\(run.output)")
        }
        return (error, run.error)
    }

    /// The build record, as the store keeps it.
    func record(_ report: BuiltReport) throws -> JSON { try blob(report.json["record"]) }

    /// What names the artifact: all that another machine has to know.
    func manifest(_ report: BuiltReport) throws -> JSON { try blob(report.json["artifact"]) }

    private func blob(_ digest: JSON?) throws -> JSON {
        let hex = digest?.text?.replacing("sha256:", with: "") ?? ""
        let file = "\(path)/store/blobs/\(hex.prefix(2))/\(hex)"
        guard let bytes = FileManager.default.contents(atPath: file) else { throw TestSupportError("no blob at `\(file)`") }
        return try JSONDecoder().decode(JSON.self, from: bytes)
    }

    /// What the record says of a step's network: `ORIGIN VERDICT`, sorted; bytes are told by `bytesReceived`.
    func egress(_ report: BuiltReport, step: String) throws -> [JSON] {
        let steps = try record(report)["steps"]?.elements ?? []
        return steps.first { $0["id"] == .string(step) }?["result"]?["egress"]?.elements ?? []
    }

    /// Files below `folder` that hold one of `words`. Of disk images, gigabytes of nothing, only what was written is looked at.
    func files(in folder: String, holding words: String...) async throws -> [String] { try await files(in: folder, holding: words) }

    func files(in folder: String, holding words: [String]) async throws -> [String] {
        let script = """
            find . -type f -size -256M -print0 | xargs -0 -r grep -lFa "$@"
            find . -type f ! -size -256M | while read -r file; do tar -cSf - "$file" | grep -qFa "$@" && echo "$file"; done
            exit 0
            """
        let run = try await start(
            program: "/bin/sh", ["-c", script, "sh"] + words.flatMap { ["-e", $0] }, cwd: folder
        ).finish()
        guard run.exitCode == 0, run.error.isEmpty else { throw TestSupportError(run.error) }
        return run.output.split(separator: "\n").map(String.init).sorted()
    }
}

/// A server artifact, started on this machine as its launch command says.
struct RunningApp: Sendable {
    let home: ForgeHome
    let child: Child
    let port: Int

    /// `STATUS BODY`.
    func fetch(_ path: String) async throws -> String { try await home.curl("http://127.0.0.1:\(port)\(path)") }

    /// `STATUS BODY`, once it answers.
    func firstAnswer(_ path: String) async throws -> String {
        for _ in 1...600 {
            if let answer = try? await fetch(path) { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TestSupportError("`\(child.commandLine)` does not answer:\n\(child.error)\(child.output)")
    }
}

extension ForgeHome {
    /// Starts what is in `folder`, with the launch command of the plan and nothing of the builder's environment.
    func launch(_ source: String, from folder: String) async throws -> RunningApp {
        let plan = try await run("plan", source, "--json").json()
        let command = plan["artifact"]?["launch"]?["command"]?.elements.compactMap(\.text) ?? []
        guard !command.isEmpty else { throw TestSupportError("the plan says no launch command") }
        let port = try FreePort.find()
        let child = try start(
            program: "/usr/bin/env", ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=\(self.folder)/person", "PORT=\(port)"] + command,
            cwd: folder
        )
        return RunningApp(home: self, child: child, port: port)
    }
}

enum FreePort {
    /// A port nobody listens at, as the kernel chooses it.
    static func find() throws -> Int {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 ? getsockname(socket, $0, &length) : -1
            }
        }
        guard status == 0 else { throw TestSupportError("no free port: \(String(cString: strerror(errno)))") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
