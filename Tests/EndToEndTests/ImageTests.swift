import ForgeTestSupport
import Foundation
import Testing

/// `[build] image`: steps that run in an image of a registry, with the real binary and a real registry.
@Suite struct ImageTests {
    private static let layers = [
        ImageRegistry.busybox.merging(["etc/old": "gone", "opt/kept/a": "a", "opt/emptied/b": "b", "opt/own/tool": "own"]) { $1 },
        ["etc/.wh.old": "", "opt/emptied/.wh..wh..opq": "", "opt/emptied/c": "c", "etc/motd": "hello\n"],
    ]

    private func project(
        _ home: ForgeHome, _ image: String, command: String = "mkdir out; cat /etc/os-release /etc/motd > out/index.html"
    ) throws -> TemporaryProject {
        try home.project(custom: command, output: "out", more: "image = \"\(image)\"\n")
    }

    private func reference(_ registry: ImageRegistry, _ pushed: ImageRegistry.Pushed) -> String {
        "\(registry.authority)/team/tiny:1@\(pushed.digest)"
    }

    @Test func aStepSeesTheImagesFilesWhiteoutsAppliedAndNothingOfTheMachine() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers, path: "/opt/own:/bin", options: ["--other-platform"])
            let command = "mkdir out; find /etc /opt /usr /lib /root 2>/dev/null | sort > out/index.html; echo $PATH >> out/index.html"
            let built = try await home.build(
                try project(home, reference(registry, pushed), command: command).path, "--out", "\(home.folder)/files")
            #expect(
                try Folder.texts("\(home.folder)/files") == [
                    "index.html": """
                    /etc
                    /etc/group
                    /etc/hosts
                    /etc/motd
                    /etc/nsswitch.conf
                    /etc/os-release
                    /etc/passwd
                    /opt
                    /opt/emptied
                    /opt/emptied/c
                    /opt/kept
                    /opt/kept/a
                    /opt/own
                    /opt/own/tool
                    /opt/own:/bin:/usr/local/bin:/usr/bin

                    """
                ])
            #expect(built.json["steps"]?.elements.count == 1)
        }
    }

    @Test func theSameSourceHasTheSameKeysOnTwoMachinesWithDifferentSystems() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            let project = try project(home, reference(registry, pushed))
            let laptop = try await home.keys(on: "laptop", "ID=arch\n", of: project.path)
            #expect(laptop.count == 1)
            #expect(try await home.keys(on: "server", "ID=debian\nVERSION_ID=12\n", of: project.path) == laptop)
        }
    }

    @Test func withoutAnImageTheKeyHoldsTheMachinesReleaseAndTheRecordItsPackages() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "mkdir out; echo hi > out/index.html", output: "out")
            let run = try await home.run("build", project.path, "--json", "--explain")
            let system = try run.json()["steps"]?.elements.first?["explanation"]?["platform"]?["system"]?.text
            let release = try await home.tool("/bin/sh", "-c", ". /etc/os-release; echo $ID $VERSION_ID").output
            #expect(system.map { $0 + "\n" } == release)
        }
    }

    @Test func aTagWithoutDigestIsRefusedWithTheLineToWriteAndMovingItChangesNothing() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            let loose = try project(home, "\(registry.authority)/team/tiny:1")
            for command in ["build", "plan", "lock"] {
                let refused = try await home.failure(10, command, loose.path)
                #expect(refused["code"] == "config.image-not-pinned")
                #expect(
                    refused["message"]
                        == .string("`image = \"\(registry.authority)/team/tiny:1\"` may be another image tomorrow: it has no digest"))
                #expect(refused["file"] == "crowdforge.toml")
                #expect(refused["line"] == 4)
                #expect(refused["hint"] == .string("write `image = \"\(reference(registry, pushed))\"`"))
            }
            #expect(Folder.names(loose.path) == ["crowdforge.toml"])
            let pinned = try project(home, reference(registry, pushed))
            let first = try await home.build(pinned.path)
            let moved = try await registry.push("team/tiny", layers: [ImageRegistry.busybox, ["etc/motd": "another\n"]])
            #expect(moved.digest != pushed.digest)
            let again = try await home.build(pinned.path, "--no-cache")
            #expect(again.json["artifact"] == first.json["artifact"])
        }
    }

    @Test func whatWasPulledOnceNeedsNoRegistryAndStaysWhenTheStoreIsTidiedUp() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            try await home.build(project(home, reference(registry, pushed)).path)
            try await registry.stop()
            #expect(try await home.run("cache", "gc").exitCode == 0)
            let other = try project(home, reference(registry, pushed), command: "mkdir out; cp /etc/motd out/index.html")
            try await home.build(other.path, "--out", "\(home.folder)/files")
            #expect(try Folder.texts("\(home.folder)/files") == ["index.html": "hello\n"])
            let never = String(repeating: "0", count: 64)
            let unknown = try project(home, "\(registry.authority)/team/tiny@sha256:\(never)")
            #expect(try await home.failureCode(50, "build", unknown.path, "--offline") == "image.offline")
            #expect(try await home.run("cache", "verify").exitCode == 0)
        }
    }

    @Test func aBlobThatIsNotWhatItsDigestSaysIsRefusedAndNothingIsKept() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            let manifest = try JSONDecoder().decode(JSON.self, from: Data(contentsOf: URL(filePath: registry.blob(pushed.digest))))
            let layer = try #require(manifest["layers"]?.elements.last?["digest"]?.text)
            var bytes = try Data(contentsOf: URL(filePath: registry.blob(layer)))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: registry.blob(layer)))
            let path = try project(home, reference(registry, pushed)).path
            let error = try await home.failure(50, "build", path)
            #expect(error["code"] == "image.digest")
            #expect(error["message"]?.text?.contains(layer) == true)
            #expect(Folder.names("\(home.path)/images").filter { $0.hasPrefix("pull") } == [])
            try registry.repair(layer, from: pushed)
            try await home.build(path)
        }
    }

    @Test func aTransferThatBreaksOffGoesOnWhereItStoppedAndOneThatNeverEndsIsAnError() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let noise = (0..<60000).map { "\($0 &* 2_654_435_761 % 1_000_003)" }.joined(separator: "\n")
            let pushed = try await registry.push(
                "team/tiny", layers: [ImageRegistry.busybox.merging(["opt/noise": noise, "etc/motd": "m"]) { $1 }])
            let line = try CuttingProxy(to: registry.port, after: 400_000)
            let path = try project(home, "127.0.0.1:\(line.port)/team/tiny@\(pushed.digest)").path
            let build = try home.start("build", path, "--json", "--progress", "plain")
            _ = try await eventually("the line to break", else: { build.error }) { line.passedBytes >= 400_000 ? true : nil }
            line.lift()
            #expect(try await build.finish().exitCode == 0)
            #expect(registry.requests().contains { $0.contains("206") })
            let dead = try CuttingProxy(to: registry.port, after: 100_000)
            let other = try await registry.push(
                "team/tiny", layers: [ImageRegistry.busybox.merging(["opt/noise": noise, "etc/motd": "x"]) { $1 }])
            let error = try await home.failure(50, "build", project(home, "127.0.0.1:\(dead.port)/team/tiny@\(other.digest)").path)
            #expect(error["code"] == "image.unreachable")
        }
    }

    @Test func aServerRunsInTheImageItWasBuiltInAlsoAfterARollback() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let gateway = try await home.startGateway()
            func server(_ motd: String) async throws -> TemporaryProject {
                let pushed = try await registry.push("team/tiny", layers: [ImageRegistry.busybox, ["etc/motd": motd]])
                return try home.project([
                    "index.html": "as it was",
                    "crowdforge.toml": """
                    [build]
                    image = "\(registry.authority)/team/tiny@\(pushed.digest)"
                    start = "mkdir -p /tmp/site; cat /etc/motd /etc/os-release > /tmp/site/index.html; exec httpd -f -p $PORT -h /tmp/site"
                    [deploy]
                    health = "tcp"
                    """,
                ])
            }
            try await home.deploy(server("first\n").path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 first\nID=tiny\nVERSION_ID=1\n")
            try await home.deploy(server("second\n").path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 second\nID=tiny\nVERSION_ID=1\n")
            try await registry.stop()
            #expect(try await home.run("cache", "gc", "--limit", "1KB").exitCode == 0)
            try await home.rollback("told")
            #expect(try await gateway.fetch("told.localhost") == "200 first\nID=tiny\nVERSION_ID=1\n")
        }
    }
}

extension ImageRegistry {
    /// Puts the right bytes back.
    fileprivate func repair(_ digest: String, from pushed: Pushed) throws {
        let good = "\(pushed.layout)/blobs/sha256/\(digest.dropFirst("sha256:".count))"
        try Data(contentsOf: URL(filePath: good)).write(to: URL(filePath: blob(digest)))
    }
}
