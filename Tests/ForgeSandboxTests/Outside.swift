import ForgeSystem
import ForgeTestSupport
import Glibc

/// Another machine, as far as the network can tell: a namespace of its own at the other end of a wire, with a server on port 80
/// that answers with its caller's address, or with what happens when it calls `/ADDRESS/PORT` itself.
final class Outside: Sendable {
    let address: String
    /// This machine's end of the wire.
    let gateway: String
    private let child: ChildProcess
    private let interface: String

    private static let program = """
        import http.server, socket
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                parts = self.path.split("/")[1:]
                answer = self.client_address[0]
                if len(parts) == 2:
                    client = socket.socket()
                    client.settimeout(10)
                    answer = str(client.connect_ex((parts[0], int(parts[1]))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write((answer + "\\n").encode())
            def log_message(self, *arguments): pass
        server = http.server.ThreadingHTTPServer(("0.0.0.0", 80), Handler)
        print("up", flush=True)
        server.serve_forever()
        """

    init() async throws {
        let (end, output) = try Descriptor.pipe()
        child = try ChildProcess.spawn(
            .init(
                "/usr/bin/unshare", ["-n", "/usr/bin/python3", "-c", Self.program], environment: ["PATH": "/usr/bin:/usr/sbin"],
                descriptors: [1: output]))
        interface = "fo\(child.pid)"
        let place = Int(child.pid % 64) * 4
        (gateway, address) = ("198.51.100.\(place + 1)", "198.51.100.\(place + 2)")
        guard try end.readAll(limit: 3) == Array("up\n".utf8) else { throw TestSupportError("no namespace outside") }
        let inside = "nsenter --net=/proc/\(child.pid)/ns/net ip"
        let setUp = """
            set -e
            ip link add name \(interface) type veth peer name eth0 netns \(child.pid)
            ip address add \(gateway)/30 dev \(interface)
            ip link set dev \(interface) up
            echo 1 > /proc/sys/net/ipv4/conf/\(interface)/forwarding
            \(inside) link set dev lo up
            \(inside) address add \(address)/30 dev eth0
            \(inside) link set dev eth0 up
            \(inside) route add default via \(gateway)
            """
        let result = try await ChildProcess.output(
            .init("/bin/sh", ["-c", setUp], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]))
        guard result.status.isSuccess else { throw TestSupportError(String(decoding: result.error, as: UTF8.self)) }
    }

    /// What the machine outside gets when it calls `address`: an errno, 0 for a connection.
    func calls(_ address: String, port: Int) async throws -> Int32? {
        let socket = try Descriptor.connect(host: self.address, port: 80, milliseconds: 5000)
        let answer = try await BlockingPool.run {
            try socket.write(Array("GET /\(address)/\(port) HTTP/1.0\r\n\r\n".utf8))
            return String(decoding: try socket.readAll(), as: UTF8.self)
        }
        return answer.split(separator: "\r\n").last.flatMap { Int32($0.filter(\.isNumber)) }
    }

    /// The interface goes with the namespace, some time later; here at once.
    func remove() async throws {
        _ = try await ChildProcess.output(.init("/usr/sbin/ip", ["link", "delete", interface]))
        child.kill()
        _ = try await child.wait()
    }

    deinit { child.kill() }
}
