import ForgeModel
import ForgeSystem
import ForgeTestSupport
import Foundation
import Testing

@testable import ForgeSandbox

/// What is concluded from /proc and /sys, on machines that this one is not.
@Suite struct HostExaminationTests {
    /// A machine of files in a folder.
    private final class Machine {
        let root = NSTemporaryDirectory() + "/forge-machine-" + UUID().uuidString
        private var files = [
            "/proc/sys/kernel/osrelease": "6.1.0\n", "/proc/filesystems": "nodev\tproc\nnodev\toverlay\n\text4\n",
            "/proc/sys/user/max_user_namespaces": "1000\n", "/proc/sys/kernel/seccomp/actions_avail": "kill_process errno allow\n",
            "/proc/self/ns/mnt": "", "/proc/self/ns/pid": "", "/proc/self/ns/net": "", "/proc/self/ns/ipc": "", "/proc/self/ns/uts": "",
            "/proc/self/ns/cgroup": "", "/proc/self/ns/user": "", "/proc/self/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
            "/proc/self/cgroup": "0::/user.slice/user-7.slice/user@7.service/app.slice/run.scope\n",
            "/sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n", "/sys/fs/cgroup/cgroup.procs": "",
            "/sys/fs/cgroup/user.slice/user-7.slice/user@7.service/app.slice/cgroup.controllers": "cpu memory pids\n",
            "/sys/fs/cgroup/user.slice/user-7.slice/user@7.service/app.slice/cgroup.procs": "",
        ]

        /// Nil takes a file away.
        init(_ changes: [String: String?] = [:]) throws {
            for (path, text) in changes { files[path] = text }
            for (path, text) in files {
                try Files.makeDirectory(Files.parent(of: root + path))
                try Files.writeAtomically(Array(text.utf8), to: root + path)
            }
        }

        deinit { try? Files.removeTree(root) }

        var kernel: KernelFacts { KernelFacts(below: root) }
    }

    private static let root = HostUser(id: 0, name: "root", lent: nil)
    private static let ada = HostUser(id: 7, name: "ada", lent: nil)

    private func findings(_ changes: [String: String?], _ user: HostUser) throws -> [String: HostFinding] {
        let machine = try Machine(changes)
        let layers = HostExamination(kernel: machine.kernel, user: user).layers
        return Dictionary(uniqueKeysWithValues: layers.map { ($0.id, $0) })
    }

    /// One thing that is wrong, who runs Forge, and what is said of which layer.
    struct Case: Sendable, CustomStringConvertible {
        let file: String
        let text: String?
        var isRoot = true
        let layer: String
        let state: HostFinding.State
        let detail: String
        var description: String { "\(file) = \(text ?? "none")" }
    }

    static let cases = [
        Case(
            file: "/proc/sys/user/max_user_namespaces", text: "0\n", layer: "user-namespaces", state: .missing,
            detail: "`user.max_user_namespaces` is 0"),
        Case(
            file: "/proc/sys/user/max_user_namespaces", text: nil, layer: "user-namespaces", state: .missing,
            detail: "the kernel was built without them"),
        Case(
            file: "/proc/sys/kernel/unprivileged_userns_clone", text: "0\n", isRoot: false, layer: "user-namespaces", state: .missing,
            detail: "`kernel.unprivileged_userns_clone` is 0: for root only"),
        Case(
            file: "/proc/sys/kernel/unprivileged_userns_clone", text: "0\n", layer: "user-namespaces", state: .ok, detail: "up to 1000"),
        Case(
            file: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", text: "1\n", isRoot: false, layer: "user-namespaces",
            state: .missing, detail: "AppArmor gives them no rights (`kernel.apparmor_restrict_unprivileged_userns` is 1)"),
        Case(
            file: "/proc/self/ns/net", text: nil, layer: "namespaces", state: .missing, detail: "the kernel was built without net"),
        Case(
            file: "/proc/filesystems", text: "\text4\n", layer: "overlay", state: .missing,
            detail: "the kernel does not list it in /proc/filesystems"),
        Case(
            file: "/proc/sys/kernel/seccomp/actions_avail", text: nil, layer: "seccomp", state: .missing, detail: "the kernel has none"),
        Case(
            file: "/proc/self/mounts", text: "", layer: "cgroups", state: .missing, detail: "nothing is mounted at /sys/fs/cgroup"),
        Case(
            file: "/sys/fs/cgroup/cgroup.controllers", text: "memory pids\n", layer: "cgroups", state: .limited,
            detail: "v2: memory, pids; no `cpu`, so `cpus` is not held"),
        Case(
            file: "/sys/fs/cgroup/cgroup.controllers", text: "cpu\n", layer: "cgroups", state: .missing,
            detail: "v2, and memory and pids cannot be used"),
    ]

    @Test(arguments: cases) func whatIsWrongIsSaidOfItsLayerAndNoOther(test: Case) throws {
        let user = test.isRoot ? Self.root : Self.ada
        let usual = try findings([:], user)
        let found = try findings([test.file: test.text], user)
        let finding = try #require(found[test.layer])
        #expect(finding.state == test.state)
        #expect(finding.detail == test.detail)
        #expect((finding.remedy == nil) == (test.state == .ok))
        #expect(finding.isFatal == (test.state == .missing))
        #expect(found.filter { $0.key != test.layer } == usual.filter { $0.key != test.layer })
        if finding.isFatal { #expect(finding.error.code == "sandbox.no-\(test.layer)") }
    }

    @Test func rootMakesGroupsAtTheTopAndAUserAroundItsOwn() throws {
        let machine = try Machine()
        #expect(machine.kernel.cgroups.layout == .v2)
        #expect(machine.kernel.cgroups.parent == "")
        #expect(machine.kernel.cgroups.usable == ["cpu", "memory", "pids"])
        let mounts = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
        let facts = ControlGroupFacts(
            mounts: mounts, own: "0::/user.slice/app.slice/run.scope\n", controllers: { _ in "memory pids\n" },
            isWritable: { $0.hasPrefix("/sys/fs/cgroup/user.slice/app.slice") })
        #expect(facts.parent == "/user.slice/app.slice")
        #expect(facts.usable == ["memory", "pids"])
        let none = ControlGroupFacts(
            mounts: mounts, own: "0::/user.slice/session.scope\n", controllers: { _ in "memory pids\n" }, isWritable: { _ in false })
        #expect(none.parent == nil)
        #expect(none.usable == [])
    }

    private static let hybrid = """
        tmpfs /sys/fs/cgroup tmpfs rw 0 0
        cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
        cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
        cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0
        cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0

        """

    @Test func anOldHierarchyIsDelegatedWhereMemoryAndProcessesAreGivenUnderOneName() throws {
        func facts(_ own: String, writable: [String]) -> ControlGroupFacts {
            ControlGroupFacts(
                mounts: Self.hybrid, own: own, controllers: { _ in nil },
                isWritable: { path in writable.contains { path == "/sys/fs/cgroup/\($0)" } })
        }
        let own = "4:memory:/ada\n3:pids:/ada\n2:cpu,cpuacct:/\n0::/\n"
        let given = facts(own, writable: ["memory/ada", "pids/ada", "cpu/ada"])
        #expect(given.layout == .hybrid)
        #expect(given.parent == "/ada")
        #expect(given.usable == ["memory", "pids"])
        #expect(facts(own, writable: ["memory/ada"]).parent == nil)
        #expect(facts("4:memory:/ada\n3:pids:/bob\n", writable: ["memory/ada", "pids/bob"]).parent == nil)
        #expect(facts("4:memory:/\n3:pids:/\n", writable: ["memory", "pids", "cpu"]).parent == "")
    }

    @Test func aLentRangeCountsOnlyWhenItIsLargeEnough() {
        #expect(HostUser.firstRange(of: ["ada", "7"], in: "bob:100000:65536\nada:200000:1000\nada:300000:65536\n") == 300_000)
        #expect(HostUser.firstRange(of: ["ada", "7"], in: "7:100000:65536\n") == 100_000)
        #expect(HostUser.firstRange(of: ["ada", "7"], in: "ada:1:2:3\nada:x:65536\n") == nil)
    }

    @Test func ofTheIdsInsideOneIsTheUsersOwnAndTheOthersAreDistinct() {
        for ids in [SandboxIDs.range(base: 1_000_000), .lent, .single] {
            var seen: Set<UInt32> = []
            var outside: Set<UInt32> = []
            for map in ids.mappings {
                for offset in 0..<map.size {
                    #expect(seen.insert(map.containerID + offset).inserted)
                    #expect(outside.insert(map.hostID + offset).inserted)
                }
            }
            #expect(seen.contains(1000))
            #expect(seen.count == (ids == .single ? 1 : 65536))
        }
    }

    private static let status = """
        Uid:\t1000\t1000\t1000\t1000
        CapEff:\t0000000000000000
        CapBnd:\t0000000000000000
        NoNewPrivs:\t1
        Seccomp:\t2
                 0 1879048192      65536

        """

    @Test(arguments: [
        ("Uid:\t1000", "Uid:\t0", "its process is not uid 1000"),
        ("CapEff:\t0000000000000000", "CapEff:\t0000000000000400", "its process has capabilities"),
        ("CapBnd:\t0000000000000000", "CapBnd:\t000001ffffffffff", "its process could get capabilities"),
        ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "it does not set no_new_privs"),
        ("Seccomp:\t2", "Seccomp:\t0", "it does not load the seccomp filter"),
        ("0 1879048192      65536", "0          0 4294967295", "it has no user namespace"),
    ]) func aContainerThatLacksALayerIsFoundOutByWhatItSays(there: String, missing: String, fault: String) {
        #expect(RuntimeProbe.fault(in: Self.status, hasOwnKernel: false) == nil)
        #expect(RuntimeProbe.fault(in: Self.status.replacing(there, with: missing), hasOwnKernel: false) == fault)
    }
}
