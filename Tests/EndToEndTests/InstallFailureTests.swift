import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Registries that fail and lockfiles that do not fit: a clear error, nothing left, and the next build works.
@Suite struct InstallFailureTests {
    @Test func aRegistryThatGoesDownInTheMiddleFailsTheBuildAndTheNextOneWorks() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry("down-after=20")
            let project = try home.project(locked: "express-app")
            try project.write([".npmrc": "fetch-retries=0\n"])
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.error["hint"]?.text?.contains(registry.origin) == true, "\(failure.error)")
            try await home.nothingIsLeft()
            try await registry.stop()
            let back = try await home.npmRegistry(port: registry.port)
            let report = try await home.build(project.path, in: back.environment)
            #expect(report.steps == [["id": "install", "outcome": "executed", "reason": "first build"]])
        }
    }

    @Test func aRegistryThatIsNotThereIsNamed() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            try project.write([".npmrc": "fetch-retries=0\n"])
            try await registry.stop()
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["hint"]?.text?.contains("`\(registry.origin)` could not be had") == true, "\(failure.error)")
            try await home.nothingIsLeft()
        }
    }

    @Test func aConnectionThatBreaksInsideATarballFailsTheBuild() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry("cut=express:1000")
            let project = try home.project(locked: "express-app")
            try project.write([".npmrc": "fetch-retries=0\n"])
            #expect(try await home.failedBuild(50, project.path, in: registry.environment).error["code"] == "step.failed")
            try await home.nothingIsLeft()
        }
    }

    @Test func aPackageTheRegistryDoesNotHaveIsNamed() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry("missing=ms")
            let failure = try await home.failedBuild(50, home.project(locked: "express-app").path, in: registry.environment)
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.said.contains("'ms@2.1.3' is not in this registry"))
        }
    }

    @Test func aTarballThatIsNotWhatTheLockfileSaysIsNotInstalled() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry("corrupt=express")
            let project = try home.project(locked: "express-app")
            // Else npm waits for a minute before it asks a third time.
            try project.write([".npmrc": "fetch-retries=0\n"])
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["code"] == "registry.integrity")
            #expect(failure.error["message"]?.text?.contains("other bytes for `express ") == true, "\(failure.error)")
            try await home.nothingIsLeft()
        }
    }

    @Test func aPythonFileThatIsNotWhatTheListSaysIsNotInstalled() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "flask-hashed")
            let list = try String(contentsOfFile: "\(project.path)/requirements.txt", encoding: .utf8)
            let wrong = list.replacing(/--hash=sha256:[0-9a-f]{64}/) { _ in "--hash=sha256:" + String(repeating: "0", count: 64) }
            try project.write(["requirements.txt": wrong])
            let failure = try await home.failedBuild(50, project.path, in: try await PythonIndex.environment(for: home))
            #expect(failure.error["code"] == "registry.integrity")
            let zeros = String(repeating: "0", count: 64)
            #expect(
                failure.error["message"]?.text?.contains("`requirements.txt` says: expected sha256:\(zeros) or ") == true,
                "\(failure.error)")
        }
    }

    @Test func aLockfileOutOfDateWithItsManifestIsAFailureThatSaysSo() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "moon-phase", from: registry, version: "1.0.0")
            let manifest = try String(contentsOfFile: "\(project.path)/package.json", encoding: .utf8)
            try project.write(["package.json": manifest.replacing("\"1.0.0\" }", with: "\"1.1.0\" }")])
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.said.contains("can only install packages when your package.json and package-lock.json"))
        }
    }

    @Test func twoLockfilesAreRefusedByName() async throws {
        try await withForgeHome { home in
            let project = try home.project(locked: "express-app")
            try project.write(["yarn.lock": "# yarn lockfile v1\n"])
            let error = try await home.failure(20, "build", project.path)
            #expect(error["code"] == "detect.several-lockfiles")
            #expect(error["message"]?.text?.contains("`package-lock.json`") == true)
        }
    }

    @Test func aRegistryThatTheOperatorDoesNotListIsNotReached() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            let failure = try await home.failedBuild(50, project.path, in: ["npm_config_registry": registry.url])
            #expect(failure.error["code"] == "network.not-allowed")
            #expect(failure.error["hint"]?.text?.contains("FORGE_EGRESS_ALLOW=\(registry.origin)") == true)
            #expect(registry.requests() == [])
        }
    }

    @Test func aProjectsOwnRegistryTakesThePlaceOfTheMachines() async throws {
        try await withForgeHome { home in
            let (machines, own) = (try await home.npmRegistry(), try await home.npmRegistry())
            let project = try home.project(locked: "express-app")
            try project.write([".npmrc": "registry=\(own.url)\n"])
            var environment = machines.environment
            environment["FORGE_EGRESS_ALLOW"] = "\(machines.origin) \(own.origin)"
            _ = try await home.build(project.path, in: environment)
            #expect(own.tarballs().contains { $0.hasPrefix("express-") })
            #expect(machines.requests() == [])
        }
    }

    @Test func aProjectCannotOpenTheWayToThisMachineByItself() async throws {
        try await withForgeHome { home in
            let (listed, own) = (try await home.npmRegistry(), try await home.npmRegistry())
            let project = try await home.project(needing: "@fixtures/tools", from: listed)
            try project.write([".npmrc": "@fixtures:registry=\(own.url)\nfetch-retries=0\n"])
            let failure = try await home.failedBuild(50, project.path, in: listed.environment)
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.error["hint"]?.text?.contains("FORGE_EGRESS_ALLOW=\(own.origin)") == true, "\(failure.error)")
            #expect(own.requests() == [])
        }
    }

    @Test func aRegistryThatDoesNotSpeakTLSFailsTheBuild() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            try project.write([".npmrc": "fetch-retries=0\n"])
            let origin = "https://localhost:\(registry.port)"
            let failure = try await home.failedBuild(
                50, project.path, in: ["npm_config_registry": "\(origin)/", "FORGE_EGRESS_ALLOW": origin])
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.error["hint"]?.text?.contains("`\(origin)` could not be had") == true, "\(failure.error)")
        }
    }

    @Test func anEncryptedRegistryThatIsNotThereEndsTheStepBeforeItsTime() async throws {
        try await withForgeHome { home in
            let project = try home.project(locked: "express-app")
            try project.write([".npmrc": "fetch-retries=0\n", "crowdforge.toml": "[build]\ntimeout = \"30s\"\n"])
            let origin = "https://localhost:\(try FreePort.find())"
            let failure = try await home.failedBuild(
                50, project.path, in: ["npm_config_registry": "\(origin)/", "FORGE_EGRESS_ALLOW": origin])
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.error["hint"]?.text?.contains("`\(origin)` could not be had") == true)
            try await home.nothingIsLeft()
        }
    }

    @Test func killedInTheMiddleOfAnInstallNothingStaysAndTheNextBuildWorks() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry("hang-after=30")
            let project = try home.project(locked: "express-app")
            let build = try home.start("build", project.path, "--progress", "plain", environment: registry.environment)
            try await eventually("the install to hang", within: 60, else: { build.error }) {
                registry.requests().contains { $0.hasSuffix(" hang") } ? () : nil
            }
            let step = try await home.runningStep()
            build.signal(SIGKILL)
            #expect(try await build.finish().exitCode == 137)
            try await registry.stop()
            let back = try await home.npmRegistry(port: registry.port)
            let report = try await home.build(project.path, in: back.environment)
            #expect(report.steps == [["id": "install", "outcome": "executed", "reason": "first build"]])
            try await home.nothingIsLeft(of: [step])
        }
    }
}
