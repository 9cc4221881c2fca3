import ForgeTestSupport
import Foundation
import Testing

/// A deployed server, asked what it sees and what it can do.
@Suite struct ServerSandboxTests {
    @Test func insideAServerIsNobodyAndItsFilesAreReadOnly() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "told")
            let ids = try await gateway.ask("told.localhost", "/ids")
            let none: JSON = "0000000000000000"
            #expect(
                ids.without("addresses", "processes", "started") == [
                    "uid": 1000, "gid": 1000, "groups": [1000], "CapEff": none, "CapBnd": none, "CapPrm": none, "NoNewPrivs": "1",
                    "Seccomp": "2", "hostname": "forge", "folder": "/workspace",
                ])
            #expect((ids["processes"]?.number ?? 99) < 5)
            for path in ["/workspace/new", "/usr/new", "/etc/new", "/new", "/var/new", "/proc/sys/kernel/hostname"] {
                let answer = try await gateway.ask("told.localhost", "/write?path=\(path)").text ?? ""
                #expect(["EROFS", "EACCES", "EPERM", "ENOENT"].contains(answer), "\(path): \(answer)")
            }
            for path in ["/tmp/new", "/home/build/new"] {
                #expect(try await gateway.ask("told.localhost", "/write?path=\(path)") == "written")
            }
            for path in [home.path, "/root", "/etc/shadow", "/sys/fs/cgroup", "/proc/1/mem"] {
                let answer = try await gateway.ask("told.localhost", "/read?path=\(path)").text ?? ""
                #expect(["ENOENT", "EACCES", "EISDIR", "EPERM", "EIO"].contains(answer), "\(path): \(answer)")
            }
            #expect(try await gateway.ask("told.localhost", "/list?path=\(home.path)") == "ENOENT")
        }
    }

    @Test func theEnvironmentIsExactlyThePlatformsAndItsOwners() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            let variables = try home.project([".env": "# of its owner\nGREETING=\"good day\"\nEMPTY=\nPATH_OF_IT='/a b/$c'\n"])
            let commit = try await project.commit()
            try await home.deploy(
                project.path, to: "told", "--commit", commit, "--env-file", "\(variables.path)/.env",
                in: ["AWS_SECRET_ACCESS_KEY": "the operator's own", "NODE_OPTIONS": "--throw-deprecation"])
            let environment = try await gateway.ask("told.localhost", "/env")
            #expect(
                environment.without("PWD") == [
                    "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/build", "USER": "build", "TMPDIR": "/tmp", "LANG": "C.UTF-8",
                    "TZ": "UTC", "PORT": "3000", "NODE_ENV": "production", "CROWDFORGE_PROJECT_ID": "told", "CROWDFORGE_ENV": "production",
                    "CROWDFORGE_PROJECT_URL": "http://told.localhost:\(gateway.port)", "CROWDFORGE_COMMIT_SHA": .string(commit),
                    "GREETING": "good day", "EMPTY": "", "PATH_OF_IT": "/a b/$c",
                ])
        }
    }

    @Test func theOwnersVariablesAreNowhereInPlainTextButInTheServerItself() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let secret = "k\(UUID().uuidString.lowercased().replacing("-", with: ""))"
            let variables = try home.project([".env": "TOKEN=\(secret)\n"])
            let project = try home.server()
            let run = try await home.run(
                "deploy", project.path, "--project", "told", "--env-file", "\(variables.path)/.env", "--progress", "plain")
            #expect(run.exitCode == 0)
            #expect(!(run.output + run.error).contains(secret))
            #expect(try await gateway.ask("told.localhost", "/env")["TOKEN"] == .string(secret))
            #expect(try await home.files(in: home.path, holding: secret) == [])
            #expect(Machine.processes { $0.contains(secret) } == [])
            let server = try #require(home.runningServers().first)
            let inside = Set(home.processes(of: server).map(String.init))
            #expect(Machine.processes(withEnvironmentHolding: secret).filter { !inside.contains($0) } == [])
            #expect(try await !home.run("releases", "--project", "told", "--json").output.contains(secret))
            #expect(try await !home.run("logs", "--project", "told").output.contains(secret))
            // It is there for the next gateway, too.
            gateway.child.signal(9)
            _ = try await gateway.child.finish()
            let second = try await home.startGateway()
            try await second.waitForAnswer("told.localhost", "200 version 1\n")
            #expect(try await second.ask("told.localhost", "/env")["TOKEN"] == .string(secret))
            #expect(try await home.files(in: home.path, holding: secret) == [])
        }
    }

    @Test func aServerReachesNeitherThisMachineNorMetadataNorAnotherServer() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let open = try Loopback.openPort()
            try await home.deploy(home.server().path, to: "one")
            try await home.deploy(home.server(Behaviour(version: 2)).path, to: "two")
            let others = try await gateway.ask("two.localhost", "/ids")["addresses"]?.elements.compactMap(\.text) ?? []
            let mine = try await gateway.ask("one.localhost", "/ids")["addresses"]?.elements.compactMap(\.text) ?? []
            #expect(others.contains { !$0.hasPrefix("127.") } && Set(mine) != Set(others))
            let machine = try await home.tool("/usr/bin/env", "hostname", "-I").output.split(whereSeparator: \.isWhitespace)
                .map(String.init).filter { $0.contains(".") }
            #expect(!machine.isEmpty)
            // The host's own end of the server's network is one less than the server's.
            let ends = (mine + others).filter { !$0.hasPrefix("127.") && $0.contains(".") }.map { address in
                let parts = address.split(separator: ".").compactMap { Int($0) }
                return "\(parts[0]).\(parts[1]).\(parts[2]).\(parts[3] - 1)"
            }
            for host in ["127.0.0.1", "localhost"] + machine + ends {
                for port in [open.port, gateway.port] {
                    let word = try await gateway.ask("one.localhost", "/connect?host=\(host)&port=\(port)").text
                    #expect(word != "open" && word != "silent", "\(host):\(port) is \(word ?? "")")
                }
            }
            for host in others.filter({ !$0.hasPrefix("127.") && $0.contains(".") }) + ["169.254.169.254", "100.100.100.200"] {
                for port in [80, 3000] {
                    let word = try await gateway.ask("one.localhost", "/connect?host=\(host)&port=\(port)").text
                    #expect(word != "open" && word != "silent", "\(host):\(port) is \(word ?? "")")
                }
            }
            #expect(Loopback.answers(open.port))
            // And nobody but the gateway reaches a server.
            for host in others.filter({ $0.contains(".") && !$0.hasPrefix("127.") }) {
                let run = try await home.start(
                    program: "/usr/bin/curl", ["-s", "--noproxy", "*", "--max-time", "5", "http://\(host):3000/"]
                ).finish()
                #expect(run.exitCode != 0, "\(run)")
            }
        }
    }

    @Test func aServerReachesTheWorldOutsideByName() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "told")
            // The package index is the one server out there that every machine which runs these tests can reach.
            let allowed = try await PythonIndex.environment(for: home)["FORGE_EGRESS_ALLOW"] ?? ""
            let url = try #require(allowed.split(separator: ",").compactMap { URL(string: String($0)) }.first)
            let host = try #require(url.host())
            guard !host.hasPrefix("127."), host != "localhost" else { return }
            let port = url.port ?? (url.scheme == "https" ? 443 : 80)
            #expect(try await gateway.ask("told.localhost", "/connect?host=\(host)&port=\(port)&ms=15000") == "open")
        }
    }
}
