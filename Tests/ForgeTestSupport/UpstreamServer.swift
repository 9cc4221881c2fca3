import Foundation
import Glibc

/// A small web server on the host's loopback, in a process of its own; made by `withUpstream`. With TLS it has a certificate of a
/// CA of its own for `registry.test`, `localhost` and 127.0.0.1.
package struct UpstreamServer: Sendable {
    package let port: Int
    /// The CA's certificate, where there is TLS.
    package let certificate: String
    private let child: Child
    private let folder: String

    fileprivate static func start(tls: Bool) async throws -> UpstreamServer {
        // A folder of its own: `stop` removes it.
        let folder = try Folder.temporaryRoot() + "/forge-upstream-" + UUID().uuidString
        try Folder.make(folder)
        try program.write(toFile: folder + "/server.py", atomically: true, encoding: .utf8)
        let environment = ["PATH": "/usr/bin:/bin"]
        if tls {
            let arguments = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test",
                "-addext", "subjectAltName=DNS:registry.test,DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem",
            ]
            let made = try await Child("/usr/bin/openssl", arguments, environment: environment, directory: folder, files: folder).finish()
            guard made.exitCode == 0 else { throw TestSupportError(made.error) }
        }
        let child = try Child(
            "/usr/bin/python3", ["server.py"] + (tls ? ["tls"] : []), environment: environment, directory: folder, files: folder)
        let line = try await child.errorLine { $0.hasPrefix("port ") }
        guard let port = Int(line.dropFirst("port ".count)) else { throw TestSupportError(line) }
        return UpstreamServer(port: port, certificate: folder + "/cert.pem", child: child, folder: folder)
    }

    /// The request lines served so far.
    package var requests: [String] {
        child.error.split(separator: "\n").filter { $0.hasPrefix("request ") }.map { String($0.dropFirst(8)) }
    }

    fileprivate func stop() async throws {
        child.signal(SIGKILL)
        _ = try await child.finish()
        try FileManager.default.removeItem(atPath: folder)
    }

    private static let program = #"""
        import hashlib, http.server, ssl, sys

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments): pass

            def answer(self, body, status=200, **headers):
                self.send_response(status)
                for name, value in headers.items(): self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_HEAD(self): self.do_GET()

            def do_GET(self):
                print("request", self.command, self.path, file=sys.stderr, flush=True)
                path, _, query = self.path.partition("?")
                if path == "/big":
                    self.send_response(200)
                    self.send_header("Content-Length", query)
                    self.end_headers()
                    rest, chunk = int(query), b"x" * 65536
                    while rest > 0:
                        self.wfile.write(chunk[:rest])
                        rest -= len(chunk)
                elif path == "/redirect": self.answer(b"", 302, Location=query)
                elif path == "/headers": self.answer(str(self.headers).encode())
                elif path == "/cut":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b"only this")
                    self.close_connection = True
                elif path == "/chunked":
                    self.send_response(200)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    self.wfile.write(b"5\r\nhello\r\n6\r\n world\r\n" + (b"" if query == "cut" else b"0\r\n\r\n"))
                    self.close_connection = True
                else: self.answer(b"" if self.command == "HEAD" else b"hello\n")

            def do_POST(self):
                print("request", self.command, self.path, file=sys.stderr, flush=True)
                digest, count = hashlib.sha256(), 0
                if self.headers.get("Transfer-Encoding") == "chunked":
                    while size := int(self.rfile.readline(), 16):
                        digest.update(self.rfile.read(size)); count += size; self.rfile.readline()
                    self.rfile.readline()
                else:
                    rest = int(self.headers["Content-Length"])
                    while rest:
                        part = self.rfile.read(min(rest, 65536))
                        if not part: break
                        digest.update(part); count += len(part); rest -= len(part)
                self.answer(f"{count} {digest.hexdigest()}\n".encode())

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512
            def handle_error(self, *arguments): pass

        server = Server(("127.0.0.1", 0), Handler)
        if sys.argv[1:] == ["tls"]:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain("cert.pem", "key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        print("port", server.server_port, file=sys.stderr, flush=True)
        server.serve_forever()
        """#
}

/// Runs `body` with a server of its own; afterwards it is stopped and its folder gone.
package func withUpstream<Value: Sendable>(tls: Bool = false, _ body: (UpstreamServer) async throws -> Value) async throws -> Value {
    let upstream = try await UpstreamServer.start(tls: tls)
    do {
        let value = try await body(upstream)
        try await upstream.stop()
        return value
    } catch {
        try? await upstream.stop()
        throw error
    }
}
