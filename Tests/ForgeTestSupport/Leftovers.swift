import Foundation
package import Glibc

/// What a build or a server may leave on the machine: processes, control groups, mounts, loop devices, half-made files.
extension ForgeHome {
    private var sandboxes: String { "\(path)/sandboxes" }

    /// The names under which this home's running steps are known to the kernel: control groups and `--id` of the runtime.
    package func runningSteps() -> [String] {
        Folder.names(sandboxes).filter { $0.hasPrefix("step-") }.compactMap {
            $0.hasSuffix(".lock") ? nil : $0.replacing("step-", with: "forge-")
        }
    }

    /// The same for this home's servers, frozen ones too.
    package func runningServers() -> [String] {
        Folder.names(sandboxes).filter { $0.hasPrefix("server-") && !$0.hasSuffix(".lock") }.map {
            $0.replacing("server-", with: "forge-")
        }
    }

    /// Process ids of a server, its sandbox's own included; the first is that of its command.
    package func processes(of server: String) -> [pid_t] {
        let lists = Machine.controlGroups(named: server).map { FileManager.default.contents(atPath: "\($0)/cgroup.procs") ?? Data() }
        let text = lists.map { String(decoding: $0, as: UTF8.self) }.first { !$0.isEmpty } ?? ""
        return text.split(separator: "\n").compactMap { pid_t($0) }.sorted()
    }

    /// Network interfaces that this home's servers hold, as `NAME INDEX`.
    package func networkInterfaces() -> Set<String> {
        let pids = Machine.processes { $0.contains(folder) }.compactMap { $0.split(separator: " ").dropFirst().first?.dropLast() }
        let files = pids.flatMap { pid in
            Folder.names("/proc/\(pid)/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)")
            }
        }
        return Set(
            files.filter { $0.hasPrefix("/run/forge/networks/") }.compactMap {
                Machine.interface("fg\(($0 as NSString).lastPathComponent)")
            })
    }

    /// Waits until a step's name is known, so that `leftovers` can look for it once it is gone.
    package func runningStep() async throws -> String {
        try await eventually("a step to run") { runningSteps().first }
    }

    /// What is left that names this home, the given steps, or `marker` (in a command line): nothing, when all went well.
    package func leftovers(of steps: [String] = [], marker: String? = nil) -> [String] {
        let names = [folder] + steps + (marker.map { [$0] } ?? [])
        var found = Machine.processes { line in names.contains { line.contains($0) } }
        for steps in steps { found += Machine.controlGroups(named: steps) }
        found += Machine.mounts(below: folder) + Machine.loopDevices(below: folder)
        found += Folder.names(sandboxes).filter { $0.hasPrefix("step-") || $0.hasPrefix("server-") }
        return found + halfMadeFiles()
    }

    /// What writers that died leave: the next command sweeps it.
    package func halfMadeFiles() -> [String] {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
        return all.filter { $0.hasSuffix(".tmp") || $0.hasPrefix("store/tmp/") }.sorted()
    }

    /// Waits until nothing is left: the kernel takes a moment to bury what was killed.
    package func nothingIsLeft(of steps: [String] = [], marker: String? = nil) async throws {
        try await eventually("nothing to be left", within: 20, else: { leftovers(of: steps, marker: marker).joined(separator: "\n") }) {
            leftovers(of: steps, marker: marker).isEmpty ? () : nil
        }
    }
}

/// The whole machine, as seen in /proc and /sys.
package enum Machine {
    /// Command lines that make `condition` true, this process's own left out.
    package static func processes(where condition: (String) -> Bool) -> [String] {
        Folder.names("/proc").filter { Int($0) != nil && $0 != "\(ProcessInfo.processInfo.processIdentifier)" }.compactMap { pid in
            guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"), !bytes.isEmpty else { return nil }
            let line = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
            return condition(line) ? "process \(pid): \(line)" : nil
        }
    }

    /// Ids of processes whose environment, as the kernel shows it to root, holds `word`.
    package static func processes(withEnvironmentHolding word: String) -> [String] {
        Folder.names("/proc").filter { Int($0) != nil && $0 != "\(ProcessInfo.processInfo.processIdentifier)" }.filter { pid in
            let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
            return String(decoding: bytes, as: UTF8.self).contains(word)
        }
    }

    /// `NAME INDEX` of a network interface, nil when there is none: an index is never given twice.
    package static func interface(_ name: String) -> String? {
        FileManager.default.contents(atPath: "/sys/class/net/\(name)/ifindex").map {
            "\(name) \(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))"
        }
    }

    static func controlGroups(named name: String) -> [String] {
        let root = "/sys/fs/cgroup"
        let places = [root] + Folder.names(root).map { "\(root)/\($0)" }
        return places.map { "\($0)/\(name)" }.filter(FileManager.default.fileExists(atPath:))
    }

    static func mounts(below folder: String) -> [String] {
        let text = String(decoding: FileManager.default.contents(atPath: "/proc/self/mounts") ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").filter { $0.contains(folder) }.map { "mount \($0)" }
    }

    static func loopDevices(below folder: String) -> [String] {
        Folder.names("/sys/block").filter { $0.hasPrefix("loop") }.filter { name in
            let file = FileManager.default.contents(atPath: "/sys/block/\(name)/loop/backing_file") ?? Data()
            return String(decoding: file, as: UTF8.self).contains(folder)
        }
    }
}
