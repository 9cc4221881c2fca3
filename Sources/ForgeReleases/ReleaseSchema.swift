internal import ForgeModel
internal import ForgeStore
internal import GRDB

/// The tables of the release log, and how rows become values. A released migration is never edited.
enum ReleaseSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        RouteTable.registerMigrations(in: &migrator)
        VariableSchema.registerMigrations(in: &migrator)
        migrator.registerMigration("releases-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE release (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        id TEXT NOT NULL UNIQUE,
                        project TEXT NOT NULL,
                        environment TEXT NOT NULL,
                        preview INTEGER NOT NULL,   -- 0 outside previews
                        artifact TEXT NOT NULL,     -- sha256:<hex>/<size>
                        target TEXT NOT NULL,
                        url TEXT,                   -- null: on the gateway
                        status TEXT NOT NULL,
                        createdAt INTEGER NOT NULL,
                        previous TEXT,
                        origin TEXT,
                        failure TEXT
                    ) STRICT;
                    CREATE UNIQUE INDEX oneActiveRelease ON release (project, environment, preview) WHERE status = 'active';
                    CREATE INDEX releaseByProject ON release (project, sequence);
                    """)
        }
        SwapTable.registerMigrations(in: &migrator)
        migrator.registerMigration("releases-2") { database in
            try database.execute(
                sql: """
                    ALTER TABLE release ADD COLUMN commitId TEXT;       -- null: not from a commit, or not known
                    ALTER TABLE release ADD COLUMN variables TEXT;      -- sealed for this release; null: none
                    ALTER TABLE release ADD COLUMN variablesTag TEXT NOT NULL DEFAULT '';
                    """)
        }
        return migrator
    }

    static func arguments(_ place: ReleasePlace) -> StatementArguments {
        [place.project.text, place.environment.rawValue, place.preview ?? 0]
    }

    static func text(_ digest: Digest) -> String { "\(digest)/\(digest.sizeBytes)" }

    static func digest(_ text: String) throws -> Digest {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let size = Int64(parts[1]) else { throw DigestError.malformed(text) }
        return try Digest(hex: Digest.hash(parsing: String(parts[0])), sizeBytes: size)
    }

    static func release(_ row: Row) throws -> Release {
        let id: String = row["id"]
        guard let environment = DeployEnvironment(rawValue: row["environment"]), let status = Release.Status(rawValue: row["status"])
        else { throw ForgeError(.deploy, "release.log-failed", "release `\(id)` was written by a newer version") }
        let place = try ReleasePlace(
            project: ProjectSlug(parsing: row["project"]), environment: environment,
            preview: environment == .preview ? row["preview"] : nil)
        return Release(
            id: id, place: place, artifact: try digest(row["artifact"]), target: row["target"], status: status,
            externalURL: row["url"], createdAt: row["createdAt"], previous: row["previous"], origin: row["origin"],
            failure: row["failure"], commit: row["commitId"], variables: row["variables"], variablesTag: row["variablesTag"])
    }
}
