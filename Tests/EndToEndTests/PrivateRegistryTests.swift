import ForgeTestSupport
import Foundation
import Testing

/// Registries that want to know who asks: Forge's proxy tells them, and no step ever learns what.
@Suite struct PrivateRegistryTests {
    private static let token = "canary-token-5b1f0c"

    /// A project whose package prints and keeps every variable, and looks through all files it can read.
    private func nosyProject(_ home: ForgeHome) async throws -> (TemporaryProject, NPMRegistry) {
        let open = try await home.npmRegistry()
        return (try await home.project(needing: "prints-environment", from: open), open)
    }

    /// Nothing that a build leaves holds the secret: artifact, store, records, logs, state, or what it printed.
    private func expectSecret(_ secret: String, isNowhereIn home: ForgeHome, besides files: [String] = [], _ run: ForgeRun) async throws {
        #expect(!run.error.contains(secret) && !run.output.contains(secret))
        let found = try await home.files(in: home.path, holding: secret, Data(secret.utf8).base64EncodedString())
        #expect(found.filter { !files.contains($0) } == [])
    }

    @Test(arguments: ["operator's file", "npmrc token", "npmrc password", "variable"])
    func npmInstallsFromARegistryThatWantsACredentialItsScriptsNeverSee(place: String) async throws {
        try await withForgeHome { home in
            let authority = try await TestAuthority.make(in: home)
            let isBasic = place == "npmrc password"
            let header = isBasic ? "Basic \(Data("ada:\(Self.token)".utf8).base64EncodedString())" : "Bearer \(Self.token)"
            let registry = try await PrivateRegistry.start(.npm, in: home, authority: authority, authorization: header)
            let (project, _) = try await nosyProject(home)
            var environment = registry.environment
            switch place {
            case "operator's file":
                try home.secretFile("registry.token", Self.token)
                try home.configure(
                    "[[network.credential]]\norigin = \"\(registry.origin)\"\ntoken_file = \"\(home.folder)/person/registry.token\"\n")
            case "npmrc token": try home.secretFile(".npmrc", "//127.0.0.1:\(registry.port)/:_authToken=${CANARY}\n")
            case "npmrc password":
                let password = Data(Self.token.utf8).base64EncodedString()
                try home.secretFile(
                    ".npmrc", "//127.0.0.1:\(registry.port)/:username=ada\n//127.0.0.1:\(registry.port)/:_password=\(password)\n")
            default: environment["npm_config_//127.0.0.1:\(registry.port)/:_authToken"] = Self.token
            }
            environment["CANARY"] = Self.token
            let run = try await home.run(["build", project.path, "--json", "--progress", "plain"], environment: environment)
            #expect(run.exitCode == 0, "\(run.error)\(run.output)")
            #expect(run.error.contains("environment: CI=true"))
            #expect(registry.requests().contains { $0.hasSuffix("prints-environment-1.0.0.tgz 200") })
            try await expectSecret(Self.token, isNowhereIn: home, run)
        }
    }

    @Test func withoutTheCredentialTheRegistrysNoIsPassedOn() async throws {
        try await withForgeHome { home in
            let authority = try await TestAuthority.make(in: home)
            let registry = try await PrivateRegistry.start(.npm, in: home, authority: authority, authorization: "Bearer \(Self.token)")
            let (project, _) = try await nosyProject(home)
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.said.contains("401"))
        }
    }

    /// What one credential was given, another is not.
    @Test func whatWasFetchedWithACredentialIsNotGivenWithoutIt() async throws {
        try await withForgeHome { home in
            let authority = try await TestAuthority.make(in: home)
            let registry = try await PrivateRegistry.start(.npm, in: home, authority: authority, authorization: "Bearer \(Self.token)")
            let (project, _) = try await nosyProject(home)
            let variable = "npm_config_//127.0.0.1:\(registry.port)/:_authToken"
            _ = try await home.build(project.path, in: registry.environment.merging([variable: Self.token]) { $1 })
            let offline = try await home.run(
                ["build", project.path, "--json", "--no-cache", "--offline"], environment: registry.environment)
            #expect(try offline.json()["error"]?["code"] == "registry.offline")
            _ = try await home.build(
                project.path, "--no-cache", "--offline", in: registry.environment.merging([variable: Self.token]) { $1 })
        }
    }

    @Test func aStrangersBuildIsServedWithoutCredentialsUnlessTheOperatorSaysSo() async throws {
        try await withForgeHome { home in
            let authority = try await TestAuthority.make(in: home)
            let registry = try await PrivateRegistry.start(.npm, in: home, authority: authority, authorization: "Bearer \(Self.token)")
            let (project, _) = try await nosyProject(home)
            try home.secretFile("registry.token", Self.token)
            let section =
                "[[network.credential]]\norigin = \"\(registry.origin)\"\ntoken_file = \"\(home.folder)/person/registry.token\"\n"
            try home.configure(section)
            let arguments = ["build", project.path, "--json", "--progress", "plain", "--untrusted"]
            let variable = ["npm_config_//127.0.0.1:\(registry.port)/:_authToken": Self.token]
            let refused = try await home.run(arguments, environment: registry.environment.merging(variable) { $1 })
            #expect(refused.exitCode == 50)
            #expect(registry.requests().allSatisfy { $0.hasSuffix(" 401") })
            try home.configure(section + "strangers = true\n")
            #expect(try await home.run(arguments, environment: registry.environment).exitCode == 0)
        }
    }

    @Test(arguments: ["open", "url", "netrc"])
    func pipInstallsFromAnIndexBehindTLSAndRebuildsOffline(place: String) async throws {
        try await withForgeHome { home in
            let authority = try await TestAuthority.make(in: home)
            let header = "Basic \(Data("ada:\(Self.token)".utf8).base64EncodedString())"
            let index = try await PrivateRegistry.start(
                .pypi, in: home, authority: authority, authorization: place == "open" ? nil : header)
            let project = try await home.pythonProject()
            var environment = index.environment
            if place == "url" { environment["PIP_INDEX_URL"] = "https://ada:\(Self.token)@127.0.0.1:\(index.port)/simple" }
            if place == "netrc" { try home.secretFile(".netrc", "machine 127.0.0.1 login ada password \(Self.token)\n") }
            let run = try await home.run(["build", project.path, "--json", "--progress", "plain"], environment: environment)
            #expect(run.exitCode == 0, "\(run.error)\(run.output)")
            let first = BuiltReport(json: try run.json())
            let packages = try home.packages(first, step: "install")
            #expect(packages.map { $0["name"] } == ["moon-phase", "tide-tables"])
            #expect(packages.map { $0["isVerified"] } == [true, true])
            try await expectSecret(Self.token, isNowhereIn: home, run)
            try await index.stop()
            let second = try await home.build(project.path, "--no-cache", "--offline", in: environment)
            #expect(second.artifact == first.artifact)
            #expect(try home.packages(second, step: "install").map { $0["from"] } == ["store", "store"])
        }
    }

    @Test func aWheelOtherThanTheListSaysIsNamed() async throws {
        try await withForgeHome { home in
            let authority = try await TestAuthority.make(in: home)
            let index = try await PrivateRegistry.start(
                .pypi, in: home, authority: authority, more: ["--corrupt", "moon_phase-2.1-py3-none-any.whl"])
            let project = try await home.pythonProject()
            let failure = try await home.failedBuild(50, project.path, in: index.environment)
            #expect(failure.error["code"] == "registry.integrity")
            let list = try String(contentsOfFile: "\(project.path)/requirements.txt", encoding: .utf8)
            let expected = try #require(list.firstMatch(of: /moon-phase==2.1 --hash=(\S+)/)).1
            let message = failure.error["message"]?.text ?? ""
            #expect(
                message.contains(
                    "was given other bytes for `moon-phase 2.1` than `requirements.txt` says: expected \(expected), found sha256:"),
                "\(message)")
        }
    }

    @Test func uvResolvesInstallsAndRebuildsOffline() async throws {
        try await withForgeHome { home in
            let authority = try await TestAuthority.make(in: home)
            let index = try await PrivateRegistry.start(.pypi, in: home, authority: authority)
            let project = try home.project([
                "main.py": "import tide_tables\n",
                "pyproject.toml": """
                [project]
                name = "harbour"
                version = "1.0"
                requires-python = ">=3.11"
                dependencies = ["tide-tables==1.0"]

                [tool.uv]
                package = false

                """,
            ])
            let first = try await home.build(project.path, in: index.environment)
            #expect(first.steps.map { $0["id"] } == ["resolve", "install"])
            #expect(try home.packages(first, step: "install").map { $0["name"] } == ["moon-phase", "tide-tables"])
            try await index.stop()
            let second = try await home.build(project.path, "--no-cache", "--offline", in: index.environment)
            #expect(second.artifact == first.artifact)
        }
    }

    @Test func aCredentialFileThatOthersMayReadIsRefused() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "moon-phase", from: registry)
            try home.secretFile("registry.token", Self.token, mode: 0o644)
            try home.configure(
                "[[network.credential]]\norigin = \"\(registry.origin)\"\ntoken_file = \"\(home.folder)/person/registry.token\"\n")
            let failure = try await home.failedBuild(10, project.path, in: registry.environment)
            #expect(failure.error["code"] == "config.credential-file")
            #expect(failure.error["hint"] == .string("run `chmod 600 \(home.folder)/person/registry.token`"))
        }
    }

    @Test func aCredentialWithoutASecretIsShownWithItsPlace() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "hi"])
            try home.configure("[[network.credential]]\norigin = \"https://npm.example\"\nuser = \"ada\"\n")
            let run = try await home.run("build", project.path, "--json", "--progress", "quiet")
            #expect(run.exitCode == 10)
            let error = try #require(try run.json()["error"])
            #expect(error["message"] == "a credential is a `token_file`, or a `user` and a `password_file`")
            #expect(error["line"] == 1)
        }
    }
}

extension ForgeHome {
    fileprivate func secretFile(_ name: String, _ text: String, mode: Int = 0o600) throws {
        let path = "\(folder)/person/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// Needs what `fixtures/registries/pypi` has, with its hashes.
    fileprivate func pythonProject() async throws -> TemporaryProject {
        let hashes = try await tool("/usr/bin/python3", "\(BuildProducts.checkout)fixtures/registries/pypi/index.py", "--hashes")
        guard hashes.exitCode == 0 else { throw TestSupportError(hashes.error) }
        return try project(["main.py": "import tide_tables\nprint(tide_tables.NAME)\n", "requirements.txt": hashes.output])
    }
}
