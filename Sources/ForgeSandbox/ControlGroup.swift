internal import ForgeSystem
internal import Glibc

/// The cgroup of one container, in v1 (one hierarchy a controller) or v2. Its name is the container's too.
struct ControlGroup: Sendable {
    let name: String
    /// Below the root of each hierarchy.
    let path: String
    /// Where the hierarchies are mounted; elsewhere in tests only.
    private let root: String

    /// Named after the run directory's own name, `<purpose>-<random>`; `parent` is the path of another group, or empty.
    init(ofRun directory: String, below parent: String = "", at root: String = "/sys/fs/cgroup") {
        self.root = root
        name = "forge-" + (directory.split(separator: "-").last ?? "")
        path = parent.isEmpty ? name : "\(parent.drop { $0 == "/" })/\(name)"
    }

    private var isUnified: Bool { Files.exists("\(root)/cgroup.controllers") }

    private func file(_ controller: String, _ v1: String, _ v2: String) -> String {
        isUnified ? "\(root)/\(path)/\(v2)" : "\(root)/\(controller)/\(path)/\(v1)"
    }

    /// One folder in each hierarchy of v1, one in all of v2.
    private var folders: [String] {
        let hierarchies = (try? Files.list(root)) ?? []
        return (["\(root)/\(path)"] + hierarchies.map { "\(root)/\($0)/\(path)" }).filter(Files.exists)
    }

    /// Removes what is left when `forge-sandbox` itself was killed; the processes die with it, once nothing holds them frozen.
    /// rmdir answers EBUSY for some milliseconds after the last exit.
    func remove() async {
        for _ in 0..<400 {
            let isGone = await BlockingPool.run { folders.allSatisfy { rmdir($0) == 0 || errno != EBUSY } }
            if isGone { return }
            try? await thaw()
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Bytes in use, cached files among them.
    func memoryBytes() throws -> Int64 {
        let path = file("memory", "memory.usage_in_bytes", "memory.current")
        guard let text = try Self.text(path), let bytes = Int64(text) else { throw SystemError("read", path, errno: ESRCH) }
        return bytes
    }

    /// Stops every process where it is; returns once all stand still. When they do not, they run on and this throws.
    func freeze() async throws {
        do { try await set(frozen: true) } catch {
            try? await set(frozen: false)
            throw error
        }
    }

    /// Returns once all run again.
    func thaw() async throws { try await set(frozen: false) }

    /// v1 gives up on a freeze while processes come and go: it is told again until all stand.
    private func set(frozen: Bool) async throws {
        for _ in 0..<5000 {
            if try await BlockingPool.run({ try attempt(frozen) }) { return }
            try await Task.sleep(for: .milliseconds(1))
        }
        throw SystemError("freeze", freezer, errno: ETIMEDOUT)
    }

    private var freezer: String { file("freezer", "freezer.state", "cgroup.freeze") }

    /// One write; whether it has taken effect everywhere. v2 says so in a file of its own.
    private func attempt(_ frozen: Bool) throws -> Bool {
        let word = isUnified ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED")
        try Descriptor.open(freezer, O_WRONLY).write(Array(word.utf8), to: freezer)
        guard isUnified else { return try Self.text(freezer) == word }
        let events = try Self.text("\(root)/\(path)/cgroup.events") ?? ""
        return events.split(separator: "\n").contains(frozen ? "frozen 1" : "frozen 0")
    }

    private static func text(_ path: String) throws -> String? {
        try Files.read(path, limit: 4096).map { String(decoding: $0, as: UTF8.self).trimmingSuffix(while: \.isWhitespace) }
    }
}

extension String {
    fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> String {
        var rest = self[...]
        while let last = rest.last, condition(last) { rest.removeLast() }
        return String(rest)
    }
}
