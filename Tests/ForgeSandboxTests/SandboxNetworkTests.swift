import ForgeEgress
import ForgeModel
import ForgeSandbox
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Synchronization
import Testing

/// A step with a network, in the real sandbox, against real servers on the host.
@Suite struct SandboxNetworkTests {
    private func policy(_ entries: String..., bundle: String? = nil) throws -> EgressPolicy {
        EgressPolicy(operatorEntries: Set(try entries.map { try EgressOrigin(parsing: $0) }), caBundle: bundle)
    }

    @Test(arguments: ["crun", "runc"]) func anOperatorsLoopbackMirrorIsReachedOverHTTP(runtime: String) async throws {
        try await withUpstream { upstream in
            let workshop = try await Workshop(runtime)
            let entry = "http://127.0.0.1:\(upstream.port)"
            let outcome = try await workshop.run("curl -sS \(entry)/hello", network: policy(entry))
            #expect(outcome.output == "hello\n")
            #expect(outcome.ending == .exited(0))
            #expect(upstream.requests == ["GET /hello"])
            let record = try #require(outcome.egress.first)
            #expect(outcome.egress.count == 1 && record.verdict == .allowed && record.connections == 1)
            #expect(record.origin?.description == entry && record.bytesSent > 50 && record.bytesReceived > 100)
            #expect(try workshop.leftovers() == [])
        }
    }

    @Test func anOperatorsMirrorIsReachedOverHTTPSWithTheOperatorsCertificates() async throws {
        try await withUpstream(tls: true) { upstream in
            let workshop = try await Workshop()
            let entry = "https://localhost:\(upstream.port)"
            let line = """
                curl -sS \(entry)/hello
                /usr/bin/python3 -c 'import urllib.request as u; print(u.urlopen("\(entry)/hello").read())'
                /usr/bin/node -e 'console.log(process.env.NODE_EXTRA_CA_CERTS)'
                touch /etc/ssl/operator.pem 2>/dev/null || echo read-only
                """
            let outcome = try await workshop.run(line, network: policy(entry, bundle: upstream.certificate))
            #expect(outcome.output == "hello\nb'hello\\n'\n/etc/ssl/operator.pem\nread-only\n")
            #expect(outcome.egress.map(\.connections) == [2])
        }
    }

    @Test(arguments: [true, false]) func packageManagersFindTheProxyAndTheCertificatesByThemselves(tls: Bool) async throws {
        try await withUpstream(tls: tls) { upstream in
            let workshop = try await Workshop()
            let entry = "\(tls ? "https" : "http")://localhost:\(upstream.port)"
            let line = """
                npm ping --registry \(entry)/npm/ 2>&1 | grep -c PONG
                /usr/bin/python3 -m pip download --no-cache-dir --retries 0 --index-url \(entry)/simple/ absent 2>&1 | grep -c 'No matching'
                git ls-remote \(entry)/repository 2>&1 | grep -c 'not valid: is this a git repository'
                """
            let limits = Step.Limits.small.with { $0.memoryBytes = 1 << 30 }
            let outcome = try await workshop.run(
                line, limits: limits, network: policy(entry, bundle: tls ? upstream.certificate : nil))
            #expect(outcome.output == "1\n1\n1\n")
            #expect(
                upstream.requests == [
                    "GET /npm/-/ping?write=true", "GET /simple/absent/", "GET /repository/info/refs?service=git-upload-pack",
                ])
            #expect(outcome.egress.map(\.verdict) == [.allowed])
        }
    }

    @Test(arguments: ["crun", "runc"]) func nothingButTheProxyIsThere(runtime: String) async throws {
        let workshop = try await Workshop(runtime)
        let outcome = try await workshop.run(
            """
            sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev
            tail -n +2 /proc/net/route | wc -l
            awk '{ print $6 }' /proc/net/if_inet6 | sort -u
            grep -c . /proc/net/unix
            curl -s --noproxy '*' -m 5 http://203.0.113.9/ || echo "direct $?"
            curl -s --noproxy '*' -m 5 http://127.0.0.1:80/ || echo "loopback $?"
            curl -s --noproxy '*' -m 5 -g 'http://[2001:db8::1]/' || echo "direct over IPv6 $?"
            curl -s -o /dev/null -w '%{http_code}\\n' http://203.0.113.9/
            /usr/sbin/ip link set lo down 2>/dev/null || echo fixed
            ls /sys
            """, network: EgressPolicy())
        #expect(
            outcome.output
                == "lo\n0\nlo\n1\ndirect 7\nloopback 7\ndirect over IPv6 7\n403\nfixed\nfs\n")
        #expect(
            outcome.egress == [
                EgressRecord(
                    origin: try EgressOrigin(parsing: "http://203.0.113.9"), verdict: .refused, reason: "not an allowed server",
                    connections: 1)
            ])
    }

    @Test func theHostsAbstractSocketsAreOutOfReach() async throws {
        let name = "forge-test-\(UUID().uuidString)"
        let listener = try AbstractSocket(name)
        let line = """
            /usr/bin/python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); print(s.connect_ex("\\0\(name)"))'
            """
        let workshop = try await Workshop()
        let outcome = try await workshop.run(line, network: EgressPolicy())
        #expect(outcome.output == "\(ECONNREFUSED)\n")
        withExtendedLifetime(listener) {}
    }

    @Test func aRefusalNamesTheLineToAdd() async throws {
        let workshop = try await Workshop()
        let outcome = try await workshop.run(
            "curl -s http://mirror.test:8080/x; curl -sS https://mirror.test/x 2>&1; curl -sS -v https://mirror.test/x 2>&1 | grep '< HTTP'",
            network: EgressPolicy())
        #expect(
            outcome.output == """
                forge: this step may not reach http://mirror.test:8080; whoever runs Forge can allow it with \
                `FORGE_EGRESS_ALLOW=http://mirror.test:8080` or `[network] allow = ["http://mirror.test:8080"]` in config.toml
                curl: (56) CONNECT tunnel failed, response 403
                < HTTP/1.1 403 Forbidden by Forge (FORGE_EGRESS_ALLOW=https://mirror.test would allow it)\r

                """)
    }

    @Test func fiftyMegabytesPassBothWays() async throws {
        try await withUpstream(tls: true) { upstream in
            let workshop = try await Workshop()
            let entry = "https://localhost:\(upstream.port)"
            let line = """
                curl -sS '\(entry)/big?52428800' | wc -c
                head -c 52428800 /dev/zero | curl -sS --data-binary @- -H 'Expect:' \(entry)/
                curl -sS '\(entry)/big?20000000' | (sleep 1; wc -c)
                """
            let limits = Step.Limits.small.with { $0.memoryBytes = 512 << 20 }
            let outcome = try await workshop.run(line, limits: limits, network: policy(entry, bundle: upstream.certificate))
            #expect(
                outcome.output
                    == "52428800\n52428800 8565a714dca840f8652c5bae9249ab05f5fb5a4f9f13fbe23304b10f68252da2\n20000000\n")
            let record = try #require(outcome.egress.first)
            #expect(record.bytesReceived > 72_000_000 && record.bytesSent > 52_428_800 && record.connections == 3)
        }
    }

    @Test func aRedirectIsJudgedLikeAnyRequest() async throws {
        try await withUpstream { upstream in
            let workshop = try await Workshop()
            let entry = "http://127.0.0.1:\(upstream.port)"
            let outcome = try await workshop.run(
                """
                curl -sSL '\(entry)/redirect?/hello'
                curl -sL -o /dev/null -w '%{http_code}\\n' '\(entry)/redirect?http://169.254.169.254/latest'
                """, network: policy(entry))
            #expect(outcome.output == "hello\n403\n")
            #expect(outcome.egress.map { $0.origin?.description } == [entry, "http://169.254.169.254"])
            #expect(outcome.egress.map(\.connections) == [3, 1])
        }
    }

    @Test func killingTheHelperInTheMiddleOfADownloadLeavesNothing() async throws {
        try await withUpstream { upstream in
            let workshop = try await Workshop()
            let entry = "http://127.0.0.1:\(upstream.port)"
            let sandboxes = workshop.root + "/sandboxes"
            let killed = Mutex<String?>(nil)
            let network = try policy(entry)
            await #expect {
                _ = try await workshop.run("curl -sS --limit-rate 1000 '\(entry)/big?900000000'", network: network) {
                    killed.withLock { if $0 == nil { $0 = killHelper(ofStepIn: sandboxes) } }
                }
            } throws: {
                ($0 as? ForgeError)?.code == "sandbox.lost"
            }
            #expect(try processes(with: "\(entry)/big") == [])
            #expect(try workshop.leftovers() == [])
        }
    }

    /// With its listening socket shut under it, as no step could, the proxy accepts no more.
    @Test(arguments: ["crun", "runc"]) func theDeathOfTheProxyFailsTheStepAndOpensNoOtherWay(runtime: String) async throws {
        try await withUpstream { upstream in
            let workshop = try await Workshop(runtime)
            let entry = "http://127.0.0.1:\(upstream.port)"
            let sandboxes = workshop.root + "/sandboxes"
            let marker = UUID().uuidString
            let line = """
                curl -sS '\(entry)/before' > /dev/null && echo up
                : \(marker); while :; do
                    curl -sS -m 5 '\(entry)/after' > /dev/null 2>&1 && echo passed
                    curl -sS -m 5 --noproxy '*' '\(entry)/direct' > /dev/null 2>&1 && echo direct
                done
                """
            let output = Mutex("")
            let shut = Mutex(0)
            let request = SandboxRequest(
                layers: [workshop.root + "/layer"], command: ["/bin/sh", "-c", line], environment: SandboxWorld.environment,
                workingDirectory: .root, limits: .small, network: try policy(entry))
            await #expect {
                _ = try await workshop.sandbox.run(
                    request,
                    output: { bytes in
                        output.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
                        shut.withLock { if $0 == 0 { $0 = ListeningSockets.shutDown(inNetworkOfStepIn: sandboxes) } }
                    }
                ) { _ in }
            } throws: {
                ($0 as? ForgeError)?.code == "egress.proxy-died"
            }
            #expect(shut.withLock { $0 } > 0)
            #expect(output.withLock { !$0.contains("direct") && $0.hasPrefix("up\n") })
            #expect(upstream.requests.first == "GET /before")
            #expect(!upstream.requests.contains("GET /direct"))
            #expect(try processes(with: marker) == [])
            #expect(try workshop.leftovers() == [])
        }
    }

    @Test func aMissingCertificateBundleIsNamed() async throws {
        let workshop = try await Workshop()
        await #expect {
            _ = try await workshop.run("true", network: EgressPolicy(caBundle: "/nonexistent/ca.pem"))
        } throws: {
            ($0 as? ForgeError)?.code == "egress.no-ca-bundle"
        }
        #expect(try workshop.leftovers() == [])
    }
}

/// A listening unix socket with an abstract name, in the host's network namespace.
private struct AbstractSocket: ~Copyable {
    private let descriptor: Int32

    init(_ name: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = [0] + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard status == 0, listen(descriptor, 1) == 0 else { throw TestSupportError("no abstract socket: \(errno)") }
    }

    deinit { close(descriptor) }
}

/// Sockets of this process that listen in a step's network.
private enum ListeningSockets {
    /// Shuts those in the network namespace of the one step running in `sandboxes`; how many there were.
    static func shutDown(inNetworkOfStepIn sandboxes: String) -> Int {
        guard let network = network(ofStepIn: sandboxes) else { return 0 }
        let own = ((try? Files.list("/proc/self/fd")) ?? []).compactMap { Int32($0) }
        return own.filter { listens($0) && namespace(of: $0) == network && shutdown($0, Int32(SHUT_RDWR)) == 0 }.count
    }

    private static func network(ofStepIn sandboxes: String) -> ino_t? {
        guard let step = try? Files.list(sandboxes).first(where: { $0.hasPrefix("step-") && !$0.hasSuffix(".lock") }) else { return nil }
        let group = "forge-" + step.dropFirst("step-".count)
        let lists = ["/sys/fs/cgroup/memory/\(group)", "/sys/fs/cgroup/\(group)"].compactMap { try? Files.read("\($0)/cgroup.procs") }
        guard let pid = lists.first.flatMap({ String(decoding: $0, as: UTF8.self).split(separator: "\n").first }) else { return nil }
        var status = stat()
        return stat("/proc/\(pid)/ns/net", &status) == 0 ? status.st_ino : nil
    }

    private static func listens(_ descriptor: Int32) -> Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1
    }

    private static func namespace(of socket: Int32) -> ino_t? {
        // SIOCGSKNS
        let namespace = ioctl(socket, 0x894C)
        guard namespace >= 0 else { return nil }
        defer { close(namespace) }
        var status = stat()
        return fstat(namespace, &status) == 0 ? status.st_ino : nil
    }
}
