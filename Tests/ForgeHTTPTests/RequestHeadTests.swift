import ForgeHTTP
import NIOCore
import Testing

@Suite struct RequestHeadTests {
    private func head(_ text: String) throws -> RequestHead { try RequestHead(parsing: ByteBuffer(string: text)) }

    @Test func aPlainRequestIsReadAsItStands() throws {
        let head = try head("POST /a?b=%20 HTTP/1.1\r\nHost: tides.localhost:8080\r\nContent-Length: 12\r\nX-Y:  z \t\r\n\r\n")
        #expect(head.method == .post)
        #expect(head.targetText == "/a?b=%20")
        #expect(head.hostText == "tides.localhost:8080")
        #expect(head.framing == .length(12))
        #expect(head.keepsAlive && !head.isRepeatable && head.hasBody)
        #expect(head.wire.fields.map(head.wire.text) == ["tides.localhost:8080", "12", "z"])
    }

    @Test(arguments: [
        ("GET http://a.localhost/x HTTP/1.1\r\nHost: A.localhost\r\n\r\n", "/x"), ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "/"),
        ("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "/"), ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*"),
        ("GET //x HTTP/1.1\r\nHost: a\r\n\r\n", "//x"),
    ])
    func theTargetComesOutInOriginForm(_ text: String, _ target: String) throws {
        #expect(try head(text).targetText == target)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "get/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nExpect: much\r\n\r\n",
    ])
    func whatCanBeReadInTwoWaysIsRefused(_ text: String) {
        #expect(throws: WireFault.self) { try head(text) }
    }

    @Test func onlyAnUpgradeThatIsNoOtherHTTPIsPassedOn() throws {
        func upgrade(_ name: String) throws -> Bool {
            try head("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: \(name)\r\n\r\n").upgrade != nil
        }
        #expect(try upgrade("websocket"))
        #expect(try !upgrade("h2c"))
        #expect(try !upgrade("TLS/1.0, HTTP/1.1"))
    }

    @Test func theEndOfAHeadIsTheSameHoweverItsBytesArrive() throws {
        let text = Array("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\nrest".utf8)
        for piece in 1...text.count {
            var scanner = HeadScanner()
            var found: Int?
            var seen = 0
            while found == nil, seen < text.count {
                seen = min(text.count, seen + piece)
                found = try text[..<seen].withUnsafeBytes { try scanner.end(in: $0, limit: 1000, fields: 10) }
            }
            #expect(found == text.count - 4)
        }
    }

    @Test func aBareLineFeedEndsNothing() {
        for text in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n", "\n", "\r\n\n",
        ] {
            var scanner = HeadScanner()
            let bytes = Array(text.utf8)
            #expect(throws: WireFault.self) {
                var end = try bytes.withUnsafeBytes { try scanner.end(in: $0, limit: 1000, fields: 10) }
                if let length = end { _ = try RequestHead(parsing: ByteBuffer(bytes: bytes[..<length])) }
                end = nil
            }
        }
    }

    @Test func noMutationOfAHeadTraps() {
        var random = SeededRandom(seed: 7)
        let parts = [
            "GET", "POST", " ", "/", "http://a/", "HTTP/1.1", "\r\n", "\r", "\n", ":", "Host: a", "Content-Length: ", "9", ",", "\t",
            "\u{0}", "é",
            "Transfer-Encoding: chunked", "Connection: close, x", "Upgrade: websocket", "\r\n\r\n",
        ]
        var refused = 0
        for _ in 0..<20_000 {
            var text = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let at = text.unicodeScalars.index(text.startIndex, offsetBy: Int.random(in: 0...text.unicodeScalars.count, using: &random))
                text.unicodeScalars.insert(contentsOf: (parts.randomElement(using: &random) ?? "").unicodeScalars, at: at)
            }
            let bytes = Array((text + "\r\n").utf8)
            var scanner = HeadScanner()
            do {
                guard let end = try bytes.withUnsafeBytes({ try scanner.end(in: $0, limit: 4096, fields: 20) }) else { continue }
                let head = try RequestHead(parsing: ByteBuffer(bytes: bytes[..<end]))
                #expect(!head.hostText.isEmpty || head.wire.only(.host) != nil)
            } catch { refused += 1 }
        }
        #expect(refused > 5000 && refused < 20_000)
    }
}

/// The same numbers at every run (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
