import ForgeGateway
import ForgeSystem
import Foundation
import Synchronization
import Testing

/// Bodies that are long, slow, endless or cut.
@Suite struct ProxyStreamTests {
    private static let get = "GET /x HTTP/1.1\r\nHost: app.localhost\r\n\r\n"
    private static let webSocket = "GET /ws HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    @Test func largeBodiesArriveWholeBothWays() async throws {
        let app = try StubApp()
        let text = String(repeating: "0123456789", count: 2_000_000)
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            for framing in [
                "Content-Length: \(text.utf8.count)\r\n\r\n\(text)", "Transfer-Encoding: chunked\r\n\r\n1312d00\r\n\(text)\r\n0\r\n\r\n",
            ] {
                let answer = try await BlockingPool.run {
                    let client = try gateway.connect()
                    let sender = Thread { try? client.send("PUT /x HTTP/1.1\r\nHost: app.localhost\r\n" + framing) }
                    sender.start()
                    return try client.response()
                }
                #expect(answer.text.hasSuffix("\r\n\r\n" + text))
            }
        }
    }

    @Test func anAnswerIsReadFromTheAppNoFasterThanTheClientTakesIt() async throws {
        let piece = [UInt8](repeating: 120, count: 1 << 16)
        let taken = Shared<Int?>(nil)
        let app = try StubApp { connection, app in
            _ = try app.head(connection)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            let sent = try connection.sendUntilFull(piece, atMost: 500 << 20)
            taken.change { $0 = sent }
        }
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            let client = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                return client
            }
            #expect(try await eventually { taken.change { $0 != nil } })
            // The kernel's buffers of two connections and a little of ours.
            #expect(try #require(taken.change { $0 }) < 64 << 20)
            client.close()
        }
    }

    @Test func aRequestIsReadFromTheClientNoFasterThanTheAppTakesIt() async throws {
        let silent = try StubApp { connection, app in
            _ = try app.head(connection)
            connection.waitForHangUp()
        }
        try await GatewayFixture.run { gateway in
            try gateway.serve(silent)
            let sent = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send("POST /x HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 90000000\r\n\r\n")
                defer { client.close() }
                return try client.sendUntilFull([UInt8](repeating: 120, count: 1 << 16), atMost: 90_000_000)
            }
            #expect(sent < 64 << 20)
        }
    }

    @Test func eventsArriveAsTheyAreSentAndTheAppLearnsOfAClientThatLeft() async throws {
        let next = Gate()
        let left = Gate()
        let app = try StubApp { connection, app in
            _ = try app.head(connection)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for number in 0..<3 {
                try connection.send("9\r\ndata: \(number)\n\n\r\n")
                next.wait()
            }
            if try connection.isClosed() { left.open() }
        }
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                for number in 0..<3 {
                    _ = try client.text(to: "data: \(number)\n\n\r\n")
                    next.open()
                }
                client.close()
                left.wait()
            }
            #expect(try await eventually { gateway.log.records.map(\.status) == [200] })
            #expect(try await eventually { gateway.traffic.inFlight("one") == 0 })
        }
    }

    @Test func aClientThatLeavesBeforeTheAnswerIsLoggedAs499() async throws {
        let asked = Gate()
        let left = Gate()
        let app = try StubApp { connection, app in
            _ = try app.head(connection)
            asked.open()
            if try connection.isClosed() { left.open() }
        }
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                asked.wait()
                client.reset()
                left.wait()
            }
            #expect(try await eventually { gateway.log.records.first?.line.hasPrefix("app.localhost GET /x 499 0 ") == true })
        }
    }

    @Test func anAnswerThatBreaksOffIsNotMadeToLookComplete() async throws {
        for start in [
            "Content-Length: 100\r\n\r\npart", "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
            "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n",
        ] {
            let app = try StubApp { connection, app in
                _ = try app.head(connection)
                try connection.send("HTTP/1.1 200 OK\r\n" + start)
            }
            try await GatewayFixture.run { gateway in
                try gateway.serve(app)
                let text = try await BlockingPool.run {
                    let client = try gateway.connect()
                    try client.send(Self.get)
                    return try client.everything()
                }
                #expect(text.contains("part") && !text.contains("0\r\n\r\n\r\n") && !text.hasSuffix("\r\n0\r\n\r\n"))
            }
        }
    }

    @Test func aTunnelCarriesBytesBothWaysUntilOneSideEnds() async throws {
        let app = try StubApp { connection, app in
            let head = try app.head(connection)
            try connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: \(head.contains("Upgrade: websocket"))\r\n\r\nhello"
            )
            while true {
                let byte = try connection.bytes(1)
                try connection.send(byte + byte)
            }
        }
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.webSocket + "ab")
                #expect(
                    try client.text(to: "\r\n\r\n")
                        == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX: true\r\nConnection: Upgrade\r\n\r\n")
                #expect(try client.bytes(9) == Array("helloaabb".utf8))
                try client.send("c")
                #expect(try client.bytes(2) == Array("cc".utf8))
                client.finishSending()
                #expect(try client.isClosed())
            }
            #expect(try await eventually { gateway.log.records.map(\.status) == [101] })
        }
    }

    @Test func anUpgradeTheAppDeclinesIsAnOrdinaryAnswer() async throws {
        let app = try StubApp()
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.webSocket + Self.get)
                #expect(try client.response().text.contains("Upgrade: websocket"))
                #expect(try client.response().text.hasPrefix("GET /x"))
            }
            #expect(app.connections == 2)
        }
    }

    @Test func aClientThatAsksIsToldToGoOn() async throws {
        let app = try StubApp()
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send("POST /x HTTP/1.1\r\nHost: app.localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
                #expect(try client.text(to: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
                try client.send("abc")
                let text = try client.response().text
                #expect(text.hasSuffix("abc") && !text.contains("Expect"))
            }
        }
    }

    @Test func anAnswerBeforeTheEndOfTheRequestIsPassedOnAndEndsTheConnection() async throws {
        let app = try StubApp { connection, app in
            _ = try app.head(connection)
            try connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
        }
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            for _ in 0..<20 {
                let response = try await BlockingPool.run {
                    let client = try gateway.connect()
                    let sender = Thread {
                        try? client.send("POST /x HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 50000000\r\n\r\n")
                        try? client.send([UInt8](repeating: 120, count: 5_000_000))
                    }
                    sender.start()
                    return try client.response()
                }
                #expect(response.status == 413 && response.text == "large" && response.headers["connection"] == "close")
            }
        }
    }
}

/// Opened once for everyone who waits; `open` may come first, and lets one wait through each time.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func open() { semaphore.signal() }
    func wait() { _ = semaphore.wait(timeout: .now() + 120) }
}

/// A value that several threads change.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }

    func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { value in body(&value) }
    }
}
