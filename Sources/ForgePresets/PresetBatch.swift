internal import Dispatch
internal import ForgeModel
internal import Foundation
internal import Synchronization

/// Presets of one folder, read on all processors: every command waits for them.
struct PresetBatch: Sendable {
    /// A processor's share is not worth its thread below this.
    private static let leastShare = 16

    struct Parsed: Sendable {
        let file: String
        let preset: Preset?
        let faults: [Diagnostic]
    }

    private let items: [DescriptorFile]
    private let families: PresetFamilies
    private let keys: KnownKeys.Notes?

    init(_ items: [DescriptorFile], families: PresetFamilies, keys: KnownKeys.Notes?) {
        self.items = items
        self.families = families
        self.keys = keys
    }

    /// In the order of the files. Blocks.
    func parsed() -> [Parsed] {
        let shares = max(1, min(ProcessInfo.processInfo.activeProcessorCount, items.count / Self.leastShare))
        guard shares > 1 else { return parsed(items[...]) }
        let found = Mutex<[Int: [Parsed]]>([:])
        DispatchQueue.concurrentPerform(iterations: shares) { share in
            let part = parsed(items[(items.count * share / shares)..<(items.count * (share + 1) / shares)])
            found.withLock { $0[share] = part }
        }
        return found.withLock { all in (0..<shares).flatMap { all[$0] ?? [] } }
    }

    private func parsed(_ items: ArraySlice<DescriptorFile>) -> [Parsed] {
        var families = families
        return items.map { item in
            let faults = FaultLog(keys: keys)
            let preset = PresetCatalog.preset(parsing: item, families: &families, faults: faults)
            return Parsed(file: item.file, preset: preset, faults: faults.faults)
        }
    }
}
