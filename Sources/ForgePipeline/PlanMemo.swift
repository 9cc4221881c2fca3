internal import ForgeModel
internal import ForgePlanning
internal import ForgeStore
internal import ForgeSystem
internal import Foundation

/// Plans that were made before. A plan follows from the source's tree, the presets, the operator's limits and this very program, so one that
/// was made of the same is the same.
struct PlanMemo: Sendable {
    /// More are thrown away together: they are made anew in no time.
    private static let capacity = 256

    private let folder: String
    private let key: Digest

    /// - Parameters:
    ///   - folder: where plans are kept.
    ///   - presets: the folders of presets; every file in them counts.
    ///   - asked: what else the request says about which apps are meant.
    init(folder: String, root: Digest, asked: [String], presets: [String], limits: OperatorLimits) throws {
        var hasher = DigestHasher()
        for part in ["1", root.hex, "\(asked)", "\(limits)", Self.program] {
            Array((part + "\n").utf8).withUnsafeBytes { hasher.update($0) }
        }
        for folder in presets where Files.isDirectory(folder) { try Self.add(folder, to: &hasher) }
        self.folder = folder
        key = hasher.finish()
    }

    /// Blocks.
    func plans(_ make: () throws -> [AppPlan]) throws -> [AppPlan] {
        let path = "\(folder)/\(key.hex).json"
        if let bytes = try? Files.read(path), let plans = try? CanonicalJSON.decode([AppPlan].self, from: bytes) { return plans }
        let plans = try make()
        // Only saves time.
        try? save(plans, path)
        return plans
    }

    private func save(_ plans: [AppPlan], _ path: String) throws {
        try Files.makeDirectory(folder, mode: 0o700)
        let names = try Files.list(folder)
        if names.count >= Self.capacity { for name in names { try Files.removeTree("\(folder)/\(name)") } }
        try Files.replace(path, with: CanonicalJSON.encode(plans), mode: 0o600)
    }

    private static func add(_ folder: String, to hasher: inout DigestHasher) throws {
        for name in try Files.list(folder).sorted() {
            let path = "\(folder)/\(name)"
            if Files.isDirectory(path) {
                try add(path, to: &hasher)
                continue
            }
            let bytes = try Files.read(path) ?? []
            Array("\(path)\n\(bytes.count)\n".utf8).withUnsafeBytes { hasher.update($0) }
            bytes.withUnsafeBytes { hasher.update($0) }
        }
    }

    /// This program as the disk has it: two builds of one version may plan differently.
    private static var program: String {
        let path = (try? Files.resolved("/proc/self/exe")) ?? nil
        return path.flatMap { path in FileSignature.of(path).map { "\($0.inode) \($0.size) \($0.modified)" } } ?? "unknown"
    }
}
