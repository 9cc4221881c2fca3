import ForgeSystem
import Testing

@testable import ForgeGateway

/// Nothing outside a site, nothing hidden in it and no other site is ever reached by what a client writes.
@Suite struct GatewayHostileTests {
    private static let paths: [(target: String, status: Int)] = [
        ("/../secret.txt", 400), ("/../../etc/passwd", 400), ("/..", 400), ("/a/../../secret.txt", 400), ("/docs/../../secret.txt", 400),
        ("/%2e%2e/secret.txt", 400), ("/%2E%2E/secret.txt", 400), ("/.%2e/secret.txt", 400), ("/%2e%2e%2fsecret.txt", 400),
        ("/..%2fsecret.txt", 400), ("/..%5csecret.txt", 404), ("/..\\secret.txt", 404), ("/%252e%252e/secret.txt", 404),
        ("/%c0%ae%c0%ae/secret.txt", 400), ("/%e0%80%ae%e0%80%ae/secret.txt", 400), ("/docs%2f..%2f..%2fsecret.txt", 400),
        ("/%00", 400), ("/index.html%00.txt", 400), ("/index.html%0d%0aX-Evil:%201", 400), ("/%0a", 400), ("/%7f", 400), ("/%", 400),
        ("/%2", 400), ("/%zz", 400), ("/%ff", 400), ("/%ed%a0%80", 400), ("/%ef%bf%bd", 400), ("/.env", 404), ("/.git/config", 404),
        ("/docs/.secret", 404), ("/%2eenv", 404), ("/.well-known/.env", 404), ("/docs/.well-known/x", 404), ("/...", 404),
        ("/index.html/", 404), ("/index.html/x", 404), ("/docs/index.html/..%2f", 400), ("//etc/passwd", 404), ("///", 200),
        ("/file:///etc/passwd", 404), ("/proc/self/environ", 404), ("/docs/./../../../secret.txt", 400), ("/a;/../../secret.txt", 400),
        ("/" + String(repeating: "a", count: 300), 404), ("/" + String(repeating: "a/", count: 4000), 404),
        ("/" + String(repeating: "../", count: 1000), 400), ("http://site.localhost/", 200), ("http://other.localhost/", 400),
        ("https://site.localhost/", 400), ("site.localhost:80", 400), ("*", 400), ("index.html", 400), ("/con", 404), ("/\\", 404),
    ]

    @Test func noPathLeavesTheSite() async throws {
        try await GatewayFixture.run { gateway in
            let root = try gateway.site([
                "index.html": "home", "docs/index.html": "docs", ".env": "SECRET", ".git/config": "SECRET", "docs/.secret": "SECRET",
                ".well-known/.env": "SECRET", "docs/.well-known/x": "SECRET",
            ])
            try Files.writeAtomically(Array("SECRET".utf8), to: gateway.folder.path + "/secret.txt")
            try gateway.publish("site.localhost", root)
            for (target, status) in Self.paths {
                let response = try await gateway.get(target)
                #expect(response.status == status, "\(target)")
                #expect(!response.text.contains("SECRET") && !response.text.contains("root:"), "\(target)")
            }
        }
    }

    private static let hosts: [(host: String, status: Int)] = [
        ("site.localhost", 200), ("SITE.localhost", 200), ("Site.LocalHost.", 200), ("site.localhost:8080", 200),
        ("site.localhost.:1", 200),
        ("site.localhost:", 200), ("localhost", 404), ("127.0.0.1", 404), ("[::1]:8080", 404), ("other.localhost", 404),
        ("site.localhost.evil.example", 404), ("evil.site.localhost", 404), ("xsite.localhost", 404), ("site", 404), ("", 400), (".", 400),
        ("site..localhost", 400), (".site.localhost", 400), ("site.localhost..", 400), ("site.localhost:x", 400),
        ("site.localhost:99999", 400), ("site.localhost:80:80", 400), ("a@site.localhost", 400), ("site.localhost/x", 400),
        ("site.localhost, other.localhost", 400), ("site.localhost other", 400), ("site\\.localhost", 400), ("sité.localhost", 400),
        ("../site.localhost", 400), ("%73ite.localhost", 400), ("<b>.localhost", 400),
        (String(repeating: "a", count: 64) + ".localhost", 400),
    ]

    @Test func onlyTheExactHostReachesASite() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["index.html": "home"]))
            for (host, status) in Self.hosts {
                let response = try await gateway.get("/", host: host)
                #expect(response.status == status, "\(host)")
                #expect((response.text == "home") == (status == 200), "\(host)")
            }
        }
    }

    @Test func anUnknownHostIsToldWhatToDo() async throws {
        try await GatewayFixture.run { gateway in
            let response = try await gateway.get("/", host: "my-shop.localhost")
            #expect(response.status == 404)
            #expect(response.text.contains("forge deploy --project my-shop"))
        }
    }

    /// What is sent, the status of the answer; each of these connections ends with that answer.
    private static let heads: [(bytes: String, status: Int)] = [
        ("GET / HTTP/1.1\r\nHost: site.localhost\r\nHost: site.localhost\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: site.localhost\r\nhost: other.localhost\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: 4, 4\r\n\r\nabcd", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: +4\r\n\r\nabcd", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: 0x4\r\n\r\nabcd", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: site.localhost\r\nX: a\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : site.localhost\r\n\r\n", 400), ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n: empty\r\n\r\n", 400), ("GET /\u{1}x HTTP/1.1\r\nHost: site.localhost\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: site.localhost\r\n\r\n", 400), ("GET / FTP/1.1\r\nHost: site.localhost\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", 400), ("hello\r\n\r\n", 400), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: site.localhost\r\nX: " + String(repeating: "x", count: 40_000) + "\r\n\r\n", 431),
        ("GET /" + String(repeating: "x", count: 40_000) + " HTTP/1.1\r\nHost: site.localhost\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: site.localhost\r\n" + String(repeating: "X: y\r\n", count: 120) + "\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: 99999999999\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: site.localhost\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n", 405),
        ("CONNECT other:443 HTTP/1.1\r\nHost: site.localhost\r\n\r\n", 405),
    ]

    @Test func aRequestWithoutAClearEndIsRefusedAndTheConnectionClosed() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["index.html": "home"]))
            for (bytes, status) in Self.heads {
                let (response, isClosed) = try await BlockingPool.run {
                    let client = try gateway.connect()
                    try client.send(bytes)
                    return (try client.response(), try client.isClosed())
                }
                #expect(response.status == status, "\(bytes.prefix(120))")
                #expect(response.headers["connection"] == "close", "\(bytes.prefix(120))")
                #expect(isClosed, "\(bytes.prefix(120))")
            }
        }
    }

    @Test func bodiesAreReadToTheirEndUpToALimit() async throws {
        var limits = GatewayLimits()
        limits.bodyBytes = 1000
        try await GatewayFixture.run(limits: limits) { gateway in
            try gateway.publish("site.localhost", gateway.site(["index.html": "home"]))
            try await BlockingPool.run {
                let client = try gateway.connect()
                let smuggled = "GET /x HTTP/1.1\r\nHost: evil\r\n\r\n"
                try client.send("GET / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: \(smuggled.utf8.count)\r\n\r\n" + smuggled)
                try client.send("POST / HTTP/1.1\r\nHost: site.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
                try client.send("GET / HTTP/1.1\r\nHost: site.localhost\r\n\r\n")
                #expect(try [client.response().status, client.response().status, client.response().status] == [200, 405, 200])
                let chunk = "200\r\n" + String(repeating: "x", count: 0x200) + "\r\n"
                try client.send("POST / HTTP/1.1\r\nHost: site.localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk)
                #expect(try client.response().status == 413)
                #expect(try client.isClosed())
            }
        }
    }

    @Test func aClientThatStallsIsLetGo() async throws {
        var limits = GatewayLimits()
        limits.idleTimeout = .milliseconds(100)
        limits.bodyTimeout = .milliseconds(100)
        limits.lingerTimeout = .milliseconds(100)
        try await GatewayFixture.run(limits: limits) { gateway in
            try await BlockingPool.run {
                let silent = try gateway.connect()
                #expect(try silent.isClosed())
                let half = try gateway.connect()
                try half.send("GET / HTTP/1.1\r\nHost: si")
                #expect(try half.isClosed())
                let bodiless = try gateway.connect()
                try bodiless.send("POST / HTTP/1.1\r\nHost: site.localhost\r\nContent-Length: 10\r\n\r\nabc")
                #expect(try bodiless.response().status == 408)
                #expect(try bodiless.isClosed())
            }
        }
    }

    @Test func whatAClientWritesCannotBreakTheLog() {
        let record = AccessRecord(
            host: "a\nb", method: "GET", target: "/\u{1B}[31m\u{202E} x", status: 404, bytes: 3, durationMs: 1, release: nil)
        #expect(record.line == "a\u{FFFD}b GET /\u{FFFD}[31m\u{FFFD}\u{FFFD}x 404 3 1ms -")
    }
}
