/// A size as people read it: `0 B`, `999 B`, `1.2 MB`. Thousands, not 1024s.
package struct Bytes: Hashable, Sendable, CustomStringConvertible {
    package let count: Int64

    package init(_ count: some BinaryInteger) { self.count = Int64(clamping: count) }

    package var description: String {
        guard count >= 1000 else { return "\(count) B" }
        var unit: Int64 = 1000
        for name in ["kB", "MB", "GB", "TB"] {
            let tenths = (Double(count) / Double(unit) * 10).rounded()
            if tenths < 10_000 || name == "TB" { return "\(Int64(tenths) / 10).\(Int64(tenths) % 10) \(name)" }
            unit *= 1000
        }
        return "\(count) B"
    }
}

/// A duration as people read it: `320 ms`, `1.4 s`, `2 min 05 s`, `1 h 02 min`.
package struct Milliseconds: Hashable, Sendable, CustomStringConvertible {
    package let count: Int64

    package init(_ count: some BinaryInteger) { self.count = Int64(clamping: count) }

    package var description: String {
        guard count >= 1000 else { return "\(max(count, 0)) ms" }
        let tenths = count / 100 + (count % 100 >= 50 ? 1 : 0)
        guard tenths >= 600 else { return "\(tenths / 10).\(tenths % 10) s" }
        let seconds = count / 1000 + (count % 1000 >= 500 ? 1 : 0)
        guard seconds >= 3600 else { return "\(seconds / 60) min \(twoDigits(seconds % 60)) s" }
        return "\(seconds / 3600) h \(twoDigits(seconds / 60 % 60)) min"
    }

    private func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// A number of things: `1 file`, `41 files`.
package struct Count: Hashable, Sendable, CustomStringConvertible {
    package let count: Int
    /// The thing's name; its plural ends in `s`.
    package let noun: String

    package init(_ count: Int, _ noun: String) {
        self.count = count
        self.noun = noun
    }

    package var description: String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
