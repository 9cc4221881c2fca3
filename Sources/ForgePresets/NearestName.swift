/// Finds what a person probably meant.
package enum NearestName {
    /// The known name closest to `name`, or nil when none is close enough to be a slip of the fingers.
    package static func of(_ name: String, in known: some Sequence<String>) -> String? {
        let limit = min(3, name.count / 2)
        let wanted = name.lowercased()
        let ranked = known.map { (name: $0, distance: distance(wanted, $0.lowercased())) }
        return ranked.filter { $0.distance <= limit }.min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
    }

    /// A hint for an unknown name: the nearest one, else all that are known.
    package static func hint(for name: String, in known: [String]) -> String? {
        if let near = of(name, in: known) { return "did you mean `\(near)`?" }
        return known.isEmpty ? nil : "known: " + known.sorted().map { "`\($0)`" }.joined(separator: ", ")
    }

    /// Edits (insert, delete, replace, swap of neighbors) between two names.
    private static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.unicodeScalars.prefix(64))
        let b = Array(right.unicodeScalars.prefix(64))
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
