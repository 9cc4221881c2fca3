internal import GRDB

/// The tables of `index.sqlite`, in the order they came to be. A released migration is never edited.
enum StoreSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 actions and objects") { database in
            try database.execute(
                sql: """
                    CREATE TABLE actionResult (
                        action TEXT PRIMARY KEY NOT NULL,   -- hex digest of the Action message
                        result TEXT NOT NULL,               -- ActionResult as JSON
                        recordedAt INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE execution (
                        scope TEXT NOT NULL,
                        step TEXT NOT NULL,
                        action TEXT NOT NULL,               -- Action as JSON
                        recordedAt INTEGER NOT NULL,
                        PRIMARY KEY (scope, step)
                    ) WITHOUT ROWID;
                    CREATE TABLE object (                   -- artifacts and build records: the roots of everything kept
                        hex TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        size INTEGER NOT NULL,
                        savedAt INTEGER NOT NULL,
                        PRIMARY KEY (hex, kind)
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("2 tool caches") { database in
            try database.execute(
                sql: """
                    CREATE TABLE toolCache (
                        scope TEXT NOT NULL,                -- names the project
                        path TEXT NOT NULL,                 -- where its steps find it
                        root TEXT NOT NULL,                 -- `<hex>/<size>` of the tree
                        savedAt INTEGER NOT NULL,
                        PRIMARY KEY (scope, path)
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("3 records by artifact") { database in
            try database.execute(
                sql: """
                    CREATE TABLE artifactRecord (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        artifact TEXT NOT NULL,             -- hex
                        record TEXT NOT NULL,               -- hex
                        size INTEGER NOT NULL               -- of the record
                    );
                    CREATE INDEX artifactRecordByArtifact ON artifactRecord (artifact, sequence);
                    """)
        }
        return migrator
    }
}
