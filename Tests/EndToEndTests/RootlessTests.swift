import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// `forge build` as an ordinary user: the same keys and artifacts as root's, in a sandbox of the user's own.
@Suite struct RootlessTests {
    private static let command =
        "id -u; cat input; mkdir site; date > site/built; cat input > site/index.html; chmod 700 site/index.html; ln -s index.html site/link; rm input site/built"

    private func project(in home: ForgeHome, _ command: String = Self.command, more: String = "") throws -> TemporaryProject {
        let project = try home.project(custom: command, output: "site", more: more)
        try project.write(["input": "hello\n"])
        return project
    }

    @Test(arguments: [("crun", false), ("crun", true), ("runc", true)])
    func aUsersBuildHasTheKeysAndTheArtifactOfRoots(runtime: String, hasLentIDs: Bool) async throws {
        try await withForgeHome { home in
            let project = try project(in: home)
            let expected = try await home.build(project.path, "--explain", "--out", "\(home.folder)/roots")
            let user = try OrdinaryUser(of: home, hasLentIDs: hasLentIDs, groups: .delegated)
            let run = try await user.run(
                "build", project.path, "--json", "--explain", "--progress", "plain", "--out", "\(user.home)/out",
                environment: ["FORGE_OCI_RUNTIME": runtime])
            #expect(run.exitCode == 0, "\(run.error)")
            let report = BuiltReport(json: try run.json())
            #expect(run.error.contains("[build] 1000\n"))
            #expect(run.error.contains("[build] hello\n"))
            #expect(report.artifact == expected.artifact)
            func actions(_ report: BuiltReport) -> [JSON?] { report.json["steps"]?.elements.map { $0["explanation"]?["action"] } ?? [] }
            #expect(actions(report) == actions(expected))
            #expect(try Folder.texts("\(user.home)/out") == Folder.texts("\(home.folder)/roots"))
            let sandbox = try user.record(report)["sandbox"]?.text ?? ""
            #expect(sandbox.hasPrefix("\(runtime) "))
            #expect(sandbox.hasSuffix(", rootless, \(hasLentIDs ? "65536 ids" : "one id"), control groups"))
            #expect(user.leftovers() == [])
        }
    }

    @Test(arguments: [("crun", false), ("runc", true)])
    func anImageOfARegistryIsAUsersRootAsItIsRoots(runtime: String, hasLentIDs: Bool) async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let layers = [
                ImageRegistry.busybox.merging(["etc/old": "gone", "opt/kept/a": "a"]) { $1 }, ["etc/.wh.old": "", "etc/motd": "hello\n"],
            ]
            let pushed = try await registry.push("team/tiny", layers: layers)
            let command = "mkdir site; cat /etc/motd /etc/os-release > site/index.html; find /etc /opt /usr 2>/dev/null | sort > site/files"
            let project = try project(in: home, command, more: "image = \"\(registry.authority)/team/tiny:1@\(pushed.digest)\"\n")
            let expected = try await home.build(project.path, "--out", "\(home.folder)/roots")
            let user = try OrdinaryUser(of: home, hasLentIDs: hasLentIDs, groups: .delegated)
            let run = try await user.run(
                "build", project.path, "--json", "--out", "\(user.home)/out", environment: ["FORGE_OCI_RUNTIME": runtime])
            #expect(run.exitCode == 0, "\(run.error)\(run.output)")
            let report = BuiltReport(json: try run.json())
            #expect(report.artifact == expected.artifact)
            let files = try Folder.texts("\(user.home)/out")
            #expect(files["index.html"] == "hello\nID=tiny\nVERSION_ID=1\n")
            #expect(files["files"]?.contains("/opt/kept/a\n") == true && files["files"]?.contains("/etc/old") == false)
            #expect(try Folder.texts("\(home.folder)/roots") == files)
            #expect(try user.record(report)["sandbox"]?.text?.contains(", rootless, ") == true)
            #expect(user.leftovers() == [])
        }
    }

    @Test func withoutADelegatedGroupTheBuildStopsUnlessTheOperatorCallsGroupsOptional() async throws {
        try await withForgeHome { home in
            let project = try project(in: home)
            let user = try OrdinaryUser(of: home, hasLentIDs: false, groups: .none)
            let refused = try await user.run("build", project.path, "--json")
            #expect(refused.exitCode == 50)
            #expect(try refused.json()["error"]?["code"] == "sandbox.no-cgroups")
            try user.configure("[sandbox]\ncgroups = \"optional\"\n")
            let doctor = try await user.run("doctor")
            #expect(doctor.exitCode == 0)
            #expect(doctor.output.hasPrefix("Builds can run here, rootless, as ada.\n"))
            let run = try await user.run("build", project.path, "--json")
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(
                try user.record(BuiltReport(json: run.json()))["sandbox"]?.text?.hasSuffix(", rootless, one id, no control groups") == true)
        }
    }

    /// What a step does, and the limit that ends it.
    @Test(arguments: [
        ("python3 -c 'x = bytearray(600 << 20)'", "limit.memory"), ("for i in $(seq 400); do sleep 86400 & done; wait", "limit.processes"),
        ("mkdir site; head -c 200m /dev/zero > site/large", "limit.disk"),
        ("mkdir site; for i in $(seq 3000); do : > site/$i; done", "limit.inodes"), ("sleep 86400", "limit.time"),
    ]) func theLimitsHoldForAUserToo(line: String, code: String) async throws {
        try await withForgeHome { home in
            let project = try project(in: home, line, more: "memory = \"64MB\"\ntimeout = \(code == "limit.time" ? "\"2s\"" : "\"60s\"")\n")
            let user = try OrdinaryUser(of: home, hasLentIDs: false, groups: .delegated)
            try user.configure("[limits]\ndisk = \"100MB\"\nprocesses = 60\ninodes = 1000\n")
            let run = try await user.run("build", project.path, "--json")
            #expect(run.exitCode == 50)
            #expect(try run.json()["error"]?["code"] == .string(code), "\(run.error)")
            #expect(user.leftovers() == [])
        }
    }

    @Test(.enabled(if: Campaign.isOn, "takes the whole machine: `make campaign`"))
    func aUsersStepThatTakesEveryCoreWeighsLessToo() async throws {
        try await withForgeHome { home in
            let project = try project(in: home, "for i in $(seq 32); do (while :; do :; done) & done; wait")
            let user = try OrdinaryUser(of: home, hasLentIDs: false, groups: .delegated)
            let full = OrdinaryUser.isUnified ? 100 : 1024
            // Enough for all the user's work to take every core whatever else the machine does.
            try user.weigh(full * 100)
            let build = try user.start("build", project.path)
            try await eventually("the step to weigh less", else: { "\(user.stepWeight ?? 0)" }) {
                user.stepWeight.map { $0 <= full / 2 } == true ? () : nil
            }
            build.signal(SIGINT)
            #expect(try await build.finish(within: 30).exitCode == 130)
            #expect(user.leftovers() == [])
        }
    }

    @Test func anInstallReachesItsRegistryThroughTheProxyAndNothingElse() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "ms", from: registry)
            let user = try OrdinaryUser(of: home, hasLentIDs: true, groups: .delegated)
            let run = try await user.run("build", project.path, "--json", "--progress", "plain", environment: registry.environment)
            #expect(run.exitCode == 0, "\(run.error)")
            let record = try user.record(BuiltReport(json: run.json()))
            let egress = record["steps"]?.elements.first?["result"]?["egress"]?.elements ?? []
            #expect(egress.map { $0["origin"] } == [.string(registry.origin)])
            #expect(egress.map { $0["verdict"] } == ["allowed"])
        }
    }

    @Test(arguments: ["crun", "runc"]) func whatIsMountedBelowUsrKeepsNoSandboxFromStartingAndCannotBeChanged(runtime: String) async throws
    {
        try await withForgeHome { home in
            let project = try project(in: home, "mkdir site; ls -A /usr/share/misc > site/index.html; ! touch /usr/share/misc/new")
            let user = try OrdinaryUser(of: home, hasLentIDs: true, groups: .delegated, mounting: "/usr/share/misc")
            let run = try await user.run(
                "build", project.path, "--json", "--out", "\(user.home)/out", environment: ["FORGE_OCI_RUNTIME": runtime])
            #expect(run.exitCode == 0, "\(run.error)\(run.output)")
            #expect(try Folder.texts("\(user.home)/out") == ["index.html": "forge\n"])
            #expect(user.leftovers() == [])
        }
    }

    @Test func killedDuringAStepEverythingDiesWithForgeAndTheNextRunCleansUp() async throws {
        try await withForgeHome { home in
            let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
            let line = "echo up; test -e go || { setsid sleep \(marker) & sleep \(marker); }; mkdir site; echo hi > site/index.html"
            let project = try project(in: home, line)
            let user = try OrdinaryUser(of: home, hasLentIDs: true, groups: .delegated)
            let build = try user.start("build", project.path, "--progress", "json")
            _ = try await build.errorLine { $0.contains(#""type":"span.output""#) && $0.contains("up") }
            for pid in user.forgeProcesses() { kill(pid, SIGKILL) }
            _ = try await build.finish()
            try await eventually("the step's processes to die", within: 20) {
                Machine.processes { $0.contains(marker) }.isEmpty ? () : nil
            }
            try project.write(["go": ""])
            #expect(try await user.run("build", project.path, "--json").exitCode == 0)
            #expect(user.leftovers() == [])
        }
    }
}

/// Somebody without rights on this machine, known to it only in the mount namespace of the commands that are run as them: user `ada`
/// with an id that nobody has.
private final class OrdinaryUser: Sendable {
    enum Groups: Sendable { case none, delegated }

    let home: String
    private let forge: ForgeHome
    private let hasGroups: Bool
    private let group: String
    /// Where the user's home is mounted too.
    private let mountPoint: String?
    private static let id: UInt32 = 48_151

    init(of forge: ForgeHome, hasLentIDs: Bool, groups: Groups, mounting mountPoint: String? = nil) throws {
        self.forge = forge
        self.mountPoint = mountPoint
        hasGroups = groups == .delegated
        home = "\(forge.folder)/ada"
        group = "forge-test-\(UUID().uuidString.prefix(8))"
        try Folder.make("\(home)/forge")
        let lent = hasLentIDs ? "ada:2000000000:65536\n" : ""
        let files = [
            "passwd": "root:x:0:0::/root:/bin/sh\nada:x:\(Self.id):\(Self.id)::\(home):/bin/sh\n",
            "group": "root:x:0:\nada:x:\(Self.id):\n", "subuid": lent, "subgid": lent,
        ]
        for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: "\(forge.folder)/\(name)")) }
        for path in [home, "\(home)/forge"] { chown(path, Self.id, Self.id) }
        for path in [forge.folder, home] { chmod(path, 0o755) }
        if hasGroups { for folder in Self.hierarchies { try delegate("\(folder)/\(group)") } }
    }

    deinit {
        guard hasGroups else { return }
        for folder in Self.hierarchies {
            rmdir("\(folder)/\(group)/commands")
            rmdir("\(folder)/\(group)")
        }
    }

    /// Where a group is made: in each old hierarchy that counts, or in the one new.
    private static let hierarchies: [String] = {
        let root = "/sys/fs/cgroup"
        if FileManager.default.fileExists(atPath: "\(root)/cgroup.controllers") { return [root] }
        return ["memory", "pids", "cpu", "cpuacct", "freezer"].map { "\(root)/\($0)" }
    }()

    static var isUnified: Bool { hierarchies.count == 1 }

    /// Of the folder's files the one that holds its weight.
    private static let weight = isUnified ? "cpu.weight" : "cpu.shares"

    private var coreGroup: String { "/sys/fs/cgroup/\(Self.isUnified ? "" : "cpu/")\(group)" }

    /// Sets what all the user's work weighs.
    func weigh(_ weight: Int) throws {
        try "\(weight)".write(toFile: "\(coreGroup)/\(Self.weight)", atomically: false, encoding: .utf8)
    }

    /// What the running step weighs; nil without one.
    var stepWeight: Int? {
        guard let step = Folder.names(coreGroup).first(where: { $0.hasPrefix("forge-") }) else { return nil }
        let text = try? String(contentsOfFile: "\(coreGroup)/\(step)/\(Self.weight)", encoding: .utf8)
        return text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    private func delegate(_ folder: String) throws {
        let controllers = Data("+memory +pids +cpu".utf8)
        if Self.isUnified { try controllers.write(to: URL(filePath: "\(Self.hierarchies[0])/cgroup.subtree_control")) }
        try Folder.make(folder)
        chown(folder, Self.id, Self.id)
        for name in Folder.names(folder) where ["cgroup.procs", "cgroup.subtree_control", "tasks"].contains(name) {
            chown("\(folder)/\(name)", Self.id, Self.id)
        }
        guard Self.isUnified else { return }
        // The new hierarchy: commands run in a leaf, and what they make lies beside it.
        try controllers.write(to: URL(filePath: "\(folder)/cgroup.subtree_control"))
        try Folder.make("\(folder)/commands")
        chown("\(folder)/commands/cgroup.procs", Self.id, Self.id)
    }

    private var script: String {
        let place = Self.hierarchies.count == 1 ? "/commands" : ""
        let joins = hasGroups ? Self.hierarchies.map { "echo $$ > \($0)/\(group)\(place)/cgroup.procs" } : []
        let files = ["passwd", "group", "subuid", "subgid"].map { "[ ! -e /etc/\($0) ] || mount --bind \(forge.folder)/\($0) /etc/\($0)" }
        // The checkout may lie where only root gets to.
        let checkout = ["mkdir -p \(forge.folder)/checkout", "mount --bind \(BuildProducts.checkout) \(forge.folder)/checkout"]
        let mounts: [String] = if let mountPoint { ["mount --bind \(home) \(mountPoint)"] } else { [] }
        let command = "exec setpriv --reuid ada --regid ada --clear-groups \"$@\""
        return [["set -e"], joins, files, checkout, mounts, [command]].joined().joined(separator: "\n")
    }

    func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Child {
        let forgeBinary = BuildProducts.executable("forge").replacing(BuildProducts.checkout, with: "\(forge.folder)/checkout/")
        let own = ["HOME": home, "FORGE_HOME": "\(home)/forge"]
        return try forge.start(
            program: "/usr/bin/unshare",
            ["-m", "--propagation", "private", "/bin/sh", "-c", script, "sh", "/usr/bin/env", forgeBinary] + arguments,
            environment: environment.merging(own) { $1 })
    }

    func start(_ arguments: String..., environment: [String: String] = [:]) throws -> Child {
        try start(arguments, environment: environment)
    }

    func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> ForgeRun {
        try await start(arguments, environment: environment).finish()
    }

    func configure(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: "\(home)/forge/config.toml")) }

    func record(_ report: BuiltReport) throws -> JSON {
        let hex = report.json["record"]?.text?.replacing("sha256:", with: "") ?? ""
        let file = "\(home)/forge/store/blobs/\(hex.prefix(2))/\(hex)"
        guard let bytes = FileManager.default.contents(atPath: file) else { throw TestSupportError("no blob at `\(file)`") }
        return try JSONDecoder().decode(JSON.self, from: bytes)
    }

    /// Ids of this user's running `forge`.
    func forgeProcesses() -> [pid_t] {
        Folder.names("/proc").compactMap { pid_t($0) }.filter { pid in
            let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")) ?? ""
            let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
            return program.hasSuffix("/forge") && String(decoding: environment, as: UTF8.self).contains("FORGE_HOME=\(home)/forge")
        }
    }

    /// Processes, run directories and groups of steps that are no more.
    func leftovers() -> [String] {
        let groups = Self.hierarchies.flatMap { folder in
            Folder.names("\(folder)/\(group)").filter { $0.hasPrefix("forge-") }.map { "\(folder)/\(group)/\($0)" }
        }
        let steps = Folder.names("\(home)/forge/sandboxes").filter { $0.hasPrefix("step-") || $0.hasPrefix("probe-") }
        return groups + steps
    }
}
