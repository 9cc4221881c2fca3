package import GRDB
package import ForgeModel
internal import FoundationEssentials
internal import ForgeSystem

/// Where the requests for one host name go.
package struct RouteEntry: Hashable, Sendable, Codable {
    package enum Kind: String, Sendable, Codable {
        case `static`
        /// A server of this machine; `app` says which.
        case app
    }

    package let kind: Kind
    /// The release that put the route here.
    package let release: String
    package let artifact: Digest
    /// The absolute directory that is the site's root; for an app, of its files.
    package let root: String
    /// `root` as a path in the artifact; with `artifact` it names the content of every file served.
    package let directory: RelativePath
    /// A file below `root` that answers paths without a file of their own; nil for none.
    package let fallback: RelativePath?
    /// What the site answers besides its files; nil: nothing.
    package let site: SiteRules?
    /// What is to run, for a route of kind `app`.
    package let app: AppSpecification?

    package init(
        kind: Kind = .static, release: String, artifact: Digest, root: String, directory: RelativePath = .root,
        fallback: RelativePath? = nil, site: SiteRules? = nil, app: AppSpecification? = nil
    ) {
        self.site = site
        self.kind = kind
        self.release = release
        self.artifact = artifact
        self.root = root
        self.directory = directory
        self.fallback = fallback
        self.app = app
    }

    /// The route of a server.
    package init(app: AppSpecification, root: String) {
        self.init(kind: .app, release: app.release, artifact: app.artifact, root: root, app: app)
    }
}

/// One change of the table.
package enum RouteChange: Hashable, Sendable {
    /// `host` is lower case without port and trailing dot.
    case publish(host: String, RouteEntry)
    case withdraw(host: String)
}

/// The whole table as it was at one moment.
package struct RouteSnapshot: Hashable, Sendable {
    /// Grows with every change; 0 is the empty table of a new file.
    package let version: Int64
    /// Entries by host name.
    package let entries: [String: RouteEntry]

    package init(version: Int64, entries: [String: RouteEntry]) {
        self.version = version
        self.entries = entries
    }
}

/// The versioned table host name → entry, in an SQLite file shared by the processes that change it and those that serve
/// from it. Calls block: make them off the cooperative pool.
package struct RouteTable: Sendable {
    package let database: Database
    /// Says in eight bytes that something changed; `RouteWatch` compares them.
    let noticePath: String

    /// The table inside `database`, whose migrator had the table's migrations (`registerMigrations`).
    package init(in database: Database) {
        self.database = database
        self.noticePath = database.pool.path + ".notice"
    }

    /// Opens or creates a file with nothing but the table.
    package static func open(_ path: String) throws -> RouteTable {
        var migrator = DatabaseMigrator()
        registerMigrations(in: &migrator)
        return RouteTable(in: try Database.open(path, migrator: migrator))
    }

    /// Adds the table's schema to the migrations of a file that holds more than the table.
    package static func registerMigrations(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("routes-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE route (host TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT, WITHOUT ROWID;
                    CREATE TABLE routeVersion (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT;
                    INSERT INTO routeVersion VALUES (1, 0);
                    """)
        }
    }

    /// The table as it is now.
    package func snapshot() throws -> RouteSnapshot {
        try database.pool.read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT host, entry FROM route")
            let entries = try rows.map { row in
                (row["host"] as String, try JSONDecoder().decode(RouteEntry.self, from: Data((row["entry"] as String).utf8)))
            }
            return RouteSnapshot(version: try Self.version(database), entries: Dictionary(entries) { _, new in new })
        }
    }

    /// The number of the newest change.
    package func version() throws -> Int64 { try database.pool.read(Self.version) }

    /// Applies `changes` as one and tells the watchers. Returns the new version.
    @discardableResult
    package func apply(_ changes: [RouteChange]) throws -> Int64 {
        let version = try database.pool.write { try Self.apply(changes, in: $0) }
        announce(version)
        return version
    }

    /// Applies `changes` inside a transaction of the caller, who calls `announce` with the result after its commit.
    package static func apply(_ changes: [RouteChange], in database: GRDB.Database) throws -> Int64 {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for change in changes {
            switch change {
            case .publish(let host, let entry):
                let text = String(decoding: try encoder.encode(entry), as: UTF8.self)
                try database.execute(sql: "INSERT OR REPLACE INTO route VALUES (?, ?)", arguments: [host, text])
            case .withdraw(let host): try database.execute(sql: "DELETE FROM route WHERE host = ?", arguments: [host])
            }
        }
        try database.execute(sql: "UPDATE routeVersion SET version = version + 1")
        return try version(database)
    }

    /// Tells watchers in all processes that `version` is committed. They find out by themselves a little later when this
    /// fails or the process dies first.
    package func announce(_ version: Int64) {
        guard let file = try? Descriptor.open(noticePath, RouteNotice.writing, mode: 0o644) else { return }
        try? file.write(withUnsafeBytes(of: version.littleEndian) { Array($0) }, to: noticePath)
    }

    private static func version(_ database: GRDB.Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT version FROM routeVersion") ?? 0
    }
}
