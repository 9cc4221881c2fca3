import ForgeModel
import ForgeSandbox
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Synchronization

/// One sandbox for servers in a folder of its own, over an artifact that is a small HTTP server.
struct ServerWorkshop: ~Copyable {
    let root: String
    let sandbox: ServerSandbox

    init(_ runtime: String? = nil, network: ServerNetwork = .open) async throws {
        root = NSTemporaryDirectory() + "/forge-server-test-" + UUID().uuidString
        try Files.makeDirectory(root + "/artifact", mode: 0o755)
        try Files.writeAtomically(Array(Self.program.utf8), to: root + "/artifact/server.py")
        sandbox = try await ServerSandbox.open(
            helper: BuildProducts.executable("forge-sandbox"), directory: root + "/sandboxes", runtime: runtime, network: network)
    }

    /// Answers `GET /` with its pid and how often it was asked, and any other path with what that line of the shell prints.
    private static let program = """
        import http.server, os, signal, subprocess, sys, time, urllib.parse
        count = 0
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                global count
                count += 1
                line = urllib.parse.unquote(self.path[1:])
                body = f"{os.getpid()} {count}\\n".encode() if not line else subprocess.run(
                    ["/bin/sh", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *arguments): pass
        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
        def stop(*arguments):
            print("bye", flush=True)
            sys.exit(7)
        if os.environ.get("GRACEFUL") == "1": signal.signal(signal.SIGTERM, stop)
        server = Server((os.environ.get("ADDRESS", "127.0.0.1"), int(os.environ["PORT"])), Handler)
        print("up", flush=True)
        server.serve_forever()
        """

    struct Started {
        let server: RunningServer
        let log: ServerLog
    }

    /// Starts the artifact's server and waits until it says that it listens.
    func start(
        limits: ServerLimits = .small, network: ServerNetwork = .closed, environment: [String: String] = [:],
        writable: [RelativePath] = []
    ) async throws -> Started {
        let started = try await run(
            ["python3", "server.py"], limits: limits, network: network, environment: ["PORT": "8000"].merging(environment) { $1 },
            writable: writable)
        try await started.log.wait(for: "up\n")
        return started
    }

    func run(
        _ command: [String], limits: ServerLimits = .small, network: ServerNetwork = .closed, environment: [String: String] = [:],
        writable: [RelativePath] = []
    ) async throws -> Started {
        let log = ServerLog()
        var request = ServerRequest(
            root: root + "/artifact", command: command, environment: environment, limits: limits, network: network)
        request.writable = writable
        return Started(server: try await RunningServer.start(request, in: sandbox) { log.append($0) }, log: log)
    }

    /// Run directories, mounts, loop devices and processes of this workshop's servers.
    func leftovers() throws -> [String] {
        let mounts = String(decoding: try Files.read("/proc/self/mounts") ?? [], as: UTF8.self)
        let loops = try Files.list("/sys/block").compactMap { try Files.read("/sys/block/\($0)/loop/backing_file") }
        return try Files.list(root + "/sandboxes").filter { $0.hasPrefix("server-") }
            + mounts.split(separator: "\n").filter { $0.contains(root) }.map(String.init)
            + loops.map { String(decoding: $0, as: UTF8.self) }.filter { $0.contains(root) } + processes(with: root)
    }

    /// The name of the one running server's cgroup.
    func cgroup() throws -> String? {
        try Files.list(root + "/sandboxes").first { $0.hasPrefix("server-") && !$0.hasSuffix(".lock") }
            .map { "forge-" + $0.dropFirst("server-".count) }
    }

    deinit { try? Files.removeTree(root) }
}

extension ServerLimits {
    static let small = ServerLimits(memoryBytes: 128 << 20, processes: 64, cpus: 0, diskBytes: 32 << 20)

    func with(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
        var limits = self
        change(&limits)
        return limits
    }
}

/// What a server has printed.
final class ServerLog: Sendable {
    private let text = Mutex("")
    private let lines: AsyncStream<Void>
    private let grown: AsyncStream<Void>.Continuation

    init() { (lines, grown) = AsyncStream.makeStream() }

    func append(_ bytes: UnsafeRawBufferPointer) {
        text.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
        grown.yield()
    }

    var all: String { text.withLock { $0 } }

    /// Call from one task only.
    func wait(for part: String) async throws {
        if all.contains(part) { return }
        for await _ in lines where all.contains(part) { return }
        throw TestSupportError("the server never printed `\(part)` but `\(all)`")
    }
}

extension RunningServer {
    /// The body of the answer to a request over a new connection; blocks.
    func get(_ line: String = "", port: Int = 8000) async throws -> String {
        let socket = try await connect(port: port).established(within: .seconds(10))
        return try await BlockingPool.run {
            let path = line.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            try socket.write(Array("GET /\(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
            var answer: [UInt8] = []
            while try socket.waitReadable(milliseconds: 60_000) {
                let part = try socket.readAll(limit: 1)
                if part.isEmpty { break }
                answer += part
            }
            let text = String(decoding: answer, as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { throw TestSupportError("no answer: \(text)") }
            return String(text[end.upperBound...])
        }
    }
}
