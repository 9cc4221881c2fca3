internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The `curl` program, in the fetching process's confinement: TLS, proxies and authorities as on this machine, no configuration
/// of anybody. What it is to do goes through a pipe, so no argument holds a secret.
struct CurlProgram {
    /// One thing to get.
    struct Job {
        var url: String
        var headers: [(name: String, value: String)] = []
        var login: (user: String, password: String)?
        /// Sent with POST.
        var body: String?
    }

    private let limits: FetchLimits
    /// Where curl's own words go.
    private let log: String

    init(limits: FetchLimits, log: String) {
        self.limits = limits
        self.log = log
    }

    /// Runs all jobs, one after the other over as few connections as possible, and hands their bodies to `body` as one stream. Nil
    /// when all went well, else curl's exit code and its words.
    /// - Throws: what `body` throws, after curl's end; `FetchFailure`
    func run(_ jobs: [Job], options: [String], _ body: (Descriptor) throws -> Void) throws -> (code: Int32, text: String)? {
        let (child, output) = try start(jobs.map { text(of: $0, options) }.joined(separator: "next\n"))
        do { try body(output) } catch {
            child.kill()
            _ = try child.waitBlocking()
            throw error
        }
        guard case .exited(let code) = try child.waitBlocking() else { return (-1, "killed") }
        let words = String(decoding: try Files.read(log, limit: 4096) ?? [], as: UTF8.self)
        return code == 0 ? nil : (code, words.split(whereSeparator: \.isNewline).joined(separator: "; "))
    }

    /// The other ends of the pipes live only as long as this call, so that each side sees the end. curl reads all of what it is
    /// to do before it does any of it.
    private func start(_ text: String) throws -> (ChildProcess, Descriptor) {
        guard let curl = Environment.executable("curl") else {
            throw FetchFailure(code: "source.no-curl", message: "no program `curl` was found", hint: "install it: LFS objects come by it")
        }
        let (input, lines) = try Descriptor.pipe()
        let (output, childOutput) = try Descriptor.pipe()
        let errors = try Descriptor.open(log, O_WRONLY | O_CREAT | O_TRUNC)
        let child = try ChildProcess.spawn(
            .init(curl, ["-q", "--config", "-"], environment: Environment.all, descriptors: [0: input, 1: childOutput, 2: errors]))
        // A curl that is gone already tells by its end.
        try? lines.write(Array(text.utf8))
        return (child, output)
    }

    private func text(of job: Job, _ options: [String]) -> String {
        var lines = [
            "silent", "show-error", "globoff", "no-sessionid", "disallow-username-in-url", "connect-timeout = \(limits.idleSeconds)",
            "speed-limit = 1", "speed-time = \(limits.idleSeconds)", "max-time = \(limits.totalSeconds)", "url = \(Self.quoted(job.url))",
        ]
        lines += options
        lines += job.headers.map { "header = \(Self.quoted("\($0.name): \($0.value)"))" }
        if let (user, password) = job.login { lines += ["basic", "user = \(Self.quoted("\(user):\(password)"))"] }
        if let body = job.body { lines.append("data-raw = \(Self.quoted(body))") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n").replacing("\r", with: "\\r")
            + "\""
    }
}
