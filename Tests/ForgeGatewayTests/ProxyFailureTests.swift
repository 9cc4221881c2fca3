import ForgeGateway
import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Synchronization
import Testing

/// Apps that break, stall, start and stop.
@Suite struct ProxyFailureTests {
    private static let get = "GET /x HTTP/1.1\r\nHost: app.localhost\r\n\r\n"
    private static let post = "POST /x HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 1\r\n\r\nx"

    @Test func anAppThatClosesWithoutAnAnswerIsABadGateway() async throws {
        let app = try StubApp { connection, app in _ = try app.head(connection) }
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            let response = try await gateway.get("/", host: "app.localhost")
            #expect(response.status == 502)
            #expect(response.text.contains("The app closed the connection before it answered."))
            #expect(app.connections == 1)
        }
    }

    /// One answer a connection, which then goes without a word.
    private static func forgetful(_ isSilent: Bool) throws -> StubApp {
        try StubApp { connection, app in
            let head = try app.head(connection)
            _ = try app.body(connection, of: head)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            if isSilent {
                _ = try app.head(connection)
                connection.reset()
            }
        }
    }

    @Test func aConnectionTheAppHasClosedIsNotUsedAgain() async throws {
        let app = try Self.forgetful(false)
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                for _ in 0..<100 {
                    try client.send(Self.get)
                    #expect(try client.response().status == 200)
                }
            }
        }
    }

    @Test func onlyWhatMayBeSentTwiceIsSentAgainWhenAUsedConnectionDies() async throws {
        let app = try Self.forgetful(true)
        try await GatewayFixture.run { gateway in
            try gateway.serve(app)
            try await BlockingPool.run {
                let client = try gateway.connect()
                for _ in 0..<10 {
                    try client.send(Self.get)
                    #expect(try client.response().status == 200)
                }
                try client.send(Self.post)
                #expect(try client.response().status == 502)
            }
            // Nine GETs came twice.
            #expect(app.heads.filter { $0.hasPrefix("GET") }.count == 19)
            #expect(app.heads.filter { $0.hasPrefix("POST") }.count == 1)
        }
    }

    @Test func theAdviceOfAPageNamesTheEnvironment() async throws {
        try await GatewayFixture.run { gateway in
            let digest = Digest(of: "app")
            let app = AppSpecification(
                release: "one", project: "tides", environment: .preview, preview: 7, host: "tides-pr-7.localhost", commit: nil,
                artifact: digest, root: digest, launch: Launch(command: ["run"], port: 1, healthPath: nil), variables: nil, variablesTag: ""
            )
            try gateway.routes.apply([.publish(host: app.host, RouteEntry(app: app, root: "/nowhere"))])
            gateway.upstreams.set("one", .down("it crashed"))
            let page = try await gateway.get("/", host: app.host)
            #expect(page.status == 503)
            #expect(page.text.contains("See why: forge logs --project tides --env preview --pr 7. "))
            #expect(page.text.contains("Go back: forge rollback --project tides --env preview --pr 7<"))
        }
    }

    @Test func anAppThatDoesNotAnswerInTimeIsAGatewayTimeout() async throws {
        var limits = GatewayLimits()
        limits.answerTimeout = .milliseconds(100)
        let app = try StubApp { connection, app in
            _ = try app.head(connection)
            _ = try connection.isClosed()
        }
        try await GatewayFixture.run(limits: limits) { gateway in
            try gateway.serve(app)
            let response = try await gateway.get("/", host: "app.localhost")
            #expect(response.status == 504)
            #expect(response.text.contains("forge logs --project app"))
        }
    }

    @Test func anAnswerThatFallsSilentIsCut() async throws {
        var limits = GatewayLimits()
        limits.streamTimeout = .milliseconds(100)
        let app = try StubApp { connection, app in
            _ = try app.head(connection)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")
            _ = try connection.isClosed()
        }
        try await GatewayFixture.run(limits: limits) { gateway in
            try gateway.serve(app)
            let text = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                return try client.everything()
            }
            #expect(text.hasSuffix("part"))
        }
    }

    @Test func requestsWaitForAnAppThatStarts() async throws {
        let app = try StubApp()
        try await GatewayFixture.run { gateway in
            for state in [nil, Upstreams.State.starting] {
                gateway.upstreams.set("one", state)
                try gateway.route(to: "one")
                let client = try await BlockingPool.run {
                    let client = try gateway.connect()
                    try client.send(Self.post + Self.get)
                    return client
                }
                // A request to another host shows that the first was read.
                _ = try await gateway.get("/")
                gateway.upstreams.set("one", .ready(app.upstream("one")))
                let texts = try await BlockingPool.run { [try client.response().text, try client.response().text] }
                #expect(texts[0].hasPrefix("POST /x") && texts[1].hasPrefix("GET /x"))
            }
        }
    }

    @Test func aRequestThatWaitsFollowsTheRoute() async throws {
        let app = try StubApp()
        try await GatewayFixture.run { gateway in
            gateway.upstreams.set("one", .starting)
            try gateway.route(to: "one")
            let client = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send(Self.get)
                return client
            }
            _ = try await gateway.get("/")
            try gateway.serve(app, release: "two")
            gateway.upstreams.set("one", nil)
            #expect(try await BlockingPool.run { try client.response().status } == 200)
            #expect(gateway.log.records.last?.release == "two")
        }
    }

    @Test func anAppThatDoesNotStartInTimeOrIsDownSaysSo() async throws {
        var limits = GatewayLimits()
        limits.startTimeout = .milliseconds(100)
        try await GatewayFixture.run(limits: limits) { gateway in
            try gateway.route(to: "one")
            let late = try await gateway.get("/", host: "app.localhost")
            #expect(late.status == 503)
            #expect(late.headers["retry-after"] == "5")
            #expect(late.text.contains("The app is still starting."))
            gateway.upstreams.set("one", .down("it crashed three times in five minutes"))
            let down = try await gateway.get("/", host: "app.localhost")
            #expect(down.status == 503)
            #expect(down.text.contains("The app does not run: it crashed three times in five minutes."))
            #expect(down.text.contains("forge rollback --project app"))
        }
    }

    @Test func anAppThatRefusesConnectionsIsAskedAgainForAMoment() async throws {
        let app = try StubApp()
        try await GatewayFixture.run { gateway in
            let attempts = Shared(0)
            let upstream = app.upstream("one")
            let flapping = Upstream(release: "one") {
                let number = attempts.change { count in
                    count += 1; return count
                }
                if number < 3 { throw SystemError("connect", "app", errno: ECONNREFUSED) }
                return try upstream.connect()
            }
            gateway.upstreams.set("one", .ready(flapping))
            try gateway.route(to: "one")
            #expect(try await gateway.get("/", host: "app.localhost").status == 200)
            // An answered connection idles; a release of another name has none.
            gateway.upstreams.set("two", .ready(Upstream(release: "two") { throw SystemError("connect", "app", errno: ECONNREFUSED) }))
            try gateway.route(to: "two")
            let refused = try await gateway.get("/", host: "app.localhost")
            #expect(refused.status == 503)
            #expect(refused.text.contains("The app takes no connections at the moment."))
        }
    }

    @Test func onlySoManyConnectionsComeFromOneAddress() async throws {
        var limits = GatewayLimits()
        limits.connectionsPerAddress = 3
        try await GatewayFixture.run(limits: limits) { gateway in
            try await BlockingPool.run {
                let clients = try (0..<3).map { _ in try gateway.connect() }
                for client in clients {
                    try client.send(Self.get)
                    #expect(try client.response().status == 404)
                }
                #expect(try gateway.connect().isClosed())
                clients[0].close()
            }
            #expect(try await eventually { (try? await gateway.get("/").status) == 404 })
        }
    }
}
