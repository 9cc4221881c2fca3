import ForgeTestSupport
import Foundation
import Testing

/// `fixtures/sandbox-probe` with its canaries, run by the real `forge` as a project's own build command and as a deployed server.
@Suite struct SandboxProbeTests {
    /// What each kind of project needs besides to be recognised as that.
    static let kinds = [
        "Static site": ["index.html": "hello\n"],
        "Node.js": ["package.json": #"{"name": "probed", "version": "1.0.0", "scripts": {"start": "node server.js"}}"#, "server.js": "\n"],
        "Python": ["main.py": "print('hello')\n"],
    ]

    @Test(arguments: kinds.keys.sorted()) func aBuildCommandSeesNothingAndReachesNothing(kind: String) async throws {
        try await withForgeHome { home in
            let world = try await home.plantCanaries(
                "memory=\(4 << 30)", "processes=2048", "disk=\(8 << 30)", "inodes=\(1 << 20)")
            let probe = try String(contentsOfFile: "\(Self.fixture)/probe.py", encoding: .utf8)
            let project = try home.project(
                (Self.kinds[kind] ?? [:]).merging([
                    "probe.py": probe, "world.json": world,
                    "crowdforge.toml": """
                    [build]
                    command = "mkdir public; /usr/bin/python3 probe.py world.json > public/report.txt || true"
                    output = "public"
                    """,
                ]) { $1 })
            #expect(try await home.run("detect", project.path).output.contains(kind))
            _ = try await home.build(project.path, "--out", "\(home.folder)/out")
            let texts = try Folder.texts("\(home.folder)/out")
            let report = try #require(texts.first { $0.key.hasSuffix("report.txt") }?.value)
            #expect(report.split(separator: "\n").filter { !$0.hasPrefix("PASS ") } == ["TOTAL pass=\(Self.countOfSteps) leak=0"])
        }
    }

    @Test func aDeployedServerSeesNothingOfTheHost() async throws {
        try await withForgeHome { home in
            let world = try await home.plantCanaries(
                "memory=\(512 << 20)", "processes=512", "disk=\(1 << 30)", "inodes=\(1 << 20)", #"place="server""#,
                #"environment=["PATH","HOME","USER","TMPDIR","LANG","TZ","PORT","PYTHONUNBUFFERED","PYTHONFAULTHANDLER"]"#)
            let gateway = try await home.startGateway()
            let probe = try String(contentsOfFile: "\(Self.fixture)/probe.py", encoding: .utf8)
            let server = """
                import http.server, os, subprocess
                told = subprocess.run(["/usr/bin/python3", "probe.py", "world.json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
                class Teller(http.server.BaseHTTPRequestHandler):
                    def do_GET(self):
                        self.send_response(200)
                        self.send_header("content-length", str(len(told)))
                        self.end_headers()
                        self.wfile.write(told)
                http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Teller).serve_forever()

                """
            let project = try home.project(["main.py": server, "probe.py": probe, "world.json": world])
            try await home.deploy(project.path, to: "probed")
            let report = try await gateway.fetch("probed.localhost").dropFirst("200 ".count)
            #expect(report.split(separator: "\n").filter { !$0.hasPrefix("PASS ") } == ["TOTAL pass=\(Self.countOfSteps - 5) leak=0"])
        }
    }

    private static let fixture = "\(BuildProducts.checkout)fixtures/sandbox-probe"

    /// Properties that hold for a step; five of them, of a network with no way out, are not a server's.
    private static let countOfSteps = 142
}

extension ForgeHome {
    /// Starts the process that keeps the canaries while this home lives, and gives its `world.json`.
    fileprivate func plantCanaries(_ members: String...) async throws -> String {
        let place = "\(folder)/canaries"
        try Folder.make(place)
        let program = "\(BuildProducts.checkout)fixtures/sandbox-probe/canaries.py"
        _ = try start(program: "/usr/bin/python3", [program, place, "lasts=300"] + members)
        return try await eventually("canaries") {
            let text = try? String(contentsOfFile: "\(place)/world.json", encoding: .utf8)
            return text?.hasSuffix("}") == true ? text : nil
        }
    }
}
