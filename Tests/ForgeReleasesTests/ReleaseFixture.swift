import ForgeEvents
import ForgeModel
import ForgeStore
import ForgeSystem
import ForgeTestSupport
import Foundation
import Synchronization

@testable import ForgeReleases

/// A store, a release log and targets in a folder of their own.
struct ReleaseFixture: Sendable {
    let folder: TemporaryDirectory
    let store: Store
    let log: ReleaseLog
    let events = EventLog()

    /// The built-in targets of this checkout, with the programs of this build.
    static let builtIn = TargetCatalog(directories: [BuildProducts.checkout + "Plugins"], programs: [BuildProducts.directory])

    static func run(_ body: (ReleaseFixture) async throws -> Void) async throws {
        Signals.ignoreBrokenPipes()
        let folder = try TemporaryDirectory(in: NSTemporaryDirectory() + "forge-releases-tests", prefix: "releases")
        defer { try? folder.remove() }
        let store = try await Store.open(at: folder.path + "/store")
        let log = try await ReleaseLog.open(folder.path + "/releases.sqlite")
        try await body(ReleaseFixture(folder: folder, store: store, log: log))
    }

    func artifact(_ files: [String: String]) async throws -> Artifact {
        let root = try await store.trees.ingest(MemoryTree(files: files))
        return try await store.artifacts.save(ArtifactManifest(kind: .static, platform: nil, root: root, launch: nil, routes: []))
    }

    func service(_ catalog: TargetCatalog = builtIn, limits: TargetLimits = TargetLimits()) -> ReleaseService {
        var settings = ReleaseService.Settings(gatewayPort: 8080, clock: { 1_800_000_000_000 })
        settings.limits = limits
        settings.turnLimit = .seconds(30)
        return ReleaseService(log: log, catalog: catalog, store: store, events: events, settings: settings)
    }

    /// A catalog with one target made of `script`.
    func catalog(_ script: String, name: String = "script") throws -> TargetCatalog {
        let plugin = "\(folder.path)/plugins/\(name)"
        try Files.makeDirectory(plugin)
        try Files.writeAtomically(Array(script.utf8), to: plugin + "/run", mode: 0o755)
        let description = """
            name = "\(name)"
            version = "1"
            protocol = 1
            executable = "run"
            kinds = ["static"]
            """
        try Files.writeAtomically(Array(description.utf8), to: plugin + "/plugin.toml")
        return TargetCatalog(directories: [folder.path + "/plugins"], programs: [])
    }

    /// What the gateway would serve for `host`, as `index.html`.
    func served(_ host: String) throws -> String? {
        guard let entry = try log.routes.snapshot().entries[host] else { return nil }
        return try Files.read(entry.root + "/index.html").map { String(decoding: $0, as: UTF8.self) }
    }

    /// `status artifact` of a place's releases, the newest first.
    func history(_ place: ReleasePlace, _ names: [Digest: String]) async throws -> [String] {
        try await log.list(place).map { "\($0.status.rawValue) \(names[$0.artifact] ?? "?")" }
    }
}

/// The production of a project whose name is known to be good.
private func production(_ slug: String) -> ReleasePlace {
    guard let project = try? ProjectSlug(parsing: slug), let place = try? ReleasePlace(project: project, environment: .production) else {
        preconditionFailure("`\(slug)` is no slug")
    }
    return place
}

let mySite = production("my-site")

/// A span for a test that does not look at it.
let anySpan = Span(id: 1, kind: .deploy, name: "my-site")

/// What was emitted, in order.
final class EventLog: EventSink {
    private let kept = Mutex<[ForgeEvent.Payload]>([])

    func emit(_ payload: ForgeEvent.Payload) { kept.withLock { $0.append(payload) } }

    /// One short line an event; durations left out.
    var lines: [String] {
        kept.withLock { $0 }.map { payload in
            switch payload {
            case .started(let span): "started \(span.kind.rawValue) \(span.name)"
            case .progress(let span, let text): "\(span) \(text)"
            case .finished(let span, let outcome, _, let detail, _): "finished \(span) \(outcome.rawValue) \(detail ?? "-")"
            default: "something else"
            }
        }
    }
}

/// A tree of text files.
struct MemoryTree: SourceTree {
    let files: [String: String]

    func node(at path: RelativePath) throws -> SourceNode? {
        if let text = files[path.string] { return .file(executable: false, size: Int64(text.utf8.count)) }
        return path.isRoot || files.keys.contains { $0.hasPrefix(path.string + "/") } ? .directory : nil
    }

    func entries(of path: RelativePath) throws -> [SourceEntry] {
        let prefix = path.isRoot ? "" : path.string + "/"
        let names = Set(files.keys.filter { $0.hasPrefix(prefix) }.compactMap { $0.dropFirst(prefix.count).split(separator: "/").first })
        return try names.map(String.init).sorted().compactMap { name in
            try node(at: path.appending(component: name)).map { SourceEntry(name: name, node: $0) }
        }
    }

    func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? { files[path.string].map { Array($0.utf8.prefix(limit)) } }
}
