import ForgeTestSupport
import Foundation
import Testing

/// Languages by Debian's own tools, with packages from a registry on loopback: each project is installed, built, brought online and asked.
@Suite struct LanguageTests {
    private struct App: CustomTestStringConvertible {
        let fixture: String
        let preset: String
        let steps: [String]
        var testDescription: String { fixture }
    }

    // MARK: Ruby

    /// This machine's Bundler has gems from a mirror, whatever a project names.
    private static func gems(_ home: ForgeHome) async throws -> (registry: FileRegistry, environment: [String: String]) {
        let registry = try await home.fileRegistry("gems")
        return (registry, ["BUNDLE_MIRROR__ALL": registry.origin, "FORGE_EGRESS_ALLOW": registry.origin])
    }

    private static let rubyServers = [
        App(fixture: "ruby-app", preset: "ruby", steps: ["resolve", "install"]),
        App(fixture: "rack-app", preset: "rack", steps: ["resolve", "install"]),
        App(fixture: "sinatra-app", preset: "sinatra", steps: ["resolve", "install"]),
    ]

    @Test(arguments: rubyServers) private func aServerInRubyIsInstalledByBundlerAndAnswers(app: App) async throws {
        try await withForgeHome { home in
            let (_, environment) = try await Self.gems(home)
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: app.fixture)
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            #expect(report.json["preset"] == .string(app.preset))
            #expect(report.steps.compactMap { $0["id"]?.text } == app.steps)
            // The archives that gems came in are no part of what runs.
            #expect(try Folder.texts("\(home.folder)/out").keys.filter { $0.hasSuffix(".gem") } == [])
            let deployed = try await home.deploy(project.path, to: "server", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(try await gateway.fetch("server.localhost") == "200 hello\n")
        }
    }

    @Test func aSiteOfJekyllIsInstalledFromItsLockfileAndServed() async throws {
        try await withForgeHome { home in
            let (registry, environment) = try await Self.gems(home)
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "jekyll-app")
            let locked = try await home.tool("/usr/bin/env", "bundle", "lock", cwd: project.path, environment: environment)
            #expect(locked.exitCode == 0, "\(locked.error)")
            let report = try await home.build(project.path, in: environment)
            #expect(report.json["preset"] == "jekyll")
            #expect(report.json["kind"] == "static")
            #expect(report.json["warnings"]?.elements == [])
            #expect(report.steps.compactMap { $0["id"]?.text } == ["install", "build"])
            let asked = registry.requests().count
            let deployed = try await home.deploy(project.path, to: "site", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(registry.requests().count == asked, "what is installed is not fetched again")
            #expect(try await gateway.fetch("site.localhost") == "200 <h1 id=\"hello\">Hello</h1>\n")
        }
    }

    @Test func aGemfileThatAsksForOtherThanItsLockfileIsNotInstalled() async throws {
        try await withForgeHome { home in
            let (_, environment) = try await Self.gems(home)
            let project = try home.project(copiedFrom: "rack-app")
            let locked = try await home.tool("/usr/bin/env", "bundle", "lock", cwd: project.path, environment: environment)
            #expect(locked.exitCode == 0, "\(locked.error)")
            try project.write(["Gemfile": "source \"https://gems.example.org\"\ngem \"rack\"\ngem \"puma\"\ngem \"tilt\"\n"])
            let (error, said) = try await home.failedBuild(50, project.path, in: environment)
            #expect(error["code"] == "step.failed")
            #expect(said.contains("You have added to the Gemfile:\n[install] * tilt"), "\(said)")
        }
    }

    // MARK: Java

    /// This machine's Maven has everything from a mirror, as the settings of its person say.
    private static func mirror(_ home: ForgeHome, _ origin: String) throws -> [String: String] {
        let folder = "\(home.folder)/person/.m2"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try """
        <settings>
          <servers><server><id>ours</id><password>hunter2</password></server></servers>
          <mirrors>
            <mirror><id>ours</id><mirrorOf>*</mirrorOf><url>\(origin)</url></mirror>
          </mirrors>
        </settings>
        """.write(toFile: "\(folder)/settings.xml", atomically: true, encoding: .utf8)
        return ["FORGE_EGRESS_ALLOW": origin]
    }

    @Test func aServerInJavaIsInstalledByMavenBuiltWithoutANetworkAndAnswers() async throws {
        try await withForgeHome { home in
            let repository = try await home.fileRegistry("maven")
            let environment = try Self.mirror(home, repository.origin)
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "maven-app")
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            #expect(report.json["preset"] == "maven")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["install", "build"])
            // What the build was made with is no part of what runs.
            #expect(try Folder.texts("\(home.folder)/out").keys.filter { $0.hasSuffix(".jar") } == ["target/hello-1.0.jar"])
            let asked = repository.requests().count
            let deployed = try await home.deploy(project.path, to: "server", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(repository.requests().count == asked, "what is installed is not fetched again")
            #expect(try await gateway.fetch("server.localhost") == "200 hello\n")
        }
    }

    @Test func aRepositoryOfMavenThatDoesNotAnswerStopsTheInstall() async throws {
        try await withForgeHome { home in
            let environment = try Self.mirror(home, "http://127.0.0.1:\(try Loopback.freePort())")
            let project = try home.project(copiedFrom: "maven-app")
            let (error, said) = try await home.failedBuild(50, project.path, in: environment)
            #expect(error["message"]?.text?.hasPrefix("step `install` exited with code 1") == true, "\(error)")
            #expect(said.contains("Could not transfer artifact") && !said.contains("hunter2"), "\(said)")
        }
    }

    @Test func aServerInClojureIsInstalledByLeiningenBuiltWithoutANetworkAndAnswers() async throws {
        try await withForgeHome { home in
            let repository = try await home.fileRegistry("maven")
            let environment = ["FORGE_EGRESS_ALLOW": repository.origin]
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "leiningen-app")
            let manifest = try String(contentsOfFile: "\(project.path)/project.clj", encoding: .utf8)
            // Leiningen wants to be told twice that a repository without TLS is meant.
            try project.write([
                "project.clj": """
                (require 'cemerick.pomegranate.aether)
                (cemerick.pomegranate.aether/register-wagon-factory! "http" #(org.apache.maven.wagon.providers.http.HttpWagon.))
                \(manifest.replacing(":main", with: ":mirrors {#\".+\" {:name \"ours\" :url \"\(repository.origin)\"}}\n  :main"))
                """
            ])
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            #expect(report.json["preset"] == "leiningen")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["install", "build"])
            #expect(
                try Folder.texts("\(home.folder)/out").keys.filter { $0.hasSuffix(".jar") }.sorted()
                    == ["target/hello-1.0-standalone.jar", "target/hello-1.0.jar"])
            let deployed = try await home.deploy(project.path, to: "server", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(try await gateway.fetch("server.localhost") == "200 hello\n")
        }
    }

    // MARK: PHP

    @Test func aServerInPHPIsLockedAndInstalledByComposerFromThisMachinesRepositoryAndAnswers() async throws {
        try await withForgeHome { home in
            let repository = try await home.fileRegistry("composer")
            let folder = "\(home.folder)/person/.config/composer"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try """
            {"config": {"secure-http": false},
             "repositories": {"packagist": false, "ours": {"type": "composer", "url": "\(repository.origin)"}}}
            """.write(toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
            let environment = ["FORGE_EGRESS_ALLOW": repository.origin]
            let gateway = try await home.startGateway()
            let project = try home.project(copiedFrom: "php-composer")
            let report = try await home.build(project.path, in: environment)
            #expect(report.json["preset"] == "php")
            #expect(report.steps.compactMap { $0["id"]?.text } == ["resolve", "install"])
            #expect(
                repository.requests() == [
                    "GET /packages.json 200", "GET /tides-moon-2.1.0.tar.gz 200", "GET /tides-tables-1.2.0.tar.gz 200",
                ])
            let deployed = try await home.deploy(project.path, to: "pages", in: environment)
            #expect(deployed["artifact"]?.text == report.artifact)
            #expect(try await gateway.fetch("pages.localhost") == "200 high water at full moon\n")
        }
    }

    @Test func aStepIsToldWhereAPersonsRepositoriesAreAndNoneOfTheirPasswords() async throws {
        try await withForgeHome { home in
            let folder = "\(home.folder)/person/.config/composer"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try """
            {"config": {"github-oauth": {"example.org": "hidden1"}}, "repositories": {
              "packagist": false,
              "ours": {"type": "composer", "url": "https://me:hidden2@one.example.org", "options": {"http": {"header": ["Authorization: hidden3"]}}},
              "theirs": {"type": "composer", "url": "https://me:hidden4@two.example.org/path", "only": ["a/*"]}}}
            """.write(toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
            let project = try home.project(copiedFrom: "php-composer")
            try project.write([
                "crowdforge.toml":
                    "[build]\ninstall = \"mkdir vendor; touch vendor/autoload.php; printenv COMPOSER_GLOBAL > vendor/told\"\n"
            ])
            _ = try await home.build(project.path, "--out", "\(home.folder)/out")
            #expect(
                try Folder.texts("\(home.folder)/out")["vendor/told"]
                    == #"{"repositories":{"packagist":false,"ours":{"type":"composer","url":"https://one.example.org"},"#
                    + #""theirs":{"type":"composer","url":"https://two.example.org/path","only":["a/*"]}}}"# + "\n")
        }
    }
}
