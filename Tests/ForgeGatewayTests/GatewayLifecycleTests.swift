import ForgeGateway
import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

extension Gateway {
    /// Why it could not be started.
    fileprivate func startError() async -> ForgeError? {
        await #expect(throws: ForgeError.self) { try await self.start() }
    }
}

@Suite struct GatewayLifecycleTests {
    @Test func theStateFileTellsOfALivingGatewayOnly() async throws {
        try await GatewayFixture.run { (gateway: GatewayFixture) async throws -> Void in
            let path = gateway.folder.path + "/gateway.json"
            let state = GatewayState(pid: getpid(), address: "127.0.0.1", port: gateway.port)
            #expect(try GatewayState.read(path) == state)
            #expect(
                try String(contentsOfFile: path, encoding: .utf8)
                    == "{\"address\":\"127.0.0.1\",\"pid\":\(getpid()),\"port\":\(gateway.port)}\n")
            await gateway.gateway.stop(grace: .zero)
            #expect(try GatewayState.read(path) == nil)
            // What a killed gateway leaves behind.
            try Files.writeAtomically(Array("{\"address\":\"127.0.0.1\",\"pid\":1,\"port\":80}".utf8), to: path)
            // Not before a process that another test starts right now has let go of what it was born with.
            #expect(try await eventually { try GatewayState.read(path) == nil })
        }
        #expect(try GatewayState.read("/nonexistent/gateway.json") == nil)
    }

    @Test func aSecondGatewayIsRefusedAndTheFirstServesOn() async throws {
        try await GatewayFixture.run { (gateway: GatewayFixture) async throws -> Void in
            let second = Gateway(
                routes: gateway.routes,
                configuration: .init(listen: ListenAddress(host: "127.0.0.1", port: 0), statePath: gateway.folder.path + "/gateway.json") {
                    _ in
                })
            let error = await second.startError()
            #expect(error?.code == "gateway.already-running")
            #expect(error?.message == "a gateway already runs as process \(getpid()) on port \(gateway.port)")
            #expect(try await gateway.get("/").status == 404)
        }
    }

    @Test func anAddressInUseIsAnErrorWithAWayOut() async throws {
        try await GatewayFixture.run { (gateway: GatewayFixture) async throws -> Void in
            let path = gateway.folder.path + "/other.json"
            let second = Gateway(
                routes: gateway.routes,
                configuration: .init(listen: ListenAddress(host: "127.0.0.1", port: gateway.port), statePath: path) { _ in })
            let error = await second.startError()
            #expect(error?.code == "gateway.cannot-listen")
            #expect(error?.hint == "choose another address with `--listen`")
            #expect(try GatewayState.read(path) == nil)
        }
    }

    @Test func routesSurviveARestart() async throws {
        try await GatewayFixture.run { first in
            try first.publish("site.localhost", first.site(["index.html": "home"]))
            await first.gateway.stop(grace: .zero)
            let table = try RouteTable.open(first.folder.path + "/releases.sqlite")
            let second = Gateway(
                routes: table,
                configuration: .init(listen: ListenAddress(host: "127.0.0.1", port: 0), statePath: first.folder.path + "/gateway.json") {
                    _ in
                })
            let state = try await second.start()
            let text = try await BlockingPool.run {
                let client = try RawClient(port: state.port)
                try client.send("GET / HTTP/1.1\r\nHost: site.localhost\r\n\r\n")
                return try client.response().text
            }
            #expect(text == "home")
            await second.stop(grace: .zero)
        }
    }

    @Test func stoppingLetsOpenAnswersFinishAndTakesNoMore() async throws {
        try await GatewayFixture.run { gateway in
            let text = String(repeating: "0123456789", count: 3_000_000)
            try gateway.publish("site.localhost", gateway.site(["large.txt": text]))
            let (busy, idle) = try await BlockingPool.run {
                let (busy, idle) = (try gateway.connect(), try gateway.connect())
                try idle.send("GET /none HTTP/1.1\r\nHost: site.localhost\r\n\r\n")
                #expect(try idle.response().status == 404)
                try busy.send("GET /large.txt HTTP/1.1\r\nHost: site.localhost\r\n\r\n")
                try busy.waitForBytes()
                return (busy, idle)
            }
            async let stopped: Void = gateway.gateway.stop(grace: .seconds(30))
            #expect(try await BlockingPool.run { try idle.isClosed() })
            #expect(try await BlockingPool.run { try !gateway.takesNewRequests("/large.txt") })
            #expect(try await BlockingPool.run { try busy.response().text } == text)
            await stopped
        }
    }

    @Test func stoppingCanBeCutShort() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["large.txt": String(repeating: "0123456789", count: 3_000_000)]))
            let busy = try await BlockingPool.run {
                let busy = try gateway.connect()
                try busy.send("GET /large.txt HTTP/1.1\r\nHost: site.localhost\r\n\r\n")
                try busy.waitForBytes()
                return busy
            }
            async let stopped: Void = gateway.gateway.stop(grace: .seconds(3600))
            #expect(try await eventually { (try? gateway.takesNewRequests("/large.txt")) == false })
            await gateway.gateway.cutShort()
            await stopped
            await #expect(throws: RawClient.Malformed.self) { try await BlockingPool.run { try busy.response() } }
        }
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1:8080"), (":9000", "127.0.0.1:9000"), ("9000", "127.0.0.1:9000"), ("[::1]:80", "[::1]:80"),
        ("0.0.0.0:0", "0.0.0.0:0"), ("localhost:1", "localhost:1"),
    ])
    func anAddressIsReadAsPeopleWriteIt(text: String, address: String) throws {
        #expect(try ListenAddress(parsing: text).description == address)
    }

    @Test(arguments: ["", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "::1", "a b:1", "1:2:3"])
    func anythingElseIsNoAddress(text: String) {
        let error = #expect(throws: ForgeError.self) { try ListenAddress(parsing: text) }
        #expect(error?.code == "usage.invalid-address")
    }
}
