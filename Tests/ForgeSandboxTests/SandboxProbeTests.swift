import ForgeModel
import ForgeSandbox
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// The probe of `fixtures/sandbox-probe`, with canaries planted on the host; and, layer by layer, that it notices what is taken away.
@Suite struct SandboxProbeTests {
    @Test(arguments: ["crun", "runc"]) func everyPropertyOfTheSandboxHolds(runtime: String) async throws {
        let probe = try await Probe(runtime)
        let report = try await probe.run()
        #expect(report.leaks == [:])
        #expect(report.passed.count == report.total && report.total > 130)
    }

    /// What must be said when a layer is missing. Others may leak besides.
    static let expectations: [(SandboxLayer, Set<String>)] = [
        (.userNamespace, ["user.has-a-namespace"]),
        (
            .networkNamespace,
            [
                "network.is-loopback-alone", "network.services-of-the-host-do-not-answer",
                "sockets.abstract-ones-of-the-host-are-out-of-reach",
            ]
        ),
        (.ipcNamespace, ["memory.of-the-host-is-not-shared"]),
        (.nameNamespace, ["host.name-is-fixed"]),
        (.groupNamespace, ["groups.path-is-hidden"]),
        (.noCapabilities, ["capabilities.none-eff", "capabilities.none-bnd", "capabilities.none-amb"]),
        (.noNewPrivileges, ["privileges.cannot-grow"]),
        (
            .callFilter,
            [
                "calls.are-filtered", "calls.io_uring_setup", "calls.keyctl", "calls.unshare-user", "calls.TIOCSTI",
                "sockets.netlink-is-route-alone",
            ]
        ),
        (.cloneFlags, ["calls.clone-with-a-namespace-of-user"]),
        (.cloneThree, ["calls.clone3-is-not-there"]),
        (.terminalCommands, ["calls.TIOCSTI", "calls.TIOCLINUX"]),
        (
            .socketFamilies,
            ["sockets.rare-families-are-refused", "sockets.rare-protocols-are-refused", "sockets.netlink-is-route-alone"]
        ),
        (.nativeArchitecture, ["calls.of-32-bits-are-refused"]),
        (
            .emptyRoot,
            ["files.of-the-host-are-absent", "files.of-other-projects-are-hidden", "sockets.local-ones-of-the-host-are-out-of-reach"]
        ),
        (.readOnlyRoot, ["files.mounts-of-the-system-are-read-only"]),
        (.readOnlySystem, ["files.mounts-of-the-system-are-read-only"]),
        (.ownDevices, ["devices.are-few"]),
        (.maskedFiles, ["host.work-is-hidden", "host.boot-is-hidden", "kernel-files.command-line-is-hidden"]),
        (.readOnlySettings, ["kernel-files.folders-of-settings-are-mounted-read-only"]),
        (.sharedMemorySize, ["disk.temporary-is-bounded"]),
        (.cleanEnvironment, ["environment.names-no-agent", "environment.is-the-declared-one", "environment.time-and-language-are-fixed"]),
        (.fixedUmask, ["process.umask-is-fixed"]),
        (.fixedUser, ["user.is-the-same-everywhere"]),
        (.noCoreDumps, ["process.no-core-dumps"]),
        (.descriptorLimit, ["limits.descriptors-are-set"]),
        (.memoryLimit, ["limits.memory-is-set-and-seen"]),
        (.processLimit, ["limits.processes-are-set-and-seen"]),
        (.visibleLimits, ["limits.memory-is-set-and-seen", "limits.processes-are-set-and-seen"]),
        (.nosuid, ["privileges.no-mount-honours-set-id"]),
        (.fixedDevices, ["devices.cannot-be-changed"]),
        (.boundedDisk, ["disk.is-bounded", "disk.inodes-are-bounded"]),
    ]

    @Test func everyLayerThatIsTakenAwayIsNoticed() async throws {
        #expect(Set(Self.expectations.map(\.0)) == Set(SandboxLayer.allCases).subtracting([.pidNamespace]))
        let probe = try await Probe()
        for (layer, expected) in Self.expectations {
            let report = try await probe.run(without: [layer])
            #expect(expected.subtracting(report.leaks.keys) == [], "without \(layer) only \(report.leaks) was noticed")
        }
    }

    /// In the outer PID namespace its /proc cannot even be mounted: that belongs to the host's user namespace.
    @Test func withoutAPIDNamespaceOfItsOwnNoStepStarts() async throws {
        let probe = try await Probe()
        await #expect {
            _ = try await probe.run(without: [.pidNamespace])
        } throws: {
            ($0 as? ForgeError)?.code == "sandbox.failed"
        }
    }

    /// Each of these is refused by either of two layers, so that only the absence of both shows.
    @Test func whereTwoLayersRefuseTheSameOnlyTheAbsenceOfBothIsNoticed() async throws {
        let probe = try await Probe()
        let both = try await probe.run(without: [.callFilter, .noCapabilities])
        let names = [
            "calls.mount", "calls.fsopen", "calls.sethostname", "calls.chroot", "calls.pivot_root", "sockets.raw-ones-are-refused",
        ]
        for layer in [SandboxLayer.callFilter, .noCapabilities] {
            let report = try await probe.run(without: [layer])
            #expect(names.filter { report.leaks[$0] != nil } == [], "without \(layer)")
        }
        #expect(names.filter { both.leaks[$0] == nil } == [])
    }
}

/// The process that keeps what is planted on the host.
final class Canaries {
    static let fixture = "\(BuildProducts.checkout)fixtures/sandbox-probe"
    let folder = NSTemporaryDirectory() + "/forge-canaries-" + UUID().uuidString
    private let keeper: ChildProcess

    init(for limits: Step.Limits) async throws {
        try Files.makeDirectory(folder, mode: 0o755)
        let (said, end) = try Descriptor.pipe()
        keeper = try ChildProcess.spawn(
            .init(
                "/usr/bin/python3",
                [
                    "\(Self.fixture)/canaries.py", folder, "memory=\(limits.memoryBytes)", "processes=\(limits.processes)",
                    "disk=\(limits.diskBytes)", "inodes=\(Step.Limits.standardInodes)", "openFiles=\(limits.openFiles ?? 0)", "lasts=300",
                ], environment: ["PATH": "/usr/bin:/bin"], descriptors: [1: end]))
        // Standard input is /dev/null: it stays until it is killed, or its time is up.
        let path = try await BlockingPool.run {
            try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) {
                String(decoding: $0[..<(try said.read(into: $0))], as: UTF8.self)
            }
        }
        guard path.hasSuffix("world.json\n") else { throw TestSupportError("no canaries: \(path)") }
    }

    deinit {
        keeper.signal(SIGTERM)
        _ = try? keeper.waitBlocking()
        try? Files.removeTree(folder)
    }
}

/// A workshop whose layer holds the probe.
final class Probe {
    private let canaries: Canaries
    private let workshop: Workshop
    private static let limits = Step.Limits.small.with { $0.openFiles = 512 }

    init(_ runtime: String? = nil) async throws {
        canaries = try await Canaries(for: Self.limits)
        workshop = try await Workshop(
            runtime,
            files: [
                "probe.py": String(contentsOfFile: "\(Canaries.fixture)/probe.py", encoding: .utf8),
                "world.json": String(contentsOfFile: "\(canaries.folder)/world.json", encoding: .utf8),
            ])
    }

    struct Report {
        var passed: Set<String> = []
        /// Property → what was seen.
        var leaks: [String: String] = [:]
        var total = 0
    }

    func run(without layers: Set<SandboxLayer> = []) async throws -> Report {
        let outcome = try await workshop.run("/usr/bin/python3 probe.py world.json", limits: Self.limits, without: layers)
        var report = Report()
        for line in outcome.output.split(separator: "\n") {
            if line.hasPrefix("PASS ") { report.passed.insert(String(line.dropFirst(5))) }
            if line.hasPrefix("LEAK "), let colon = line.firstIndex(of: ":") {
                report.leaks[String(line[..<colon].dropFirst(5))] = String(line[colon...].dropFirst(2))
            }
        }
        let words = outcome.output.split(separator: "\n").last?.split(separator: " ") ?? []
        guard words.first == "TOTAL" else { throw TestSupportError("the probe broke: \(outcome.ending) \(outcome.output)") }
        report.total = report.passed.count + report.leaks.count
        #expect(outcome.output.hasSuffix("TOTAL pass=\(report.passed.count) leak=\(report.leaks.count)\n"))
        return report
    }
}
