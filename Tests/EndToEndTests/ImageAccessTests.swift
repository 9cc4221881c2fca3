import ForgeTestSupport
import Foundation
import Testing

/// Registries that want a login, send on to other servers, have bad days or a certificate of one's own.
@Suite struct ImageAccessTests {
    private static let layers = [ImageRegistry.busybox, ["etc/motd": "hello\n"]]

    private struct Front {
        let port: Int
        let log: String
        var lines: [String] {
            String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    private func front(_ home: ForgeHome, _ registry: ImageRegistry, _ options: String...) async throws -> Front {
        let name = "output/front-\(UUID().uuidString)"
        let script = "\(BuildProducts.checkout)fixtures/images/front.py"
        let child = try home.start(
            program: "/usr/bin/python3",
            [script, "--behind", "\(registry.port)", "--port-file", "\(name).port", "--log", "\(name).log"] + options)
        let port = try await eventually("the front to listen", else: { child.error }) {
            FileManager.default.contents(atPath: "\(home.folder)/\(name).port").flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        }
        return Front(port: port, log: "\(home.folder)/\(name).log")
    }

    private func project(_ home: ForgeHome, _ image: String) throws -> TemporaryProject {
        try home.project(custom: "mkdir out; cp /etc/motd out/index.html", output: "out", more: "image = \"\(image)\"\n")
    }

    private func logIn(_ home: ForgeHome, _ authority: String, file: String = ".docker/config.json", helper: String? = nil) throws {
        let auth = Data("ada:secret-word".utf8).base64EncodedString()
        let text =
            helper.map { "{\"credHelpers\": {\"\(authority)\": \"\($0)\"}}" } ?? "{\"auths\": {\"\(authority)\": {\"auth\": \"\(auth)\"}}}"
        let path = "\(home.folder)/person/\(file)"
        try Folder.make((path as NSString).deletingLastPathComponent)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    @Test func theLoginGoesToTheTokenServerAloneAndNoTokenToWhereBlobsLie() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            let front = try await front(home, registry, "--user", "ada:secret-word", "--fail-first", "2")
            let path = try project(home, "127.0.0.1:\(front.port)/team/tiny@\(pushed.digest)").path
            #expect(try await home.failureCode(50, "build", path) == "image.denied")
            try logIn(home, "127.0.0.1:\(front.port)")
            try await home.build(path, "--out", "\(home.folder)/files")
            #expect(try Folder.texts("\(home.folder)/files") == ["index.html": "hello\n"])
            #expect(front.lines.filter { $0 == "front 503" }.count == 2)
            #expect(Set(front.lines.filter { $0.hasPrefix("blobs") }) == ["blobs /v2/team/tiny/blobs no-authorization"])
            #expect(
                Set(front.lines.filter { $0.hasPrefix("token") }) == [
                    "token /token?service=here&scope=repository:team/tiny:pull none",
                    "token /token?service=here&scope=repository:team/tiny:pull right",
                ])
            let told = try await home.tool("/usr/bin/grep", "-rlE", "secret-word|a-token-for-pulling", home.path)
            #expect(told == ForgeRun(exitCode: 1, output: "", error: ""))
        }
    }

    @Test func aStrangersSourceIsShownNothingThatTakesTheOperatorsLogin() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            let front = try await front(home, registry, "--user", "ada:secret-word")
            try logIn(home, "127.0.0.1:\(front.port)", file: ".config/containers/auth.json")
            let path = try project(home, "127.0.0.1:\(front.port)/team/tiny@\(pushed.digest)").path
            #expect(try await home.failureCode(50, "build", path, "--untrusted") == "image.denied")
            #expect(front.lines.allSatisfy { !$0.hasSuffix("right") })
            try await home.build(path)
        }
    }

    @Test func aCredentialHelperIsAskedByItsProtocol() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            let front = try await front(home, registry, "--user", "ada:secret-word")
            try logIn(home, "127.0.0.1:\(front.port)", helper: "test")
            let tools = try home.project([
                "docker-credential-test": """
                #!/bin/sh
                read server
                [ "$1 $server" = "get 127.0.0.1:\(front.port)" ] || exit 1
                echo '{"ServerURL": "x", "Username": "ada", "Secret": "secret-word"}'
                """
            ])
            #expect(try await home.tool("/bin/chmod", "755", "\(tools.path)/docker-credential-test").exitCode == 0)
            let path = try project(home, "127.0.0.1:\(front.port)/team/tiny@\(pushed.digest)").path
            let run = try await home.run("build", path, environment: ["PATH": "\(tools.path):/usr/bin:/bin:/usr/sbin:/sbin"])
            #expect(run.exitCode == 0, "\(run.error)")
        }
    }

    @Test func httpsWithACertificateOfOnesOwnAndBasicLoginWorksAndWithoutItIsRefused() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            let port = try Loopback.freePort()
            let stand = "\(home.folder)/output/tls"
            try Folder.make(stand)
            let script = """
                cd \(stand)
                openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem 2>/dev/null
                openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout key.pem -out request.pem 2>/dev/null
                printf 'subjectAltName=IP:127.0.0.1' > names
                openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem 2>/dev/null
                printf 'ada:{PLAIN}secret-word\n' > users
                """
            #expect(try await home.tool("/bin/sh", "-euc", script).exitCode == 0)
            try """
            daemon off; master_process off; pid \(stand)/pid; error_log \(stand)/errors;
            events {}
            http {
                access_log off; client_body_temp_path \(stand)/body; proxy_temp_path \(stand)/proxy; fastcgi_temp_path \(stand)/f;
                uwsgi_temp_path \(stand)/u; scgi_temp_path \(stand)/s;
                server {
                    listen 127.0.0.1:\(port) ssl; ssl_certificate \(stand)/cert.pem; ssl_certificate_key \(stand)/key.pem;
                    location / { auth_basic "here"; auth_basic_user_file \(stand)/users; proxy_pass http://127.0.0.1:\(registry.port); }
                }
            }
            """.write(toFile: "\(stand)/nginx.conf", atomically: true, encoding: .utf8)
            _ = try home.start(program: "/bin/sh", ["-c", "cd output/tls && exec nginx -p . -c nginx.conf"])
            _ = try await eventually("nginx to listen") { Loopback.answers(port) ? true : nil }
            let path = try project(home, "127.0.0.1:\(port)/team/tiny@\(pushed.digest)").path
            let entry = "[images]\n\"127.0.0.1:\(port)\" = [\"https://127.0.0.1:\(port)\"]\n"
            try logIn(home, "127.0.0.1:\(port)")
            try home.configure(entry)
            #expect(try await home.failureCode(50, "build", path) == "image.unreachable")
            try home.configure(entry + "[network]\nca = \"\(stand)/ca.pem\"\n")
            try await home.build(path)
        }
    }

    @Test func aMirrorOfTheOperatorIsAskedFirstAndTheRegistryItselfWhenItLacksTheImage() async throws {
        try await withForgeHome { home in
            let (registry, mirror) = (try await home.imageRegistry(), try await home.imageRegistry())
            let pushed = try await registry.push("team/tiny", layers: Self.layers)
            let there = try await mirror.push("team/tiny", layers: Self.layers)
            #expect(there.digest == pushed.digest)
            let only = try await registry.push("team/tiny", tag: "2", layers: [ImageRegistry.busybox, ["etc/motd": "second\n"]])
            try home.configure("[images]\n\"\(registry.authority)\" = [\"http://\(mirror.authority)\"]\n")
            try await home.build(project(home, "\(registry.authority)/team/tiny@\(pushed.digest)").path)
            #expect(registry.requests() == [])
            #expect(!mirror.requests().isEmpty)
            try await home.build(project(home, "\(registry.authority)/team/tiny@\(only.digest)").path, "--out", "\(home.folder)/files")
            #expect(try Folder.texts("\(home.folder)/files") == ["index.html": "second\n"])
        }
    }

    @Test(arguments: ["debian:12", "registry.example/Name@sha256:\(String(repeating: "a", count: 64))", "registry.example/name@sha256:abc"])
    func aNameThatIsNoneIsToldWithItsPlace(_ name: String) async throws {
        try await withForgeHome { home in
            let error = try await home.failure(10, "plan", project(home, name).path)
            #expect(error["code"] == "config.invalid")
            #expect(error["line"] == 4)
        }
    }
}
