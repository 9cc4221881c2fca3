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
        migrator.registerMigration("4 uses, trust and assemblies") { database in
            try database.execute(
                sql: """
                    -- Seconds since 1970 of the last use, to the hour: what is used least recently goes first.
                    ALTER TABLE actionResult ADD COLUMN usedAt INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE object ADD COLUMN usedAt INTEGER NOT NULL DEFAULT 0;
                    UPDATE actionResult SET usedAt = recordedAt;
                    UPDATE object SET usedAt = savedAt;
                    ALTER TABLE execution ADD COLUMN preset TEXT;      -- PresetReference as JSON
                    CREATE TABLE untrustedResult (      -- what untrusted sources made: read by their own scope alone
                        scope TEXT NOT NULL,
                        action TEXT NOT NULL,
                        result TEXT NOT NULL,
                        recordedAt INTEGER NOT NULL,
                        usedAt INTEGER NOT NULL,
                        PRIMARY KEY (scope, action)
                    ) WITHOUT ROWID;
                    CREATE TABLE source (               -- snapshots and fetched commits
                        root TEXT PRIMARY KEY NOT NULL, -- `<hex>/<size>` of the tree
                        usedAt INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE assembly (             -- which artifact a build's tree gave
                        key TEXT PRIMARY KEY NOT NULL,
                        artifact TEXT NOT NULL,         -- Assembly as JSON
                        usedAt INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    DROP TABLE toolCache;
                    CREATE TABLE toolCache (
                        project TEXT NOT NULL,
                        scope TEXT NOT NULL,            -- '' is the trusted one
                        path TEXT NOT NULL,             -- where its steps find it
                        lockfile TEXT NOT NULL,         -- hex, or '' without one
                        root TEXT NOT NULL,             -- `<hex>/<size>` of the tree
                        bytes INTEGER NOT NULL,
                        savedAt INTEGER NOT NULL,
                        sequence INTEGER NOT NULL,      -- grows with each save of the same path
                        PRIMARY KEY (project, scope, path, lockfile)
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("5 images") { database in
            try database.execute(
                sql: """
                    CREATE TABLE image (
                        key TEXT PRIMARY KEY NOT NULL,  -- hex digest of what was pulled, and the platform
                        image TEXT NOT NULL,            -- StoredImage as JSON
                        usedAt INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("6 registry entries") { database in
            try database.execute(
                sql: """
                    CREATE TABLE registryEntry (
                        scope TEXT NOT NULL,                -- '' is the trusted one without credentials
                        url TEXT NOT NULL,
                        variant TEXT NOT NULL,
                        status INTEGER NOT NULL,
                        headers TEXT NOT NULL,              -- JSON
                        body TEXT NOT NULL,                 -- `<hex>/<size>` of a blob
                        sha512 TEXT NOT NULL,
                        sha1 TEXT NOT NULL,
                        usedAt INTEGER NOT NULL,
                        PRIMARY KEY (scope, url, variant)
                    ) WITHOUT ROWID;
                    """)
        }
        return migrator
    }
}
