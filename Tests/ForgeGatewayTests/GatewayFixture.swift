import ForgeGateway
import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Synchronization

/// A gateway on a free port with folders of its own; removed when the test is done.
struct GatewayFixture {
    let folder: TemporaryDirectory
    let routes: RouteTable
    let gateway: Gateway
    let port: Int
    let log: AccessLog
    let upstreams: Upstreams
    let traffic: ReleaseTraffic

    static func run(
        limits: GatewayLimits = GatewayLimits(), _ body: (GatewayFixture) async throws -> Void
    ) async throws {
        let folder = try TemporaryDirectory(in: NSTemporaryDirectory() + "forge-gateway-tests", prefix: "gateway")
        defer { try? folder.remove() }
        let routes = try RouteTable.open(folder.path + "/releases.sqlite")
        let log = AccessLog()
        var configuration = Gateway.Configuration(
            listen: ListenAddress(host: "127.0.0.1", port: 0), statePath: folder.path + "/gateway.json", log: { log.add($0) })
        configuration.limits = limits
        let gateway = Gateway(routes: routes, configuration: configuration)
        let state = try await gateway.start()
        let fixture = GatewayFixture(
            folder: folder, routes: routes, gateway: gateway, port: state.port, log: log, upstreams: configuration.upstreams,
            traffic: configuration.traffic)
        do { try await body(fixture) } catch {
            await gateway.stop(grace: .zero)
            throw error
        }
        await gateway.stop(grace: .zero)
    }

    /// Writes `files` below a new folder and returns it.
    func site(_ files: [String: String], name: String = "site") throws -> String {
        let root = "\(folder.path)/\(name)"
        for (path, text) in files {
            let file = "\(root)/\(path)"
            try Files.makeDirectory(Files.parent(of: file))
            try Files.writeAtomically(Array(text.utf8), to: file)
        }
        return root
    }

    /// Serves `root` as `host`; `artifact` stands for its content.
    func publish(_ host: String, _ root: String, artifact: String = "one", fallback: String? = nil, in table: RouteTable? = nil) throws {
        let entry = RouteEntry(
            release: "release-\(artifact)", artifact: Digest(of: artifact), root: root,
            fallback: try fallback.map { try RelativePath(parsing: $0) })
        try (table ?? routes).apply([.publish(host: host, entry)])
    }

    /// Sends requests for `host` to `app` from now on.
    func serve(_ app: StubApp, host: String = "app.localhost", release: String = "one") throws {
        upstreams.set(release, .ready(app.upstream(release)))
        try route(host, to: release)
    }

    /// The route alone.
    func route(_ host: String = "app.localhost", to release: String) throws {
        let entry = RouteEntry(kind: .app, release: release, artifact: Digest(of: release), root: "/nonexistent")
        try routes.apply([.publish(host: host, entry)])
    }

    func connect() throws -> RawClient { try RawClient(port: port) }

    /// Whether this gateway answers a new request for one of its files. Another one, of a test beside this, may have taken
    /// the port over: it does not know the file.
    func takesNewRequests(_ target: String) throws -> Bool {
        guard let client = try? connect() else { return false }
        try client.send("HEAD \(target) HTTP/1.1\r\nHost: site.localhost\r\nConnection: close\r\n\r\n")
        return (try? client.response(toHead: true).status) == 200
    }

    /// One request on a connection of its own.
    func get(_ target: String, host: String = "site.localhost", method: String = "GET", _ headers: [String] = []) async throws
        -> RawResponse
    {
        let head = (["\(method) \(target) HTTP/1.1", "Host: \(host)", "Connection: close"] + headers).joined(separator: "\r\n")
        return try await BlockingPool.run {
            let client = try self.connect()
            try client.send(head + "\r\n\r\n")
            return try client.response(toHead: method == "HEAD")
        }
    }
}

/// What the gateway told its log.
final class AccessLog: Sendable {
    private let kept = Mutex<[AccessRecord]>([])

    func add(_ record: AccessRecord) { kept.withLock { $0.append(record) } }
    var records: [AccessRecord] { kept.withLock { $0 } }
}

/// Waits until `condition` holds; false after ten seconds.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}
