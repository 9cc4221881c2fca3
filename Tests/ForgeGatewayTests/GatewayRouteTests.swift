import ForgeGateway
import ForgeStore
import ForgeSystem
import Foundation
import Synchronization
import Testing

/// Up until it is lowered.
private final class Flag: Sendable {
    private let value = Mutex(true)
    var isUp: Bool { value.withLock { $0 } }
    func lower() { value.withLock { $0 = false } }
}

@Suite struct GatewayRouteTests {
    @Test func aRouteChangeReachesTheVeryNextRequestOnOpenConnections() async throws {
        try await GatewayFixture.run { gateway in
            for version in 0..<2 { _ = try gateway.site(["index.html": "v\(version)"], name: "v\(version)") }
            // A table of its own stands for another process.
            let other = try RouteTable.open(gateway.folder.path + "/releases.sqlite")
            try await BlockingPool.run {
                let client = try gateway.connect()
                for turn in 0..<60 {
                    let version = turn % 2
                    try gateway.publish("site.localhost", "\(gateway.folder.path)/v\(version)", artifact: "v\(version)", in: other)
                    try client.send("GET / HTTP/1.1\r\nHost: site.localhost\r\n\r\n")
                    #expect(try client.response().text == "v\(version)")
                }
            }
        }
    }

    @Test func noRequestFailsWhileRoutesAreSwapped() async throws {
        try await GatewayFixture.run { gateway in
            for version in 0..<2 { _ = try gateway.site(["index.html": "v\(version)"], name: "v\(version)") }
            try gateway.publish("site.localhost", gateway.folder.path + "/v0", artifact: "v0")
            let isSwapping = Flag()
            try await withThrowingTaskGroup(of: (requests: Int, failures: Int).self) { group in
                for _ in 0..<3 {
                    group.addTask { try await BlockingPool.run { try Self.hammer(gateway, while: isSwapping) } }
                }
                for turn in 1...100 {
                    let version = turn % 2
                    try await BlockingPool.run {
                        try gateway.publish("site.localhost", "\(gateway.folder.path)/v\(version)", artifact: "v\(version)")
                    }
                }
                isSwapping.lower()
                for try await (requests, failures) in group {
                    #expect(failures == 0)
                    #expect(requests > 0)
                }
            }
        }
    }

    private static func hammer(_ gateway: GatewayFixture, while isSwapping: Flag) throws -> (requests: Int, failures: Int) {
        let client = try gateway.connect()
        var (requests, failures) = (0, 0)
        repeat {
            try client.send("GET / HTTP/1.1\r\nHost: site.localhost\r\n\r\n")
            let response = try client.response()
            requests += 1
            if response.status != 200 || !["v0", "v1"].contains(response.text) { failures += 1 }
        } while isSwapping.isUp
        return (requests, failures)
    }

    @Test func aChangeThatNobodyAnnouncedIsFound() async throws {
        try await GatewayFixture.run { gateway in
            let root = try gateway.site(["index.html": "home"])
            try gateway.publish("site.localhost", root)
            #expect(try await gateway.get("/").status == 200)
            // As if the writer had died between its commit and its announcement.
            let notice = gateway.folder.path + "/releases.sqlite.notice"
            try Files.removeTree(notice)
            try Files.makeDirectory(notice)
            try gateway.routes.apply([.withdraw(host: "site.localhost")])
            #expect(try await eventually { try await gateway.get("/").status == 404 })
        }
    }

    @Test func anAnswerUnderWayKeepsItsReleaseWhenTheRouteChanges() async throws {
        try await GatewayFixture.run { gateway in
            let old = String(repeating: "old!", count: 2_000_000)
            try gateway.publish("site.localhost", gateway.site(["large.txt": old], name: "old"), artifact: "old")
            let new = try gateway.site(["large.txt": "new"], name: "new")
            let client = try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send("GET /large.txt HTTP/1.1\r\nHost: site.localhost\r\n\r\n")
                return client
            }
            #expect(try await eventually { try await gateway.get("/large.txt", method: "HEAD").headers["content-length"] == "8000000" })
            try gateway.publish("site.localhost", new, artifact: "new")
            try Files.removeTree(gateway.folder.path + "/old")
            #expect(try await gateway.get("/large.txt").text == "new")
            try await BlockingPool.run {
                let text = try client.response().text; #expect(text == old)
            }
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await GatewayFixture.run { gateway in
            let files = Dictionary(uniqueKeysWithValues: (0..<50).map { ("\($0).txt", "file \($0)") })
            try gateway.publish("site.localhost", gateway.site(files))
            try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send((0..<50).map { "GET /\($0).txt HTTP/1.1\r\nHost: site.localhost\r\n\r\n" }.joined())
                client.finishSending()
                #expect(try (0..<50).map { _ in try client.response().text } == (0..<50).map { "file \($0)" })
                #expect(try client.isClosed())
            }
        }
    }

    @Test func theOldProtocolVersionIsAnsweredAndClosedUnlessAsked() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["index.html": "home"]))
            try await BlockingPool.run {
                let client = try gateway.connect()
                try client.send("GET / HTTP/1.0\r\nHost: site.localhost\r\nConnection: keep-alive\r\n\r\n")
                #expect(try client.response().headers["connection"] == "keep-alive")
                try client.send("GET / HTTP/1.0\r\nHost: site.localhost\r\n\r\n")
                #expect(try client.response().text == "home")
                #expect(try client.isClosed())
            }
        }
    }

    @Test func curlFindsTheSiteByItsName() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["index.html": "home", "docs/index.html": "docs"]))
            let result = try await ChildProcess.output(
                ChildProcess.Request(
                    "/usr/bin/curl", ["-sSLf", "http://site.localhost:\(gateway.port)/docs"], environment: ["NO_PROXY": "*"]))
            #expect(String(decoding: result.error, as: UTF8.self) == "")
            #expect(String(decoding: result.output, as: UTF8.self) == "docs")
        }
    }

    @Test func everyRequestIsLoggedOnce() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["index.html": "home"]))
            _ = try await gateway.get("/")
            _ = try await gateway.get("/x", host: "nobody.localhost")
            let lines = gateway.log.records.map { "\($0.host) \($0.method) \($0.target) \($0.status) \($0.release ?? "-")" }
            #expect(lines == ["site.localhost GET / 200 release-one", "nobody.localhost GET /x 404 -"])
            #expect(gateway.log.records.first?.bytes == 4)
        }
    }
}
