import ForgeGateway
import ForgeSystem
import Foundation
import Synchronization
import Testing

/// What is under way when a release loses its route, or the gateway stops.
@Suite struct ProxyDrainTests {
    private static let get = "GET /x HTTP/1.1\r\nHost: app.localhost\r\n\r\n"
    private static let webSocket = "GET /ws HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    /// Answers when the gate is opened.
    private static func slow(_ asked: Gate, _ go: Gate) throws -> StubApp {
        try StubApp { connection, app in
            while true {
                _ = try app.head(connection)
                asked.open()
                go.wait()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
            }
        }
    }

    @Test func aDrainLetsRequestsUnderWayEnd() async throws {
        let (asked, go) = (Gate(), Gate())
        let (old, new) = (try Self.slow(asked, go), try StubApp())
        try await GatewayFixture.run { gateway in
            try gateway.serve(old)
            let client = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                asked.wait()
                return client
            }
            #expect(gateway.traffic.inFlight("one") == 1)
            try gateway.serve(new, release: "two")
            async let outcome = gateway.traffic.drain("one", grace: .seconds(120))
            #expect(try await gateway.get("/y", host: "app.localhost").text.hasPrefix("GET /y"))
            go.open()
            #expect(try await BlockingPool.run { try client.response().text } == "old")
            let result = await outcome
            #expect(result.crossed == 1 && result.failed == 0)
            #expect(gateway.traffic.inFlight("one") == 0)
            // Its connection went with it: the client's next request goes to the new release.
            let next = try await BlockingPool.run {
                try client.send(Self.get)
                return try client.response().text
            }
            #expect(next.hasPrefix("GET /x"))
            #expect(old.heads.count == 1)
        }
    }

    @Test func aDrainCutsWhatDoesNotEndAndCountsItAsFailed() async throws {
        let (asked, go) = (Gate(), Gate())
        let app = try Self.slow(asked, go)
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            let client = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                asked.wait()
                return client
            }
            let result = await gateway.traffic.drain("one", grace: .milliseconds(10))
            #expect(result.crossed == 1 && result.failed == 1)
            #expect(try await BlockingPool.run { try client.response().status } == 503)
            go.open()
        }
    }

    @Test func aDrainEndsEventStreamsAsIfTheAppHad() async throws {
        let app = try StubApp { connection, app in
            _ = try app.head(connection)
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
            _ = try connection.isClosed()
        }
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            let client = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                _ = try client.text(to: "data: 1\n\n\r\n")
                return client
            }
            let result = await gateway.traffic.drain("one", grace: .zero)
            #expect(result.crossed == 1 && result.failed == 0)
            #expect(try await BlockingPool.run { try client.everything() } == "0\r\n\r\n")
        }
    }

    /// Sends `before`, and `after` when the gate opens.
    private static func talkative(_ before: [UInt8], _ go: Gate, _ after: [UInt8]) throws -> StubApp {
        try StubApp { connection, app in
            _ = try app.head(connection)
            try connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            try connection.send(before)
            go.wait()
            try connection.send(after)
            _ = try connection.isClosed()
        }
    }

    @Test func aDrainEndsAWebSocketBetweenTwoFrames() async throws {
        let whole: [UInt8] = [0x81, 0x02, 0x68, 0x69]
        let going: [UInt8] = [0x88, 0x02, 0x03, 0xE9]
        for (before, after, expected) in [
            (whole, [], whole + going), (Array(whole[..<3]), [0x69], whole + going),
            (Array(whole[..<1]), Array(whole[1...]), whole + going),
            (
                [0x82, 0x7E, 0x01, 0x00], [UInt8](repeating: 7, count: 256),
                [0x82, 0x7E, 0x01, 0x00] + [UInt8](repeating: 7, count: 256) + going
            ),
            (whole + [0x88, 0x00], [], whole + [0x88, 0x00]),
        ] as [([UInt8], [UInt8], [UInt8])] {
            let go = Gate()
            let app = try Self.talkative(before, go, after)
            try await GatewayFixture.run { gateway in
                try gateway.serve(app)
                let client = try await BlockingPool.run {
                    let client = try gateway.connect()
                    try client.send(Self.webSocket)
                    _ = try client.text(to: "\r\n\r\n")
                    #expect(try client.bytes(before.count) == before)
                    return client
                }
                async let outcome = gateway.traffic.drain("one", grace: .zero)
                go.open()
                let rest = try await BlockingPool.run { try client.allBytes() }
                let result = await outcome
                #expect(result.crossed == 1 && result.failed == 0)
                #expect(before + rest == expected)
            }
        }
    }

    @Test func stoppingTheGatewayLetsAppsFinishTheirAnswers() async throws {
        let (asked, go) = (Gate(), Gate())
        let app = try Self.slow(asked, go)
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            let client = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                asked.wait()
                return client
            }
            async let stopped: Void = gateway.gateway.stop(grace: .seconds(120))
            go.open()
            let (text, isClosed) = try await BlockingPool.run { (try client.response().text, try client.isClosed()) }
            #expect(text == "old" && isClosed)
            await stopped
        }
    }

    @Test func stoppingTheGatewayTellsWebSocketsAtOnce() async throws {
        let go = Gate()
        let app = try Self.talkative([0x81, 0x01, 0x61], go, [])
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            let client = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.webSocket)
                _ = try client.text(to: "\r\n\r\n")
                return client
            }
            async let stopped: Void = gateway.gateway.stop(grace: .seconds(120))
            #expect(try await BlockingPool.run { try client.bytes(7) } == [0x81, 0x01, 0x61, 0x88, 0x02, 0x03, 0xE9])
            await stopped
            go.open()
        }
    }

    @Test func noRequestFailsWhileAppsAreSwapped() async throws {
        try await GatewayFixture.run { gateway in
            let first = try StubApp()
            try gateway.serve(first, release: "0")
            let isSwapping = Shared(true)
            try await withThrowingTaskGroup(of: (requests: Int, failures: [Int]).self) { group in
                for worker in 0..<3 {
                    group.addTask {
                        try await BlockingPool.run {
                            let client = try gateway.connect()
                            var (requests, failures): (Int, [Int]) = (0, [])
                            repeat {
                                try client.send(
                                    worker == 0
                                        ? "POST /x HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 1\r\n\r\nx" : Self.get)
                                let status = try client.response().status
                                requests += 1
                                if status != 200 { failures.append(status) }
                            } while isSwapping.change { $0 }
                            return (requests, failures)
                        }
                    }
                }
                var running = [first]
                for turn in 1...40 {
                    let app = try StubApp()
                    try gateway.serve(app, release: "\(turn)")
                    running.append(app)
                    let outcome = await gateway.traffic.drain("\(turn - 1)", grace: .seconds(120))
                    #expect(outcome.failed == 0)
                    gateway.upstreams.set("\(turn - 1)", nil)
                    running.removeFirst().stop()
                }
                isSwapping.change { $0 = false }
                for try await (requests, failures) in group {
                    #expect(failures == [])
                    #expect(requests > 0)
                }
            }
        }
    }
}
