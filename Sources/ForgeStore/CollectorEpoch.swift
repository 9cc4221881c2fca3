internal import ForgeSystem
internal import Glibc

/// How often things were taken out of a store: while it stays the same, what was there is there.
struct CollectorEpoch: Hashable, Sendable {
    private let number: UInt64

    private static func path(_ root: String) -> String { root + "/epoch" }

    init(of root: String) {
        let bytes = (try? Files.read(Self.path(root), limit: 8)) ?? nil
        number = bytes.map { $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } } ?? 0
    }

    /// Before anything is taken out; the caller holds the gate alone.
    static func advance(in root: String) throws {
        let next = CollectorEpoch(of: root).number &+ 1
        try Files.replace(path(root), with: withUnsafeBytes(of: next.littleEndian) { Array($0) }, mode: 0o600)
    }
}
