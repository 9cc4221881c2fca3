internal import ForgeModel
internal import ForgeSystem

/// Which content each blob of a repository is, so that a commit's unchanged files need not be unpacked to be known.
///
/// A file of records, sorted by blob id, with a checksum at its end. It is a memo and no more: one that is missing, damaged or
/// of another version is an empty one.
struct BlobDigests: Sendable {
    private static let magic = Array("forge blobs 1\n".utf8)
    private static let idBytes = 20
    private static let hashBytes = 32
    private static let recordBytes = idBytes + hashBytes + 8
    /// Of a file that is read: more records than any tree may have files.
    private static let maximumBytes = recordBytes * 2 * Listing.maximumEntries

    private var records: [UInt8] = []

    init() {}

    init(at path: String) {
        guard let bytes = (try? Files.read(path, limit: Self.maximumBytes)) ?? nil, bytes.starts(with: Self.magic) else { return }
        let (start, end) = (Self.magic.count, bytes.count - Self.hashBytes)
        guard end >= start, (end - start) % Self.recordBytes == 0,
            Self.octets(Digest(of: bytes[..<end]).hex)?.elementsEqual(bytes[end...]) == true
        else { return }
        records = Array(bytes[start..<end])
    }

    var count: Int { records.count / Self.recordBytes }

    func digest(of id: ObjectID) -> Digest? {
        guard let wanted = Self.octets(id.hex), wanted.count == Self.idBytes else { return nil }
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            let found = blob(middle)
            if found.elementsEqual(wanted) { return digest(at: middle) }
            if found.lexicographicallyPrecedes(wanted) { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// These and `others`, as long as that is not far more than a tree of `size` files needs; else `others` alone.
    func adding(_ others: [ObjectID: Digest], size: Int) -> BlobDigests {
        var merged = BlobDigests()
        let additions = others.compactMap(Self.record).sorted { $0.lexicographicallyPrecedes($1) }
        var old = count + additions.count <= max(100_000, 4 * size) ? 0 : count
        merged.records.reserveCapacity(records.count + additions.count * Self.recordBytes)
        for addition in additions {
            while old < count, blob(old).lexicographicallyPrecedes(addition.prefix(Self.idBytes)) {
                merged.records += record(old)
                old += 1
            }
            if old < count, blob(old).elementsEqual(addition.prefix(Self.idBytes)) { old += 1 }
            merged.records += addition
        }
        if old < count { merged.records += records[(old * Self.recordBytes)...] }
        return merged
    }

    func save(to path: String) throws {
        let bytes = Self.magic + records
        try Files.writeAtomically(bytes + (Self.octets(Digest(of: bytes).hex) ?? []), to: path, mode: 0o600)
    }

    private func record(_ number: Int) -> ArraySlice<UInt8> {
        records[(number * Self.recordBytes)..<((number + 1) * Self.recordBytes)]
    }

    private func blob(_ number: Int) -> ArraySlice<UInt8> { record(number).prefix(Self.idBytes) }

    private func digest(at number: Int) -> Digest? {
        let rest = record(number).dropFirst(Self.idBytes)
        let size = rest.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return try? Digest(hex: Self.hex(rest.prefix(Self.hashBytes)), sizeBytes: Int64(clamping: size))
    }

    private static func record(_ id: ObjectID, _ digest: Digest) -> [UInt8]? {
        guard let name = octets(id.hex), name.count == idBytes, let hash = octets(digest.hex) else { return nil }
        let size = UInt64(digest.sizeBytes)
        return name + hash + (0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * UInt64($0))) }
    }

    private static func hex(_ bytes: some Collection<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var end = 0
            for byte in bytes {
                buffer[end] = digits[Int(byte >> 4)]
                buffer[end + 1] = digits[Int(byte & 15)]
                end += 2
            }
            return end
        }
    }

    private static func octets(_ hex: String) -> [UInt8]? {
        var octets: [UInt8] = []
        octets.reserveCapacity(hex.utf8.count / 2)
        var high: UInt8?
        for digit in hex.utf8 {
            let value: UInt8
            switch digit {
            case 48...57: value = digit - 48
            case 97...102: value = digit - 87
            default: return nil
            }
            if let half = high { octets.append(half << 4 | value) }
            high = high == nil ? value : nil
        }
        return high == nil ? octets : nil
    }
}
