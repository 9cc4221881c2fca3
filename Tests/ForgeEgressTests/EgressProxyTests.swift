import ForgeEgress
import ForgeModel
import ForgeTestSupport
import Foundation
import Synchronization
import Testing

@Suite struct EgressProxyTests {
    private func refused(_ origin: String?, _ reason: String, _ count: Int = 1) throws -> EgressRecord {
        EgressRecord(origin: try origin.map(EgressOrigin.init(parsing:)), verdict: .refused, reason: reason, connections: count)
    }

    @Test func aTunnelToTheNamedServerWorksAndOneToAnotherIsCut() async throws {
        try await withUpstream(tls: true) { upstream in
            let entry = "https://registry.test:\(upstream.port)"
            let (_, records) = try await ProxyBench.with([entry]) { bench in
                let good = try await bench.curl("--cacert", upstream.certificate, "\(entry)/hello")
                #expect(good.output == "hello\n")
                // The tunnel is asked for registry.test, the handshake names another.
                let fronted = try await bench.curl(
                    "-k", "--connect-to", "evil.example:443:registry.test:\(upstream.port)", "https://evil.example/fronted")
                #expect(fronted.exitCode == 35 && fronted.output.isEmpty)
                // A handshake without a name.
                let nameless = try await bench.curl(
                    "-k", "--connect-to", "192.0.2.1:443:registry.test:\(upstream.port)", "https://192.0.2.1/nameless")
                #expect(nameless.exitCode == 35)
                let plain = try await bench.raw(
                    "CONNECT registry.test:\(upstream.port) HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
                #expect(plain == "HTTP/1.1 200 Connection established\r\n\r\n")
                // The same, ending before a hello would be whole.
                let short = try await bench.raw("CONNECT registry.test:\(upstream.port) HTTP/1.1\r\n\r\n\u{16}\u{3}\u{1}", halfClosed: true)
                #expect(short == "HTTP/1.1 200 Connection established\r\n\r\n")
            }
            #expect(upstream.requests == ["GET /hello"])
            #expect(records.map(\.verdict) == [.allowed, .refused] && records.first?.connections == 1)
            let cuts = try #require(records.last)
            // The last one may be over before it began.
            #expect(try (3...4).contains(cuts.connections) && cuts == refused(entry, "TLS names another server", cuts.connections))
        }
    }

    @Test func aPlainServerIsReachedThroughATunnelToo() async throws {
        try await withUpstream { upstream in
            let entry = "http://registry.test:\(upstream.port)"
            let (_, records) = try await ProxyBench.with([entry]) { bench in
                #expect(try await bench.curl("-p", "\(entry)/hello").output == "hello\n")
                let fronted = try await bench.curl("-p", "-H", "Host: evil.example", "\(entry)/fronted")
                #expect(fronted.output == "forge: the request's Host header is not that of \(entry)\n")
                let early = try await bench.raw(
                    "CONNECT registry.test:\(upstream.port) HTTP/1.0\r\n\r\nGET /early HTTP/1.1\r\nHost: registry.test:\(upstream.port)\r\n\r\n"
                )
                #expect(
                    early.hasPrefix("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\n") && early.hasSuffix("\r\n\r\nhello\n"))
            }
            #expect(upstream.requests == ["GET /hello", "GET /early"])
            #expect(records.map(\.connections) == [2, 1])
            #expect(try records.last == refused(entry, "Host header names another server"))
        }
    }

    @Test func everyKindOfMessagePasses() async throws {
        try await withUpstream { upstream in
            let entry = "http://registry.test:\(upstream.port)"
            _ = try await ProxyBench.with([entry]) { bench in
                let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
                let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                #expect(try await bench.curl("-0", "\(entry)/hello").output == "hello\n")
                #expect(try await bench.curl("\(entry)/chunked").output == "hello world")
                #expect(try await bench.curl("-0", "\(entry)/chunked").output == "hello world")
                #expect(try await bench.curl("-d", "abc", entry).output == "3 \(abc)\n")
                #expect(try await bench.curl("-d", "", entry).output == "0 \(empty)\n")
                #expect(try await bench.curl("-d", "abc", "-H", "Transfer-Encoding: chunked", entry).output == "3 \(abc)\n")
                #expect(
                    try await bench.curl("-d", "abc", "-H", "Expect: 100-continue", "--expect100-timeout", "50", entry).output
                        == "3 \(abc)\n")
                #expect(try await bench.curl("-I", "-o", "/dev/null", "-w", "%{http_code}", "\(entry)/hello").output == "200")
                let half = try await bench.raw(
                    "GET \(entry)/hello HTTP/1.1\r\nHost: registry.test:\(upstream.port)\r\n\r\n", halfClosed: true)
                #expect(half.hasPrefix("HTTP/1.1 200 OK\r\n") && half.hasSuffix("\r\n\r\nhello\n"))
            }
        }
    }

    @Test func whatConcernsTheConnectionToTheProxyStaysThere() async throws {
        try await withUpstream { upstream in
            let entry = "http://registry.test:\(upstream.port)"
            _ = try await ProxyBench.with([entry]) { bench in
                let seen = try await bench.curl(
                    "-A", "test", "-H", "Proxy-Authorization: Basic eA==", "-H", "Connection: keep-alive, X-Hop", "-H", "X-Hop: 1", "-H",
                    "TE: trailers", "-H", "Upgrade: websocket", "-H", "X-End: 2", "-H", "Authorization: Bearer t", "\(entry)/headers")
                let expected = [
                    "Accept: */*", "Authorization: Bearer t", "User-Agent: test", "X-End: 2", "connection: close",
                    "host: registry.test:\(upstream.port)",
                ]
                #expect(seen.output.split(whereSeparator: \.isNewline).map(String.init).sorted() == expected.sorted())
            }
        }
    }

    /// Each must end in a refusal, and its server must see nothing.
    private static let crooked: [(String, String)] = [
        ("403", "GET http://HOST/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        ("403", "GET http://HOST/ HTTP/1.1\r\nHost: registry.test\r\n\r\n"),
        ("403", "GET http://HOST/ HTTP/1.1\r\nHost: HOST.\r\n\r\n"),
        ("403", "GET http://HOST/ HTTP/1.1\r\nHost: \r\n\r\n"),
        ("400", "GET http://HOST/ HTTP/1.1\r\n\r\n"),
        ("400", "GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n"),
        ("400", "GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n"),
        ("403", "GET http://user@HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("403", "GET http://HOST@evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        ("403", "GET http://evil.example/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("403", "GET http://2130706433/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("403", "GET http://[::ffff:127.0.0.1]/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("400", "GET https://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("400", "GET ftp://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("400", "GET / HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("400", "GET //HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("400", "TRACE http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3, 3\r\n\r\nabc"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: +3\r\n\r\nabc"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0x3\r\n\r\nabc"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: -3\r\n\r\nabc"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: identity\r\n\r\nabc"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("400", "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("400", "POST http://HOST/ HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("400", "GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\nX: a\r\n b\r\n\r\n"),
        ("400", "GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\nX: a\u{0}b\r\n\r\n"),
        ("400", "GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\nX Y: a\r\n\r\n"),
        ("400", "GET http://HOST/ HTTP/2.0\r\nHost: HOST\r\n\r\n"),
        ("400", "GET http://HOST/ HTTP/1.1 \r\nHost: HOST\r\n\r\n"),
        ("400", "GET http://HOST/a b HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ("400", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n"),
        ("400", "CONNECT registry.test:443 HTTP/1.1\r\nHost: registry.test:443\r\nContent-Length: 5\r\n\r\nhello"),
        ("400", "CONNECT registry.test:443 HTTP/1.1\r\nHost: registry.test:443\r\nHost: registry.test:443\r\n\r\n"),
        ("403", "CONNECT registry.test:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n"),
        ("403", "CONNECT registry.test:443 HTTP/1.1\r\nHost: registry.test:444\r\n\r\n"),
        ("403", "CONNECT registry.test:22 HTTP/1.1\r\nHost: registry.test:22\r\n\r\n"),
        ("403", "CONNECT registry.test HTTP/1.1\r\nHost: registry.test\r\n\r\n"),
        ("403", "CONNECT http://registry.test:443 HTTP/1.1\r\n\r\n"),
        ("403", "CONNECT 2130706433:443 HTTP/1.1\r\n\r\n"),
    ]

    @Test func aCrookedRequestIsRefusedAndNothingReachesTheServer() async throws {
        try await withUpstream { upstream in
            let host = "registry.test:\(upstream.port)"
            let (answers, records) = try await ProxyBench.with(["http://\(host)", "https://registry.test"]) { bench in
                var answers: [String] = []
                for (_, request) in Self.crooked {
                    answers.append("\(try await bench.status(request.replacing("HOST", with: host))) \(request)")
                }
                return answers
            }
            #expect(answers == Self.crooked.map { "\($0) \($1)" })
            #expect(upstream.requests == [])
            #expect(Set(records.map(\.verdict)) == [.refused])
            #expect(records.map(\.connections).reduce(0, +) == Self.crooked.count)
        }
    }

    @Test func whatFollowsARequestOnItsConnectionGoesNowhere() async throws {
        try await withUpstream { upstream in
            let host = "registry.test:\(upstream.port)"
            let (answer, records) = try await ProxyBench.with(["http://\(host)"]) { bench in
                let request = "GET http://\(host)/first HTTP/1.1\r\nHost: \(host)\r\n\r\n"
                return try await bench.raw(request + "GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n", halfClosed: true)
            }
            #expect(answer.components(separatedBy: "HTTP/1.1 200 OK").count == 2)
            #expect(upstream.requests == ["GET /first"])
            #expect(records.map(\.connections) == [1])
        }
    }

    @Test func aNameIsResolvedOnceAndConnectedToAsJudged() async throws {
        try await withUpstream { upstream in
            let answers = Mutex([["3fff::9"], ["127.0.0.1"], ["127.0.0.1"]])
            let asked = Mutex(0)
            var limits = EgressProxy.Limits()
            limits.connectSeconds = 20
            let resolver: EgressResolver = { _ in
                asked.withLock { $0 += 1 }
                return answers.withLock { $0.removeFirst() }.compactMap(IPAddress.init)
            }
            let (statuses, records) = try await ProxyBench.with(
                [], registries: ["http://registry.test"], limits: limits, resolver: resolver
            ) { bench in
                let first = try await bench.status("GET http://registry.test/ HTTP/1.1\r\nHost: registry.test\r\n\r\n")
                #expect(asked.withLock { $0 } == 1)
                return [
                    first, try await bench.status("CONNECT registry.test:80 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: registry.test\r\n\r\n"),
                ]
            }
            // 3fff::9 is nobody's: whether the way there says so or stays silent is the machine's affair.
            #expect(["502", "504"].contains(statuses[0]))
            #expect(statuses[1] == "200")
            #expect(asked.withLock { $0 } == 2)
            #expect(records.map(\.verdict) == [.failed, .refused])
            #expect(try records.last == refused("http://registry.test", "resolves to a loopback address"))
            #expect(upstream.requests == [])
        }
    }

    @Test func aNameThatResolvesToAPrivateAddressIsRefusedWithTheLineToAdd() async throws {
        let resolver: EgressResolver = { _ in ["93.184.216.34", "::ffff:169.254.169.254"].compactMap(IPAddress.init) }
        let (answer, _) = try await ProxyBench.with([], registries: ["http://registry.test"], resolver: resolver) {
            try await $0.curl("http://registry.test/").output
        }
        #expect(
            answer == """
                forge: http://registry.test resolves to a link-local address, ::ffff:169.254.169.254; whoever runs Forge can allow it with \
                `FORGE_EGRESS_ALLOW=http://registry.test` or `[network] allow = ["http://registry.test"]` in config.toml

                """)
    }

    @Test func aServerThatFailsIsToldApartFromOneThatIsForbidden() async throws {
        try await withUpstream { upstream in
            let entry = "http://registry.test:\(upstream.port)"
            let closed = "http://127.0.0.1:1"
            let unknown = "http://unknown.test"
            let resolver: EgressResolver = { $0 == "unknown.test" ? [] : [IPAddress("127.0.0.1")].compactMap { $0 } }
            let (_, records) = try await ProxyBench.with([entry, closed, unknown], resolver: resolver) { bench in
                let down = try await bench.curl(closed)
                #expect(down.output == "forge: no connection to http://127.0.0.1:1 could be made\n")
                #expect(try await bench.curl(unknown).output == "forge: the name of http://unknown.test was not found\n")
                // Cut short for the client too: 18 is curl's "partial file".
                #expect(try await bench.curl("\(entry)/cut").exitCode == 18)
                #expect(try await bench.curl("\(entry)/chunked?cut").exitCode == 18)
            }
            #expect(
                records.map { "\($0.origin?.description ?? "-") \($0.verdict) \($0.reason ?? "-") \($0.connections)" } == [
                    "http://127.0.0.1:1 failed no connection 1", "\(entry) allowed - 2", "\(entry) failed broke off its answer 2",
                    "http://unknown.test failed name not found 1",
                ])
        }
    }

    @Test func aStoppedProxyCutsWhatRunsAndNothingIsReachedAfterwards() async throws {
        try await withUpstream { upstream in
            let entry = "http://registry.test:\(upstream.port)"
            _ = try await ProxyBench.with([entry]) { bench in
                let download = try bench.startCurl("--limit-rate", "5M", "\(entry)/big?900000000")
                _ = try await eventually("bytes of the download", within: 30, else: { download.error }) {
                    download.output.isEmpty ? nil : true
                }
                let records = await bench.proxy.stop()
                #expect(records.first?.bytesReceived ?? 0 > 0)
                #expect(try await download.finish().exitCode == 18)
                #expect(try await bench.curl("\(entry)/hello").exitCode == 7)
            }
        }
    }

    @Test func aConsumerThatDoesNotReadHoldsItsServerBack() async throws {
        try await withUpstream { upstream in
            let entry = "http://registry.test:\(upstream.port)"
            let (_, records) = try await ProxyBench.with([entry]) { bench in
                let download = try bench.startCurl("--limit-rate", "1k", "\(entry)/big?900000000")
                _ = try await eventually("bytes of the download", within: 30, else: { download.error }) {
                    download.output.isEmpty ? nil : true
                }
                download.signal(SIGKILL)
                _ = try await download.finish()
            }
            // Kernel buffers on both sides, and a read's worth of our own.
            #expect(records.first?.bytesReceived ?? .max < 64 << 20)
        }
    }

    @Test func moreClientsThanConnectionsWaitForTheirTurn() async throws {
        try await withUpstream { upstream in
            let entry = "http://registry.test:\(upstream.port)"
            var limits = EgressProxy.Limits()
            limits.connections = 8
            // How fast a machine full of other work connects is not the question.
            limits.connectSeconds = 300
            let (outputs, records) = try await ProxyBench.with([entry], limits: limits) { bench in
                try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<40 { group.addTask { try await bench.curl("\(entry)/hello").output } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
            #expect(outputs == Array(repeating: "hello\n", count: 40))
            #expect(records.map(\.connections) == [40])
        }
    }

    @Test func aStepThatTriesManyServersHasABoundedRecord() async throws {
        let (_, records) = try await ProxyBench.with([]) { bench in
            for number in 0..<230 { _ = try await bench.status("CONNECT h\(number).test:443 HTTP/1.1\r\n\r\n") }
        }
        #expect(records.count == EgressRecord.mostRecords + 1)
        #expect(try records.last == refused(nil, EgressRecord.summedUp, 30))
    }
}
