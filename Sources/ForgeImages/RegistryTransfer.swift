internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// One request of the `curl` program: TLS, proxies and authorities as on this machine, no configuration of anybody. What it is to do
/// goes through a pipe, so that no argument holds a secret. The body is handed on while it comes.
struct RegistryTransfer: Sendable {
    enum Authorization: Hashable, Sendable {
        case login(user: String, password: String)
        case bearer(String)
    }

    var url: String
    var headers: [(name: String, value: String)] = []
    var authorization: Authorization?
    /// Sent with POST, as a form.
    var form: String?
    /// Bytes of the body that are here already.
    var offset: Int64 = 0
    /// Of the body that is still to come.
    var maximumBytes: Int64
    var allowsPlain: Bool
    var caBundle: String?

    struct Answer: Sendable {
        /// 0 when none came.
        let status: Int
        /// By lower-case name, of the last answer in a chain of redirects.
        let headers: [String: [String]]
        /// Of curl; 0 when the whole body came.
        let exit: Int32
        let words: String

        /// Whether asking again can help.
        var isTransient: Bool {
            if [408, 425, 429, 500, 502, 503, 504].contains(status) { return true }
            // Not resolved, not connected, cut short, too slow, hung up, TLS broken off, nothing sent or received, HTTP/2 trouble.
            return status < 400 && [5, 6, 7, 16, 18, 28, 35, 52, 55, 56, 92].contains(exit)
        }
    }

    private struct TooMuch: Error {}

    private static let idleSeconds = 30
    private static let totalSeconds = 1800

    /// - Parameter home: an own folder, for what curl says.
    /// - Throws: what `body` throws; `image.too-large`; `image.no-curl`
    func run(in home: String, _ body: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void) async throws -> Answer {
        guard let curl = ["/usr/bin/curl", "/usr/local/bin/curl", "/bin/curl"].first(where: Files.exists) else {
            throw ForgeError(.build, "image.no-curl", "no program `curl` was found", hint: "install it: images come by it")
        }
        let head = "\(home)/head"
        let log = "\(home)/curl.log"
        try await BlockingPool.run { try Files.replace(head, with: []) }
        let (child, output) = try start(curl, head: head, log: log)
        return try await withTaskCancellationHandler {
            try await BlockingPool.run { [maximumBytes, url] in
                do { try Self.pump(output, maximumBytes, body) } catch {
                    child.kill()
                    _ = try child.waitBlocking()
                    if error is TooMuch { throw Self.tooLarge(url, maximumBytes) }
                    throw error
                }
                guard case .exited(let code) = try child.waitBlocking() else {
                    return Answer(status: 0, headers: [:], exit: -1, words: "killed")
                }
                let text = String(decoding: try Files.read(head, limit: 1 << 18) ?? [], as: UTF8.self)
                let words = String(decoding: try Files.read(log, limit: 4096) ?? [], as: UTF8.self)
                return Self.answer(text, code, words.split(whereSeparator: \.isNewline).joined(separator: "; "))
            }
        } onCancel: {
            child.kill()
        }
    }

    private static func tooLarge(_ url: String, _ limit: Int64) -> ForgeError {
        ForgeError(
            .build, "image.too-large", "`\(url)` is larger than its \(limit) bytes", hint: "the registry is broken or was made to do harm")
    }

    private static func pump(_ output: Descriptor, _ limit: Int64, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var total: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try output.read(into: buffer)
            if count == 0 { return }
            total += Int64(count)
            guard total <= limit else { throw TooMuch() }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// The other ends of the pipes live only as long as this call, so that each side sees the end.
    private func start(_ curl: String, head: String, log: String) throws -> (ChildProcess, Descriptor) {
        let (output, childOutput) = try Descriptor.pipe()
        let errors = try Descriptor.open(log, O_WRONLY | O_CREAT | O_TRUNC)
        let input = try Descriptor.inMemory(Array(text(head: head).utf8), name: "curl")
        let child = try ChildProcess.spawn(
            .init(curl, ["-q", "--config", "-"], environment: Self.environment, descriptors: [0: input, 1: childOutput, 2: errors]))
        return (child, output)
    }

    private static let environment: [String: String] = {
        let names = [
            "HTTPS_PROXY", "https_proxy", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
        ]
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } })
    }()

    /// curl sends neither login nor `Authorization` to another server than the first when it follows a redirect.
    private func text(head: String) -> String {
        let schemes = allowsPlain ? "=http,https" : "=https"
        var lines = [
            "silent", "show-error", "fail", "globoff", "no-sessionid", "disallow-username-in-url", "location", "max-redirs = 5",
            "proto = \(Self.quoted(schemes))", "proto-redir = \(Self.quoted(schemes))", "connect-timeout = \(Self.idleSeconds)",
            "speed-limit = 1", "speed-time = \(Self.idleSeconds)", "max-time = \(Self.totalSeconds)",
            "user-agent = \"forge\"", "dump-header = \(Self.quoted(head))", "url = \(Self.quoted(url))",
        ]
        if offset > 0 { lines.append("continue-at = \(offset)") }
        if let caBundle { lines.append("cacert = \(Self.quoted(caBundle))") }
        lines += headers.map { "header = \(Self.quoted("\($0.name): \($0.value)"))" }
        switch authorization {
        case .login(let user, let password)?: lines += ["basic", "user = \(Self.quoted("\(user):\(password)"))"]
        case .bearer(let token)?: lines.append("header = \(Self.quoted("Authorization: Bearer \(token)"))")
        case nil: break
        }
        if let form { lines.append("data-raw = \(Self.quoted(form))") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n").replacing("\r", with: "\\r")
            + "\""
    }

    /// Of the heads of all answers that came, one after the other.
    private static func answer(_ text: String, _ exit: Int32, _ words: String) -> Answer {
        var status = 0
        var headers: [String: [String]] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("HTTP/") {
                status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
                headers = [:]
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                headers[line[..<colon].lowercased(), default: []].append(String(value))
            }
        }
        return Answer(status: status, headers: headers, exit: exit, words: words)
    }
}
