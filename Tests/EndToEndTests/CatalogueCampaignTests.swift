import ForgeTestSupport
import Foundation
import Testing

/// Presets whose packages take long to fetch or to put together: built, brought online and asked, as `make campaign-catalogue` does. Not part
/// of `make test`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["FORGE_CAMPAIGN_CATALOGUE"] == "1", "`make campaign-catalogue` runs it"))
struct CatalogueCampaignTests {
    // MARK: Ruby

    @Test func anAppOfRailsIsInstalledCompiledAndAnswersWithWhatItKeepsInItsFolderForIt() async throws {
        try await withForgeHome { home in
            let registry = try await home.fileRegistry("catalogue/gems")
            let environment = ["BUNDLE_MIRROR__ALL": registry.origin, "FORGE_EGRESS_ALLOW": registry.origin]
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "rails-sprockets")
            try await home.tell("app", "SECRET_KEY_BASE=\(String(repeating: "0123456789abcdef", count: 4))")
            let report = try await home.build(project.path, in: environment)
            #expect(report.json["preset"] == "rails")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["resolve", "install", "build"])
            // But for the lockfile: nothing that Rails writes when it compiles is undeclared.
            #expect(report.json["warnings"]?.elements.compactMap { $0["message"]?.text }.filter { !$0.contains("not locked") } == [])
            #expect(!registry.requests().contains { $0.contains("web-console") && $0.contains(".gem ") }, "it is for development")
            let deployed = try await home.deploy(project.path, to: "app", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            for _ in 1...2 {
                let page = try await gateway.fetch("app.localhost")
                #expect(page.hasPrefix("200 ") && page.contains("<p>The water stands at 42.</p>"), "\(page)")
                let sheet = try #require(page.firstMatch(of: /href="(\/assets\/application-[0-9a-f]{64}\.css)"/)?.1)
                #expect(try await gateway.fetch("app.localhost", String(sheet)) == "200 p {\n  color: navy;\n}\n")
            }
        }
    }

    // MARK: PHP

    private static func composer(_ home: ForgeHome) async throws -> [String: String] {
        let repository = try await home.fileRegistry("catalogue/composer")
        let folder = "\(home.folder)/person/.config/composer"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try """
        {"config": {"secure-http": false},
         "repositories": {"packagist": false, "ours": {"type": "composer", "url": "\(repository.origin)"}}}
        """.write(toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
        return ["FORGE_EGRESS_ALLOW": repository.origin]
    }

    @Test func anAppOfSymfonyIsInstalledAndAnswersOutOfTheContainerThatItCompilesAtItsStart() async throws {
        try await withForgeHome { home in
            let environment = try await Self.composer(home)
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "symfony-app")
            try await home.tell("app", "APP_SECRET=0123456789abcdef")
            let report = try await home.build(project.path, in: environment)
            #expect(report.json["preset"] == "symfony")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["resolve", "install"])
            try await home.deploy(project.path, to: "app", in: environment)
            #expect(try await gateway.fetch("app.localhost") == "200 hello\n")
            #expect(try await gateway.fetch("app.localhost", "/nowhere").hasPrefix("404 "))
        }
    }

    @Test func anAppOfLaravelIsInstalledAndAnswersWithASessionAndAViewThatItKeepsInItsFolderForThem() async throws {
        try await withForgeHome { home in
            let environment = try await Self.composer(home)
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "laravel-blade")
            try await home.tell("app", "APP_KEY=base64:\(Data("0123456789abcdef0123456789abcdef".utf8).base64EncodedString())")
            let report = try await home.build(project.path, in: environment)
            #expect(report.json["preset"] == "laravel")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["resolve", "install"])
            try await home.deploy(project.path, to: "app", in: environment)
            let jar = "\(home.folder)/output/cookies"
            for times in ["1 time", "2 times", "3 times"] {
                let answer = try await home.curl("-b", jar, "-c", jar, "http://app.localhost:\(gateway.port)/")
                #expect(answer == "200 <p>Asked \(times)</p>\n")
            }
        }
    }

    // MARK: Go

    @Test(.enabled(if: FileRegistry.hasMachineName, "this machine's name leads nowhere"))
    func anAppOfGinIsVendoredFromThisMachinesProxyLinkedAndAnswers() async throws {
        try await withForgeHome { home in
            // Go asks loopback addresses without its proxy, so the registry has the machine's name.
            let name = ProcessInfo.processInfo.hostName
            let registry = try await home.fileRegistry("catalogue/go", at: name)
            let environment = [
                "GOPROXY": registry.origin, "FORGE_EGRESS_ALLOW": registry.origin, "FORGE_TOOLCHAIN_SOURCES": "wheel", "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": BuildProducts.checkout + ".build/inputs/toolchains",
            ]
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "gin-app")
            try FileManager.default.copyItem(
                atPath: "\(BuildProducts.checkout).build/inputs/catalogue/go/go.sum", toPath: "\(project.path)/go.sum")
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            #expect(report.json["preset"] == "gin")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["install", "build"])
            #expect(!FileManager.default.fileExists(atPath: "\(home.folder)/out/vendor"), "modules are linked into the program")
            try await home.deploy(project.path, to: "app", in: environment)
            #expect(try await gateway.fetch("app.localhost") == "200 hello\n")
        }
    }

    // MARK: Zig

    @Test func aServerInZigIsBuiltByTheToolchainOfTheIndexAndAnswers() async throws {
        try await withForgeHome { home in
            let environment = try await PythonIndex.environment(for: home).merging(["FORGE_TOOLCHAIN_SOURCES": "wheel"]) { $1 }
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "zig-app")
            // It builds its own libraries first: minutes of a machine that does other things as well.
            try project.write(["crowdforge.toml": "[build]\ntimeout = 1200\n"])
            #expect(try await home.deploySlowly(project.path, in: environment) == "zig")
            #expect(try await gateway.fetch("app.localhost") == "200 hello\n")
        }
    }

    // MARK: Tools of npm's

    @Test(arguments: ["gulp", "grunt"]) func aSiteOfATaskRunnerIsInstalledBuiltAndServed(preset: String) async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry(pool: "\(BuildProducts.checkout).build/inputs/catalogue/npm")
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "\(preset)-app")
            let report = try await home.build(project.path, in: registry.environment)
            #expect(report.json["preset"] == .string(preset))
            #expect(report.json["kind"] == "static")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["resolve", "install", "build"])
            try await home.deploy(project.path, to: "site", in: registry.environment)
            #expect(try await gateway.fetch("site.localhost") == "200 <h1>Hello</h1>\n")
        }
    }

    // MARK: Python

    private struct Server: CustomTestStringConvertible {
        let fixture: String
        let preset: String
        var path = "/"
        let words: String
        var testDescription: String { fixture }
    }

    private static let servers = [
        Server(fixture: "dash-app", preset: "dash", words: "<div id=\"react-entry-point\">"),
        Server(fixture: "fastapi-with-docs", preset: "fastapi", words: "\"hello\""),
        Server(fixture: "fasthtml-app", preset: "fasthtml", words: "<p>hello</p>"),
        Server(fixture: "gradio-app", preset: "gradio", path: "/config", words: "\"6.31.0\""),
        Server(fixture: "python-pdm", preset: "python", words: "hello from httpx\n"),
        Server(fixture: "python-pipenv", preset: "python", words: "hello from requests\n"),
        Server(fixture: "functions-framework-python-app", preset: "functions-framework-python", path: "/", words: "hello\n"),
        Server(fixture: "streamlit-app", preset: "streamlit", path: "/_stcore/health", words: "ok"),
    ]

    @Test(arguments: servers) private func aServerInPythonIsInstalledFromTheIndexAndAnswers(server: Server) async throws {
        try await withForgeHome { home in
            let environment = try await PythonIndex.environment(for: home).merging(["FORGE_TOOLCHAIN_SOURCES": "python,host"]) { $1 }
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: server.fixture)
            #expect(try await home.deploySlowly(project.path, in: environment) == server.preset)
            let answer = try await gateway.fetch("app.localhost", server.path)
            #expect(answer.hasPrefix("200 ") && answer.contains(server.words), "\(answer.prefix(2000))")
        }
    }
}

extension ForgeHome {
    /// Brings online as `app` what may take its time to build; gives the preset.
    fileprivate func deploySlowly(_ source: String, in environment: [String: String]) async throws -> String {
        var preset = ""
        for command in [["build"], ["deploy", "--project", "app"]] {
            let run = try await run(command + [source, "--json", "--progress", "plain"], environment: environment, timeout: 1200)
            guard run.exitCode == 0 else {
                throw TestSupportError("`forge \(command[0])` of `\(source)` ended with \(run.exitCode):\n\(run.error)\(run.output)")
            }
            if command == ["build"] { preset = try run.json()["preset"]?.text ?? "" }
        }
        return preset
    }

    /// A variable of the project's production.
    fileprivate func tell(_ project: String, _ variable: String) async throws {
        let run = try await run("env", "set", variable, "--project", project, "--env", "production")
        #expect(run.exitCode == 0, "\(run.error)")
    }
}
