internal import ForgeManifests
internal import ForgeModel
internal import ForgeOperator
internal import ForgePlanning
internal import ForgePresets
internal import ForgeStore
internal import ForgeSystem
internal import Foundation

/// Plans that were made before. A plan follows from the source's tree, the presets, the operator's limits and this very program, so one that
/// was made of the same is the same; and so is one of another tree that answers all that was asked when it was made as the first one did.
struct PlanMemo: Sendable {
    /// More are thrown away together: they are made anew in no time.
    private static let capacity = 256

    /// How many trees are remembered by what was asked of them, for each question; the last ones.
    private static let memory = 4

    private let folder: String
    /// Of the whole, and of all but the tree.
    private let key: Digest
    private let question: Digest

    /// What was asked of a tree, and where the plans lie that came of it.
    private struct Reading {
        let reads: ReadSet
        let plans: String

        /// Fields with a NUL after each: they are read in every build, and JSON takes ten times as long.
        static func text(_ readings: [Reading]) -> [UInt8] {
            readings.flatMap { [$0.plans, "\($0.reads.count)"] + $0.reads.fields }.flatMap { Array($0.utf8) + [0] }
        }

        /// None of a text that says something else.
        static func parse(_ text: [UInt8]) -> [Reading] {
            var fields = text.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }[...]
            var readings: [Reading] = []
            while let plans = fields.popFirst(), let count = fields.popFirst().flatMap({ Int($0) }), 0...fields.count / 3 ~= count {
                guard let reads = ReadSet(fields: fields.prefix(count * 3)) else { return [] }
                readings.append(Reading(reads: reads, plans: plans))
                fields = fields.dropFirst(count * 3)
            }
            return readings
        }
    }

    /// - Parameters:
    ///   - folder: where plans are kept.
    ///   - presets: the folders of presets; every descriptor and program in them counts.
    ///   - asked: what else the request says about which apps are meant.
    init(folder: String, root: Digest, asked: [String], presets: [DescriptorFolder], limits: OperatorLimits) {
        var hasher = DigestHasher()
        let files = presets.flatMap { $0.descriptors + $0.programs }
        for part in ["3", asked.joined(separator: "\0"), limits.text, Self.program] + files.map({ "\($0.file)\n\($0.digest.hex)" }) {
            Array((part + "\n").utf8).withUnsafeBytes { hasher.update($0) }
        }
        self.folder = folder
        question = hasher.finish()
        key = Digest(of: question.hex + root.hex)
    }

    /// Plans, and what is to be done so that they need not be made again: it blocks, and nobody has to wait for it.
    typealias Found = (plans: [AppPlan], remember: @Sendable () -> Void)

    /// Blocks.
    /// - Parameter make: is handed the tree to look at, which notes what it is asked.
    func plans(of tree: any SourceTree, _ make: (any SourceTree) throws -> [AppPlan]) throws -> Found {
        if let plans = plans(key.hex) { return (plans, {}) }
        let readings = self.readings
        let witnessed = WitnessedTree(tree)
        // A tree that cannot even be asked answers otherwise: making the plan says what is wrong with it.
        if let known = readings.first(where: { (try? $0.reads.holds(in: tree)) ?? false }), let plans = plans(known.plans) {
            return (plans, {})
        }
        let plans = try make(witnessed)
        let reading = Reading(reads: witnessed.readSet, plans: key.hex)
        // Only saves time.
        return (plans, { try? save(plans, reading, over: readings) })
    }

    private func plans(_ name: String) -> [AppPlan]? {
        (try? Files.read(path(name))).flatMap { $0 }.flatMap { try? CanonicalJSON.decode([AppPlan].self, from: $0) }
    }

    private func path(_ name: String) -> String { "\(folder)/\(name).json" }

    private var readingsPath: String { "\(folder)/\(question.hex).readings" }

    private var readings: [Reading] { Reading.parse(((try? Files.read(readingsPath)) ?? nil) ?? []) }

    private func save(_ plans: [AppPlan], _ reading: Reading, over readings: [Reading]) throws {
        try Files.makeRoom(in: folder, capacity: Self.capacity)
        try Files.replace(path(key.hex), with: CanonicalJSON.encode(plans), mode: 0o600)
        let text = Reading.text(Array(([reading] + readings).prefix(Self.memory)))
        try Files.replace(readingsPath, with: text, mode: 0o600)
    }

    /// This program as the disk has it: two builds of one version may plan differently.
    private static var program: String {
        let path = (try? Files.resolved("/proc/self/exe")) ?? nil
        return path.flatMap { path in FileSignature.of(path).map { "\($0.inode) \($0.size) \($0.modified)" } } ?? "unknown"
    }
}
