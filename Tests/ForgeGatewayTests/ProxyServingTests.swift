import ForgeGateway
import ForgeSystem
import Testing

/// What an app is told, and what a client gets of its answer.
@Suite struct ProxyServingTests {
    @Test func aRequestIsPassedOnWithoutWhatConcernsThisHopOnly() async throws {
        let app = try StubApp()
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            let response = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(
                    "POST /a//b/%2e?x=1&y=%00 HTTP/1.1\r\nhOsT: App.localhost:80\r\nConnection: X-Secret, keep-alive\r\nX-Secret: 1\r\n"
                        + "Keep-Alive: 5\r\nTE: trailers\r\nX-Forwarded-For: 9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\n"
                        + "X-Forwarded-Prefix: /admin\r\nX_Forwarded_For: 9.9.9.9\r\nProxy: evil\r\nProxy-Authorization: x\r\n"
                        + "Cookie:  a=b \r\nAccept: */*\r\naccept: text/html\r\nContent-Length: 3\r\n\r\nabc")
                return try client.response()
            }
            #expect(response.headers["connection"] == nil)
            #expect(
                response.text
                    == "POST /a//b/%2e?x=1&y=%00 HTTP/1.1\r\nhOsT: App.localhost:80\r\nCookie: a=b\r\nAccept: */*\r\naccept: text/html\r\n"
                    + "X-Forwarded-Host: App.localhost:80\r\nX-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n"
                    + "X-Forwarded-Proto: http\r\nX-Forwarded-Port: \(gateway.port)\r\nContent-Length: 3\r\n\r\nabc")
        }
    }

    @Test func connectionsAreUsedAgainOnBothSides() async throws {
        let app = try StubApp()
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                for _ in 0..<5 {
                    try client.send("GET /x HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
                    #expect(try client.response().status == 200)
                    try client.send(
                        "POST /x HTTP/1.1\r\nHost: app.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n")
                    let text = try client.response().text
                    #expect(text.hasSuffix("Transfer-Encoding: chunked\r\n\r\nabc"))
                }
            }
            #expect(app.connections == 1)
            #expect(app.heads.count == 10)
        }
    }

    @Test func pipelinedRequestsReachTheAppOneByOne() async throws {
        let app = try StubApp()
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: app.localhost\r\n\r\n" }.joined())
                for number in 0..<50 { #expect(try client.response().text.hasPrefix("GET /\(number) HTTP/1.1\r\n")) }
            }
            #expect(app.connections == 1)
        }
    }

    private static let answers: [(answer: String, request: String, client: String)] = [
        (
            "HTTP/1.1 201 Made\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nok",
            "GET", "HTTP/1.1 201 Made\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nok"
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n", "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        ),
        ("HTTP/1.1 204\r\n\r\n", "GET", "HTTP/1.1 204 \r\n\r\n"),
        ("HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", "GET", "HTTP/1.1 204 No\r\n\r\n"),
        (
            "HTTP/1.1 304 Same\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\n", "GET",
            "HTTP/1.1 304 Same\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\n"
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", "HTTP/1.1 200 OK\r\n\r\n"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
        ),
    ]

    @Test func answersArePassedOnWithAFramingOfTheGatewaysOwn() async throws {
        for (answer, method, expected) in Self.answers {
            let app = try StubApp(StubApp.answering(answer))
            try await GatewayFixture.run { gateway in
                try gateway.serve(app)
                let text = try await BlockingPool.run {
                    let client = try gateway.connect()
                    try client.send("\(method) / HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
                    let bytes = try client.bytes(expected.utf8.count)
                    return String(decoding: bytes, as: UTF8.self)
                }
                #expect(text == expected)
            }
        }
    }

    @Test func anAnswerThatEndsWithItsConnectionIsChunkedOrClosed() async throws {
        let app = try StubApp { connection, app in
            _ = try app.head(connection)
            try connection.send("HTTP/1.0 200 OK\r\n\r\nto the end")
        }
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                for _ in 0..<2 {
                    try client.send("GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
                    #expect(try client.response().text == "to the end")
                }
                try client.send("GET / HTTP/1.0\r\nHost: app.localhost\r\nConnection: keep-alive\r\n\r\n")
                #expect(try client.everything() == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end")
            }
        }
    }

    private static let nonsense = [
        "hello\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 1\n\n1", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n12", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 70_000) + "\r\n\r\n",
    ]

    @Test func anAnswerOfMoreThanOneReadingIsNotPassedOn() async throws {
        for answer in Self.nonsense {
            let app = try StubApp(StubApp.answering(answer))
            try await GatewayFixture.run { gateway in
                try gateway.serve(app)
                try await BlockingPool.run {
                    let client = try gateway.connect()
                    for turn in 1...2 {
                        try client.send("GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
                        let response = try client.response()
                        #expect(response.status == 502, "\(answer.prefix(80))")
                        #expect(response.text.contains("forge logs --project app"), "\(answer.prefix(80))")
                        // Its connection is never used again.
                        #expect(app.connections == turn, "\(answer.prefix(80))")
                    }
                }
                #expect(gateway.log.records.map(\.status) == [502, 502])
                #expect(gateway.log.records.first?.release == "one")
            }
        }
    }

    @Test func whatIsSaidBetweenTwoAnswersIsNoAnswer() async throws {
        let app = try StubApp(
            StubApp.answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                for _ in 0..<3 {
                    try client.send("GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
                    #expect(try client.response().text == "1")
                }
            }
            #expect(app.connections == 3)
        }
    }
}
