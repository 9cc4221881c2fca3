@testable import ForgeEngine
import ForgeModel
import Testing

@Suite struct LockedPackagesTests {
    struct Lockfile: Sendable, CustomTestStringConvertible {
        let name: String
        let old: String
        let new: String
        let changes: [String]
        var testDescription: String { name }
    }

    @Test(arguments: [
        Lockfile(
            name: "package-lock.json",
            old: """
                {"lockfileVersion": 3, "packages": {"": {"dependencies": {"express": "^4"}},
                 "node_modules/accepts": {"version": "1.3.7"}, "node_modules/express": {"version": "4.18.2"},
                 "node_modules/express/node_modules/@scope/ms": {"version": "2.0.0"}}}
                """,
            new: """
                {"lockfileVersion": 3, "packages": {"": {"dependencies": {"express": "^4"}},
                 "node_modules/accepts": {"version": "1.3.8"}, "node_modules/express": {"version": "4.19.0"},
                 "node_modules/qs": {"version": "6.11.0"}}}
                """,
            changes: ["express 4.18.2 → 4.19.0", "@scope/ms 2.0.0 is gone", "accepts 1.3.7 → 1.3.8", "qs 6.11.0 is new"]),
        Lockfile(
            name: "npm-shrinkwrap.json", old: #"{"dependencies": {"a": {"version": "1.0.0"}}}"#,
            new: #"{"dependencies": {"a": {"version": "1.0.1"}}}"#, changes: ["a 1.0.0 → 1.0.1"]),
        Lockfile(
            name: "yarn.lock",
            old:
                "# yarn lockfile v1\n\n\"@babel/core@^7.0.0\", \"@babel/core@^7.1.0\":\n  version \"7.1.0\"\n\nms@2.0.0:\n  version \"2.0.0\"\n",
            new:
                "__metadata:\n  version: 6\n\n\"@babel/core@npm:^7.0.0\":\n  version: 7.2.0\n  resolution: x\n\n\"ms@npm:2.0.0\":\n  version: 2.0.0\n",
            changes: ["@babel/core 7.1.0 → 7.2.0"]),
        Lockfile(
            name: "pnpm-lock.yaml",
            old:
                "lockfileVersion: '9.0'\n\npackages:\n\n  '@types/node@20.1.0':\n    resolution: {}\n  ms@2.0.0:\n    resolution: {}\n\nsnapshots:\n  ms@9.9.9:\n",
            new:
                "lockfileVersion: '6.0'\n\npackages:\n\n  /@types/node@20.2.0(peer@1.0.0):\n    resolution: {}\n  /ms@2.0.0:\n    resolution: {}\n",
            changes: ["@types/node 20.1.0 → 20.2.0"]),
        Lockfile(
            name: "uv.lock", old: "[[package]]\nname = \"flask\"\nversion = \"3.0.0\"\n",
            new: "[[package]]\nname = \"flask\"\nversion = \"3.1.0\"\n", changes: ["flask 3.0.0 → 3.1.0"]),
        Lockfile(
            name: "requirements.txt", old: "Flask[async]==3.0.0 \\\n    --hash=sha256:aa\n# click==1\n",
            new: "flask==3.0.1; python_version > \"3\"\n", changes: ["flask 3.0.0 → 3.0.1"]),
        Lockfile(
            name: "go.sum", old: "example.org/m v1.0.0 h1:x=\nexample.org/m v1.0.0/go.mod h1:y=\n",
            new: "example.org/m v1.1.0 h1:x=\n", changes: ["example.org/m v1.0.0 → v1.1.0"]),
        Lockfile(
            name: "composer.lock", old: #"{"packages": [{"name": "a/b", "version": "v1"}], "packages-dev": []}"#,
            new: #"{"packages": [{"name": "a/b", "version": "v2"}]}"#, changes: ["a/b v1 → v2"]),
    ])
    func theChangedPackagesAreNamedTheProjectsOwnFirst(lockfile: Lockfile) throws {
        let old = try #require(LockedPackages(lockfile.name, Array(lockfile.old.utf8)))
        let new = try #require(LockedPackages(lockfile.name, Array(lockfile.new.utf8)))
        #expect(old.changes(to: new).map(\.description) == lockfile.changes)
    }

    @Test(arguments: [
        "package-lock.json", "uv.lock", "yarn.lock", "pnpm-lock.yaml", "go.sum", "composer.lock", "requirements.txt", "bun.lockb",
    ])
    func whatIsNoLockfileTellsNothing(name: String) {
        for text in ["", "{", "[[package]\n", "\u{0}\u{1}", "{\"packages\": 3}", "@@@:\n  version\n"] {
            #expect(LockedPackages(name, Array(text.utf8)) == nil, "\(text)")
        }
        #expect(LockedPackages(name, [0xff, 0xfe]) == nil)
    }
}
