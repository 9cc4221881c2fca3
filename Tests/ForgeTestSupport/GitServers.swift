import Foundation
import Glibc
import Synchronization

/// The folder from which servers of a test give repositories away.
package struct GitShelf: Sendable {
    package let home: ForgeHome
    package let folder: String

    package init(in home: ForgeHome) throws {
        self.home = home
        folder = "\(home.folder)/shelf"
        try Folder.make(folder)
    }

    /// Puts a bare copy of `project` on the shelf, with all its branches and tags, as `NAME.git`.
    package func publish(_ project: TemporaryProject, as name: String = "site", configuration: [String: String] = [:]) async throws {
        let path = "\(folder)/\(name).git"
        try await project.git("clone", "--quiet", "--bare", project.path, path)
        for (key, value) in configuration { try await project.git("-C", path, "config", key, value) }
    }
}

/// `git http-backend` behind nginx, as people run it.
package struct HTTPGitServer: Sendable {
    package struct Options: Sendable {
        /// Name and password that are asked for.
        package var login: (user: String, password: String)?
        /// https with a certificate of its own making, for `localhost`.
        package var tls = false
        /// Port of the LFS server that stands behind the same address.
        package var lfs: Int?

        package init(login: (user: String, password: String)? = nil, tls: Bool = false, lfs: Int? = nil) {
            self.login = login
            self.tls = tls
            self.lfs = lfs
        }
    }

    package let port: Int
    package let url: String
    /// The certificate authority, for `SSL_CERT_FILE`.
    package let certificate: String
    private let log: String
    private let process = Process()

    private final class Process: Sendable {
        let child = Mutex<Child?>(nil)
    }

    package static func start(_ shelf: GitShelf, _ options: Options = Options()) async throws -> HTTPGitServer {
        let home = shelf.home
        let folder = "\(home.folder)/http-\(UUID().uuidString.prefix(6))"
        try Folder.make(folder)
        let server = HTTPGitServer(
            port: try Loopback.freePort(), folder: folder, scheme: options.tls ? "https" : "http")
        if options.tls { try await makeCertificate(home, folder) }
        if let login = options.login {
            try Data("\(login.user):{PLAIN}\(login.password)\n".utf8).write(to: URL(filePath: "\(folder)/users"))
        }
        try Data(server.configuration(shelf, folder, options).utf8).write(to: URL(filePath: "\(folder)/nginx.conf"))
        _ = try home.start(program: "/usr/sbin/fcgiwrap", ["-s", "unix:\(folder)/socket"])
        let nginx = try home.start(program: "/usr/sbin/nginx", ["-p", folder, "-e", "\(folder)/error.log", "-c", "\(folder)/nginx.conf"])
        server.process.child.withLock { $0 = nginx }
        try await eventually("nginx to listen", else: { nginx.error }) { Loopback.answers(server.port) ? () : nil }
        return server
    }

    /// From here on nobody listens at the port.
    package func stop() async throws {
        let child = process.child.withLock { $0 }
        child?.signal(SIGKILL)
        _ = try await child?.finish(within: 10)
    }

    private init(port: Int, folder: String, scheme: String) {
        self.port = port
        url = "\(scheme)://localhost:\(port)"
        certificate = "\(folder)/certificate.pem"
        log = "\(folder)/access.log"
    }

    private func configuration(_ shelf: GitShelf, _ folder: String, _ options: Options) -> String {
        let tls = options.tls ? "ssl_certificate \(folder)/certificate.pem; ssl_certificate_key \(folder)/key.pem;" : ""
        let login = options.login == nil ? "" : "auth_basic \"repositories\"; auth_basic_user_file \(folder)/users;"
        let lfs = options.lfs.map { "location ~ /info/lfs/ { proxy_pass http://127.0.0.1:\($0); }" } ?? ""
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }
        return """
            daemon off; master_process off; pid \(folder)/pid; error_log \(folder)/error.log;
            events { }
            http {
              log_format bytes "$request_method $request_uri $status $bytes_sent"; access_log \(folder)/access.log bytes;
              \(temporary.joined(separator: " "))
              server {
                listen 127.0.0.1:\(port)\(options.tls ? " ssl" : ""); \(tls)
                location = /page { default_type text/html; return 200 "<html></html>"; }
                location /elsewhere/ { return 301 http://127.0.0.1:\(port)$request_uri; }
                location ~ ^/moved(/.*)$ { return 301 $scheme://localhost:\(port)$1$is_args$args; }
                \(lfs)
                location / {
                  \(login)
                  client_max_body_size 0; fastcgi_pass unix:\(folder)/socket; include /etc/nginx/fastcgi_params;
                  fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
                  fastcgi_param GIT_PROJECT_ROOT \(shelf.folder); fastcgi_param GIT_HTTP_EXPORT_ALL ""; fastcgi_param PATH_INFO $uri;
                  fastcgi_param REMOTE_USER $remote_user; fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol;
                  fastcgi_param HOME \(folder);
                }
              }
            }

            """
    }

    private static func makeCertificate(_ home: ForgeHome, _ folder: String) async throws {
        let run = try await home.tool(
            "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "\(folder)/key.pem", "-out",
            "\(folder)/certificate.pem")
        guard run.exitCode == 0 else { throw TestSupportError("openssl ended with \(run.exitCode): \(run.error)") }
    }

    /// Every request so far: `POST /site.git/git-upload-pack 200`, and what was sent for it.
    package var requests: [(line: String, bytes: Int)] {
        let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            guard let space = line.lastIndex(of: " "), let bytes = Int(line[line.index(after: space)...]) else { return nil }
            return (String(line[..<space]), bytes)
        }
    }
}

/// A real `sshd` on loopback, for the user who runs the tests, and a client's folder that knows it.
package struct SSHGitServer: Sendable {
    package let port: Int
    /// `GIT_SSH_COMMAND` with a configuration of the test's own.
    package let command: String
    private let folder: String

    package static func start(_ shelf: GitShelf) async throws -> SSHGitServer {
        let home = shelf.home
        let server = SSHGitServer(port: try Loopback.freePort(), folder: "\(home.folder)/ssh")
        try Folder.make(server.folder)
        for name in ["host", "key", "stranger"] {
            _ = try await home.tool("/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(server.folder)/\(name)")
        }
        try server.write(
            "sshd_config",
            """
            Port \(server.port)
            ListenAddress 127.0.0.1
            HostKey \(server.folder)/host
            AuthorizedKeysFile \(server.folder)/key.pub
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            AcceptEnv GIT_PROTOCOL
            """)
        try server.know(try server.read("host.pub"))
        try server.use(key: "key")
        if getuid() == 0 { try Folder.make("/run/sshd") }
        let daemon = try home.start(program: "/usr/sbin/sshd", ["-D", "-e", "-f", "\(server.folder)/sshd_config"])
        try await eventually("sshd to listen", else: { daemon.error }) { Loopback.answers(server.port) ? () : nil }
        return server
    }

    private init(port: Int, folder: String) {
        self.port = port
        self.folder = folder
        command = "ssh -F \(folder)/config"
    }

    package func url(_ path: String) -> String { "ssh://127.0.0.1:\(port)\(path)" }

    /// What the client finds among its known hosts: nothing, the host's key, or another.
    package func know(_ key: String?) throws {
        try write("known_hosts", key.map { "[127.0.0.1]:\(port) \($0)" } ?? "")
    }

    package func knowAnotherKey() throws { try know(read("stranger.pub")) }

    /// Which key the client offers: `key`, which is let in, or `stranger`.
    package func use(key: String?) throws {
        let identity = key.map { "IdentityFile \(folder)/\($0)\nIdentitiesOnly yes" } ?? "IdentityFile none"
        try write(
            "config",
            "Host git.test\nHostName 127.0.0.1\nPort \(port)\nHostKeyAlias [127.0.0.1]:\(port)\nHost *\nUserKnownHostsFile \(folder)/known_hosts\n\(identity)\n"
        )
    }

    /// The path of the key that is let in, for an agent.
    package var key: String { "\(folder)/key" }

    private func write(_ name: String, _ text: String) throws { try Data((text + "\n").utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
    private func read(_ name: String) throws -> String { try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }
}

/// A real `git daemon` on loopback.
package struct GitDaemon: Sendable {
    package let port: Int
    package var url: String { "git://127.0.0.1:\(port)" }

    package static func start(_ shelf: GitShelf) async throws -> GitDaemon {
        let port = try Loopback.freePort()
        let daemon = try shelf.home.start(
            program: "/usr/lib/git-core/git-daemon",
            ["--base-path=\(shelf.folder)", "--export-all", "--listen=127.0.0.1", "--port=\(port)", "--reuseaddr"])
        try await eventually("git daemon to listen", else: { daemon.error }) { Loopback.answers(port) ? () : nil }
        return GitDaemon(port: port)
    }
}
