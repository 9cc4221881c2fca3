internal import ForgeModel
internal import ForgeSystem

/// 65,536 user and group ids of the host that belong to one running sandbox and to nothing else meanwhile.
///
/// Held through a file lock that `forge-sandbox` inherits, so a killed Forge gives its range back, and not before the last
/// process with these ids is gone.
struct IDRange: Sendable {
    static let count: UInt32 = 65536
    /// Above what distributions hand out to people and their containers by default (100,000 to 600,100,000).
    private static let first: UInt32 = 1_879_048_192
    private static let slots: UInt32 = 1024

    let base: UInt32
    let lock: FileLock

    /// Where everybody who may take ids at all looks: one machine has them once, however many stores and gateways.
    private static let ofMachine = "/run/forge/ids"

    /// - Parameters:
    ///   - directory: for the locks where the machine's own place cannot be written to.
    ///   - known: bases of ranges that something lies ready for; they are tried before the others.
    /// - Throws: `ForgeError` when all ranges are taken.
    static func claim(in directory: String, preferring known: [UInt32] = []) throws -> IDRange {
        let slots = known.compactMap(slot) + Array(0..<slots)
        if (try? Files.makeDirectory(ofMachine, mode: 0o700)) != nil { return try free(of: slots, in: ofMachine) }
        try Files.makeDirectory(directory, mode: 0o700)
        return try free(of: slots, in: directory)
    }

    private static func slot(ofBase base: UInt32) -> UInt32? {
        guard base >= first, (base - first) % count == 0, (base - first) / count < slots else { return nil }
        return (base - first) / count
    }

    private static func free(of candidates: [UInt32], in directory: String) throws -> IDRange {
        for slot in candidates {
            if let lock = try FileLock.attempt("\(directory)/\(slot)") { return IDRange(base: first + slot * count, lock: lock) }
        }
        throw ForgeError(.build, "sandbox.no-ids", "all \(slots) id ranges are in use", hint: "wait for running builds to finish")
    }
}
