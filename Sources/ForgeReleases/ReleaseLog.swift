package import ForgeModel
package import ForgeStore
internal import ForgeSystem
internal import GRDB

/// The history of releases and, in the same SQLite file, the route table: a release becomes active and its route changes in
/// one transaction.
package struct ReleaseLog: Sendable {
    /// The route table in this file, for the gateway.
    package let routes: RouteTable
    /// The record of each release's coming online.
    package let swaps: SwapTable
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
                return ReleaseLog(routes: RouteTable(in: database), swaps: SwapTable(in: database), database: database, path: path)
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

    /// The artifacts that releases need: of each place the active one and the last `depth` that were active before, to roll back to.
    package func artifactsInUse(depth: Int) async throws -> Set<Digest> {
        let texts = try await Self.reported(path) {
            try await database.pool.read { database in
                try String.fetchAll(
                    database,
                    sql: """
                        SELECT DISTINCT artifact FROM (
                            SELECT artifact, status, ROW_NUMBER() OVER (
                                PARTITION BY project, environment, preview ORDER BY sequence DESC) AS place
                            FROM release WHERE status NOT IN ('failed'))
                        WHERE place <= ? OR status IN ('active', 'pending')
                        """, arguments: [depth + 1])
            }
        }
        return Set(try texts.map(ReleaseSchema.digest))
    }

    /// Writes down a release that is about to be deployed.
    func begin(_ release: Release) async throws {
        try await write { database in
            try database.execute(
                sql: """
                    INSERT INTO release
                        (id, project, environment, preview, artifact, target, status, createdAt, previous, origin, commitId, variables,
                         variablesTag)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    release.id, release.place.project.text, release.place.environment.rawValue, release.place.preview ?? 0,
                    ReleaseSchema.text(release.artifact), release.target, release.status.rawValue, release.createdAt,
                    release.previous, release.origin, release.commit, release.variables, release.variablesTag,
                ])
        }
    }

    /// What becomes of the release that was active.
    enum Leaving: Hashable, Sendable {
        case superseded, rolledBack
        /// It is replaced because it failed.
        case failed(String)

        var status: Release.Status {
            switch self {
            case .superseded: .superseded
            case .rolledBack: .rolledBack
            case .failed: .failed
            }
        }

        var failure: String? { if case .failed(let reason) = self { reason } else { nil } }
    }

    /// Makes the pending release `id` the active one and applies `changes`, or does neither.
    /// - Throws: `ForgeError` `release.superseded` when it is not pending any more.
    func activate(_ id: String, at place: ReleasePlace, leaving: Leaving, externalURL: String?, changes: [RouteChange]) async throws {
        let version = try await write { database in
            try database.execute(
                sql: """
                    UPDATE release SET status = ?, failure = ? WHERE project = ? AND environment = ? AND preview = ? AND status = 'active'
                    """, arguments: [leaving.status.rawValue, leaving.failure] + ReleaseSchema.arguments(place))
            try database.execute(
                sql: "UPDATE release SET status = 'active', url = ? WHERE id = ? AND status = 'pending'", arguments: [externalURL, id])
            guard database.changesCount == 1 else { throw Self.superseded(id) }
            return try RouteTable.apply(changes, in: database)
        }
        routes.announce(version)
    }

    static func superseded(_ id: String? = nil) -> ForgeError {
        ForgeError(
            .deploy, "release.superseded",
            "a rollback took the place of " + (id.map { "release `\($0)`" } ?? "this deploy") + " before it was online",
            hint: "deploy again when the rollback is what you want to replace")
    }

    /// The number of the newest release of all. Numbers only grow.
    func newestSequence() async throws -> Int64 {
        try await read { try Int64.fetchOne($0, sql: "SELECT max(sequence) FROM release") ?? 0 }
    }

    /// Whether a rollback of `place` was begun after the release with the number `sequence`, and did not fail.
    func wasRolledBack(_ place: ReleasePlace, after sequence: Int64) async throws -> Bool {
        try await read { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM release WHERE sequence > ? AND origin IS NOT NULL AND status <> 'failed'
                        AND project = ? AND environment = ? AND preview = ?)
                    """, arguments: [sequence] + ReleaseSchema.arguments(place)) ?? false
        }
    }

    func status(of id: String) async throws -> Release.Status? {
        try await read { try String.fetchOne($0, sql: "SELECT status FROM release WHERE id = ?", arguments: [id]) }
            .flatMap(Release.Status.init)
    }

    /// Marks the active release `id` as failed; its route stays, and with it what its visitors are told.
    func failActive(_ id: String, _ reason: String) async throws {
        try await write {
            try $0.execute(
                sql: "UPDATE release SET status = 'failed', failure = ? WHERE id = ? AND status = 'active'", arguments: [reason, id])
        }
    }

    /// Marks the pending release `id` as failed.
    func fail(_ id: String, _ reason: String) async throws {
        try await write {
            try $0.execute(
                sql: "UPDATE release SET status = 'failed', failure = ? WHERE id = ? AND status = 'pending'", arguments: [reason, id])
        }
    }

    /// Marks what is pending at `place` as failed: what deploys that were killed left (the caller has claimed the place), or what
    /// is to make way.
    func failPending(_ place: ReleasePlace, _ reason: String = "its deploy ended without a result") async throws {
        try await write {
            try $0.execute(
                sql: """
                    UPDATE release SET status = 'failed', failure = ?
                    WHERE project = ? AND environment = ? AND preview = ? AND status = 'pending'
                    """, arguments: [reason] + ReleaseSchema.arguments(place))
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

    private func read<Value: Sendable>(_ body: @escaping @Sendable (GRDB.Database) throws -> Value) async throws -> Value {
        try await Self.reported(path) { try await database.pool.read(body) }
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
