internal import ForgeEgress
internal import ForgeEvents
internal import ForgeModel
internal import ForgeOperator
internal import ForgePresets
package import ForgeSandbox
internal import ForgeSystem
internal import Foundation
internal import Glibc

/// `forge doctor --json`: what this machine has, what it lacks, and how to get that.
package struct DoctorReport: Sendable, Encodable {
    /// `root`, or the name of an ordinary user, who builds rootless.
    package let user: String
    package let isRootless: Bool
    /// Whether builds can run.
    package let isReady: Bool
    package let groups: [HostGroup]
}

extension Pipeline {
    /// Looks at everything that builds, fetches and servers need of this machine; starts one container of each runtime.
    package func doctor() async throws -> DoctorReport {
        let configuration = try operatorConfiguration()
        let examination = HostExamination(groupsAreOptional: configuration.sandbox.cgroupsAreOptional)
        let runtimes = RuntimeExamination(helper: installation.sandboxHelper, directory: directories.sandboxes, examination: examination)
        let groups = [
            HostGroup("Machine", try await machine(examination)),
            HostGroup(
                "Isolation",
                examination.layers + (await examination.extras(helper: installation.sandboxHelper, directory: directories.data))),
            HostGroup("Runtimes", await runtimes.findings(preferred: configuration.sandbox.runtime)),
            HostGroup("Servers and sources", examination.programs + (await examination.forwarding())),
            HostGroup("Package managers", try await packageManagers(configuration)),
        ]
        return DoctorReport(
            user: examination.user.name, isRootless: !examination.user.isRoot,
            isReady: !groups.flatMap(\.findings).contains(where: \.isFatal),
            groups: groups)
    }

    private func machine(_ examination: HostExamination) async throws -> [HostFinding] {
        let kernel = HostFinding("kernel", "kernel", .ok, "Linux \(examination.kernel.release), \(Platform.current)")
        return [kernel, HostClock.finding, try await BlockingPool.run { [directories] in try Self.folder(directories.data) }]
    }

    /// Where the store is, or will be made.
    private static func folder(_ path: String) throws -> HostFinding {
        var existing = path
        while !Files.isDirectory(existing), existing != "/" { existing = Files.parent(of: existing) }
        guard Files.isWritable(existing) else {
            return HostFinding(
                "store", "store", .missing, "\(path) cannot be written",
                remedy: "export FORGE_HOME=DIR, a folder of your own, or: sudo chown \(NSUserName()) \(existing)", isRequired: true)
        }
        let free = Int64(clamping: try Descriptor.open(existing, O_RDONLY | O_DIRECTORY).freeSpace().bytes)
        let detail = "\(path), \(Bytes(free)) free"
        if free < 256 << 20 {
            return HostFinding("store", "store", .missing, detail, remedy: "free some space: forge cache gc --limit 1GB", isRequired: true)
        }
        if free < 4 << 30 { return HostFinding("store", "store", .limited, detail, remedy: "forge cache gc --limit 1GB") }
        return HostFinding("store", "store", .ok, detail)
    }

    /// Each that is installed, and what it is configured to install from.
    private func packageManagers(_ configuration: OperatorConfiguration) async throws -> [HostFinding] {
        let access = RegistryAccess(presets: presets, configuration: configuration, environment: environment)
        var findings: [HostFinding] = []
        var absent: [String] = []
        for manager in try await BlockingPool.run({ [presets] in try presets.catalog().packageManagers }) {
            guard !manager.registries.ask.isEmpty, HostToolchains.searchPath.contains(where: { Files.exists("\($0)/\(manager.id)") }) else {
                absent.append(manager.name)
                continue
            }
            do {
                findings.append(await Self.finding(manager, origins: try await access.registries(of: manager), configuration))
            } catch let error as ForgeError {
                findings.append(HostFinding(manager.id, manager.name, .limited, error.message, remedy: error.hint))
            }
        }
        if !absent.isEmpty {
            findings.append(HostFinding("others", "others", .missing, "not installed: \(absent.joined(separator: ", "))"))
        }
        return findings
    }

    private static func finding(
        _ manager: PackageManager, origins: [EgressOrigin], _ configuration: OperatorConfiguration
    ) async -> HostFinding {
        var closed: [EgressOrigin] = []
        for origin in origins where !configuration.egress.contains(origin) {
            let isOdd = origin.port != origin.scheme.defaultPort
            let isPrivate = await resolveWithSystem(origin.host).contains { $0.specialUse != nil }
            if isOdd || isPrivate { closed.append(origin) }
        }
        let detail = origins.isEmpty ? "no registry configured" : origins.map(\.description).joined(separator: " ")
        guard !closed.isEmpty else { return HostFinding(manager.id, manager.name, .ok, detail) }
        let list = closed.map { "\"\($0)\"" }.joined(separator: ", ")
        return HostFinding(
            manager.id, manager.name, .limited, "\(detail): a port of its own or a private address",
            remedy:
                "allow = [\(list)] below [network] in config.toml, or FORGE_EGRESS_ALLOW=\(closed.map(\.description).joined(separator: ","))"
        )
    }
}

/// Whether the time is one that certificates and releases can be judged by.
private enum HostClock {
    static var finding: HostFinding {
        let now = Date()
        let text = now.formatted(.iso8601)
        // This source is younger.
        if now.timeIntervalSince1970 < 1_760_000_000 {
            return HostFinding("clock", "clock", .limited, "\(text), which is past", remedy: "sudo timedatectl set-ntp true")
        }
        return !SystemClock.isKept
            ? HostFinding(
                "clock", "clock", .limited, "\(text), not synchronised by the kernel's account", remedy: "sudo timedatectl set-ntp true")
            : HostFinding("clock", "clock", .ok, text)
    }
}
