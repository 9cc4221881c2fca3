internal import ForgeModel

/// The releases of one place, and which of them a rollback means.
struct ReleaseHistory {
    let place: ReleasePlace
    let newestFirst: [Release]

    var active: Release? { newestFirst.first { $0.status == .active } }

    /// - Throws: `ForgeError` `release.nothing-older`, `release.unknown`, `release.ambiguous`, `release.never-active`
    func goal(_ id: String?) throws -> Release {
        guard let id else { return try before() }
        let matches = newestFirst.filter { $0.id == id || (id.utf8.count >= 4 && $0.id.hasPrefix(id)) }
        guard let match = matches.first else {
            throw ForgeError(.usage, "release.unknown", "no release `\(id)` in \(place.display)", hint: hint)
        }
        guard matches.count == 1 else {
            throw ForgeError(.usage, "release.ambiguous", "`\(id)` begins the names of \(matches.count) releases", hint: hint)
        }
        guard match.status != .failed && match.status != .pending else {
            throw ForgeError(
                .deploy, "release.never-active", "release `\(match.id)` never was active: it is \(match.status.rawValue)", hint: hint)
        }
        return match
    }

    /// Further back with every call: what a rollback left is not come back to, and what it brought back counts as what it was.
    private func before() throws -> Release {
        let origin = active?.origin ?? active?.id
        let older = origin.map { id in newestFirst.drop { $0.id != id }.dropFirst() } ?? newestFirst[...]
        guard let goal = older.first(where: { $0.status == .superseded && $0.artifact != active?.artifact && $0.origin == nil }) else {
            throw ForgeError(.deploy, "release.nothing-older", "there is no older release of \(place.display) to go back to", hint: hint)
        }
        return goal
    }

    private var hint: String { "`forge releases --project \(place.project)` lists them" }
}
