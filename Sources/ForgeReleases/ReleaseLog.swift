package import ForgeModel
package import ForgeStore
internal import ForgeSystem
internal import GRDB

/// The history of releases and, in the same SQLite file, the route table: a release becomes active and its route changes in
/// one transaction.
package struct ReleaseLog: Sendable {
    /// The route table in this file, for the gateway.
    package let routes: RouteTable
    private let database: ForgeStore.Database
    private let path: String

    /// Opens or creates the file at `path`.
    /// - Throws: `ForgeError` `release.log-failed`
    package static func open(_ path: String) async throws -> ReleaseLog {
        try await reported(path) {
            try await BlockingPool.run { try Files.makeDirectory(Files.parent(of: path), mode: 0o700) }
            // SQLite cannot switch a new file to its log while another process does the same.
            let lock = try await FileLock.acquire(path + ".open")
            defer { withExtendedLifetime(lock) {} }
            return try await BlockingPool.run {
                let database = try ForgeStore.Database.open(path, migrator: ReleaseSchema.migrator)
                return ReleaseLog(routes: RouteTable(in: database), database: database, path: path)
            }
        }
    }

    /// Holds off every other deploy to `place` until the result is let go of; waits at most `limit` for its turn.
    /// - Throws: `ForgeError` `release.busy`
    func claim(_ place: ReleasePlace, limit: Duration) async throws -> FileLock {
        let folder = path + ".locks"
        let name = "\(folder)/\(place.host).lock"
        let deadline = ContinuousClock.now + limit
        try await BlockingPool.run { try Files.makeDirectory(folder, mode: 0o700) }
        while true {
            if let lock = try await BlockingPool.run({ try FileLock.attempt(name) }) { return lock }
            guard ContinuousClock.now < deadline else {
                throw ForgeError(
                    .deploy, "release.busy", "another deploy to \(place.display) is under way", hint: "run again when it has ended")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Writes down a release that is about to be deployed.
    func begin(_ release: Release) async throws {
        try await write { database in
            try database.execute(
                sql: """
                    INSERT INTO release (id, project, environment, preview, artifact, target, status, createdAt, previous, origin)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    release.id, release.place.project.text, release.place.environment.rawValue, release.place.preview ?? 0,
                    ReleaseSchema.text(release.artifact), release.target, release.status.rawValue, release.createdAt,
                    release.previous, release.origin,
                ])
        }
    }

    /// Makes the pending release `id` the active one and applies `changes`, or does neither.
    func activate(_ id: String, at place: ReleasePlace, leaving: Release.Status, externalURL: String?, changes: [RouteChange]) async throws
    {
        let version = try await write { database in
            try database.execute(
                sql: "UPDATE release SET status = ? WHERE project = ? AND environment = ? AND preview = ? AND status = 'active'",
                arguments: [leaving.rawValue] + ReleaseSchema.arguments(place))
            try database.execute(
                sql: "UPDATE release SET status = 'active', url = ? WHERE id = ? AND status = 'pending'", arguments: [externalURL, id])
            guard database.changesCount == 1 else {
                throw ForgeError(.bug, "release.not-pending", "release `\(id)` is not pending any more")
            }
            return try RouteTable.apply(changes, in: database)
        }
        routes.announce(version)
    }

    /// Marks the pending release `id` as failed.
    func fail(_ id: String, _ reason: String) async throws {
        try await write {
            try $0.execute(
                sql: "UPDATE release SET status = 'failed', failure = ? WHERE id = ? AND status = 'pending'", arguments: [reason, id])
        }
    }

    /// Marks what deploys that were killed left pending at `place`; the caller has claimed it.
    func failStale(_ place: ReleasePlace) async throws {
        try await write {
            try $0.execute(
                sql: """
                    UPDATE release SET status = 'failed', failure = 'its deploy ended without a result'
                    WHERE project = ? AND environment = ? AND preview = ? AND status = 'pending'
                    """, arguments: ReleaseSchema.arguments(place))
        }
    }

    /// The releases of a project, the newest first; of one environment when it is given.
    package func list(project: ProjectSlug, environment: DeployEnvironment? = nil) async throws -> [Release] {
        try await Self.reported(path) {
            try await database.pool.read { database in
                let rows = try Row.fetchAll(
                    database, sql: "SELECT * FROM release WHERE project = ? AND environment LIKE ? ORDER BY sequence DESC",
                    arguments: [project.text, environment?.rawValue ?? "%"])
                return try rows.map(ReleaseSchema.release)
            }
        }
    }

    /// The releases of one place, the newest first.
    func list(_ place: ReleasePlace) async throws -> [Release] {
        try await list(project: place.project, environment: place.environment).filter { $0.place == place }
    }

    /// The artifacts that can still be released again: what a clean-up of the store must keep.
    package func keptArtifacts() async throws -> Set<Digest> {
        try await Self.reported(path) {
            try await database.pool.read { database in
                let texts = try String.fetchAll(database, sql: "SELECT DISTINCT artifact FROM release WHERE status <> 'failed'")
                return Set(try texts.map(ReleaseSchema.digest))
            }
        }
    }

    @discardableResult
    private func write<Value: Sendable>(_ body: @escaping @Sendable (GRDB.Database) throws -> Value) async throws -> Value {
        try await Self.reported(path) { try await database.pool.write(body) }
    }

    private static func reported<Value>(_ path: String, _ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch let error as ForgeError { throw error } catch let error as CancellationError {
            throw error
        } catch {
            throw ForgeError(
                .deploy, "release.log-failed", "the release log `\(path)` cannot be used",
                hint: "check the folder's permissions and free space", cause: error)
        }
    }
}
