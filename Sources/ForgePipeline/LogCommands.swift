internal import ForgeControl
internal import ForgeModel
package import ForgeReleases
internal import ForgeStore
internal import ForgeSystem

/// Whose log, and how much of it.
package struct LogRequest: Sendable {
    package let place: ReleasePlace
    /// A release of the project; nil for the active one, else the newest.
    package let release: String?
    package let lines: Int
    package let follows: Bool

    package init(place: ReleasePlace, release: String?, lines: Int, follows: Bool) {
        self.place = place
        self.release = release
        self.lines = lines
        self.follows = follows
    }
}

/// One line of a server's log.
package struct LogLine: Hashable, Sendable {
    package enum Kind: String, Sendable, Codable { case output, cut, remark, dropped }

    package let release: String
    /// Milliseconds since 1970.
    package let time: Int64
    package let kind: Kind
    /// As written: escape it.
    package let bytes: [UInt8]
}

extension Pipeline {
    /// Calls `show` with the last lines, and, when the request follows, with each new one until the task is cancelled, also of the
    /// release that takes the place of the first.
    /// - Throws: `ForgeError` `logs.no-release`, `release.unknown`, `release.ambiguous`, `logs.no-log`
    package func logs(_ request: LogRequest, _ show: ([LogLine]) throws -> Void) async throws {
        let log = try await ReleaseLog.open(directories.releases)
        var release = try await logged(request, log)
        let folder = AppLogFolder(directories.appLogs)
        guard try await hasLog(release.id, folder) || request.follows && release.status == .pending else {
            throw try await noLog(release)
        }
        var path = folder.log(of: release.id)
        var reader = AppLogReader(path: path, last: request.lines)
        try show(try await Self.take(&reader, release.id))
        do {
            while request.follows {
                try await Task.sleep(for: .milliseconds(250))
                try show(try await Self.take(&reader, release.id))
                guard request.release == nil else { continue }
                let next = try await logged(request, log)
                // A static release has no log: the one before it goes on being shown as long as there is no other.
                guard next.id != release.id, try await hasLog(next.id, folder) else { continue }
                try show(try await Self.take(&reader, release.id))
                release = next
                // A server that was kept goes on in the log it had; of another's, what is older than the release is not its own.
                guard folder.log(of: next.id) != path else { continue }
                path = folder.log(of: next.id)
                reader = AppLogReader(path: path, last: .max)
                try show(try await Self.take(&reader, next.id).filter { $0.time >= next.createdAt })
            }
        } catch is CancellationError {
            // Following has no other end.
        }
    }

    private static func take(_ reader: inout AppLogReader, _ release: String) async throws -> [LogLine] {
        let before = reader
        let (after, records) = try await BlockingPool.run {
            var reader = before
            let records = try reader.take()
            return (reader, records)
        }
        reader = after
        return records.map { LogLine(release: release, time: $0.time, kind: kind($0.kind), bytes: $0.bytes) }
    }

    private static func kind(_ kind: AppLogRecord.Kind) -> LogLine.Kind {
        switch kind {
        case .output: .output
        case .cut: .cut
        case .remark: .remark
        case .dropped: .dropped
        }
    }

    private func hasLog(_ release: String, _ folder: AppLogFolder) async throws -> Bool {
        await BlockingPool.run { Files.exists(folder.log(of: release)) }
    }

    private func logged(_ request: LogRequest, _ log: ReleaseLog) async throws -> Release {
        let hint = "`forge releases --project \(request.place.project)` lists them"
        let all = try await log.list(project: request.place.project)
        if let id = request.release {
            let matches = all.filter { $0.id == id || (id.utf8.count >= 4 && $0.id.hasPrefix(id)) }
            guard let match = matches.first else {
                throw ForgeError(.usage, "release.unknown", "no release `\(id)` of `\(request.place.project)`", hint: hint)
            }
            guard matches.count == 1 else {
                throw ForgeError(.usage, "release.ambiguous", "`\(id)` begins the names of \(matches.count) releases", hint: hint)
            }
            return match
        }
        let here = all.filter { $0.place == request.place }
        guard let release = here.first(where: { $0.status == .active }) ?? here.first else {
            throw ForgeError(
                .deploy, "logs.no-release", "there is no release of \(request.place.display)",
                hint: all.isEmpty ? "make one: `forge deploy DIR --project \(request.place.project)`" : hint)
        }
        return release
    }

    private func noLog(_ release: Release) async throws -> ForgeError {
        let artifact = try await openStore().artifacts.load(release.artifact)
        if artifact?.manifest.kind == .static {
            return ForgeError(
                .deploy, "logs.no-log", "release `\(release.id)` is files: no server runs for it, so there is no log",
                hint: "the gateway writes a line for each request it answers")
        }
        return ForgeError(
            .deploy, "logs.no-log", "there is no log of release `\(release.id)`: its server never ran here, or 20 newer ones have",
            hint: "`forge releases --project \(release.place.project)` lists the releases")
    }
}
