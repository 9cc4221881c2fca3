internal import ForgeModel
internal import ForgeSystem
internal import FoundationEssentials
internal import Glibc

/// Downloads objects from an LFS server: one question for all of them, then each by the way the server tells.
///
/// Source: git-lfs, docs/api/batch.md and docs/api/basic-transfers.md.
struct LFSFetcher {
    private static let mediaType = "application/vnd.git-lfs+json"
    private static let maximumAnswer = 4 << 20

    private let request: FetchRequest
    private let session: FetchSession
    private let curl: CurlProgram

    init(_ request: FetchRequest, _ channel: FetchChannel) {
        self.request = request
        session = FetchSession(request, channel)
        curl = CurlProgram(limits: request.limits, log: request.folder + "/curl.log")
    }

    /// - Throws: `FetchFailure`
    func run(_ objects: [LFSObject]) throws -> FetchedCommit.Transfer {
        let total = objects.reduce(UInt64(0)) { $0 + UInt64($1.digest.sizeBytes) }
        guard total <= request.limits.maximumBytes else {
            throw failure("source.too-large", "the LFS objects of the source are larger than \(request.limits.maximumBytes) bytes")
        }
        let answer = try ask(for: objects)
        let jobs = try objects.map { try job(for: $0, answer) }
        let options = ["fail", "fail-early", "location", "max-redirs = 5", protocols("proto"), protocols("proto-redir")]
        var current = objects[0]
        var isWhole = false
        let fault = try curl.run(jobs, options: options) { stream in
            for object in objects {
                current = object
                guard try receive(object, from: stream) else { return }
            }
            var byte: UInt8 = 0
            if try withUnsafeMutableBytes(of: &byte, { try stream.read(into: $0) }) > 0 { throw damaged(current) }
            isWhole = true
        }
        if let fault { throw translated(fault, "the LFS object of `\(current.path)`") }
        guard isWhole else { throw damaged(current) }
        return .init(objects: objects.count, bytes: total)
    }

    /// False when the stream ends before all of the object has come; curl knows why.
    private func receive(_ object: LFSObject, from stream: Descriptor) throws -> Bool {
        let file = try Descriptor.open("\(request.folder)/\(object.digest.hex)", O_WRONLY | O_CREAT | O_TRUNC)
        var hasher = DigestHasher()
        var rest = Int(object.digest.sizeBytes)
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { chunk.deallocate() }
        while rest > 0 {
            let count = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: chunk.prefix(min(rest, chunk.count))))
            guard count > 0 else { return false }
            let bytes = UnsafeRawBufferPointer(rebasing: chunk[..<count])
            hasher.update(bytes)
            try file.write(bytes, to: "LFS object")
            rest -= count
        }
        guard hasher.finish() == object.digest else { throw damaged(object) }
        return true
    }

    // MARK: The question

    private struct Answer: Decodable {
        struct Action: Decodable {
            let href: String
            let header: [String: String]?
        }
        struct Fault: Decodable {
            let code: Int?
            let message: String?
        }
        struct Object: Decodable {
            let oid: String
            let size: Int64
            let actions: [String: Action]?
            let error: Fault?
        }
        let objects: [Object]
    }

    private struct Question: Encodable {
        struct Object: Encodable {
            let oid: String
            let size: Int64
        }
        let operation = "download"
        let transfers = ["basic"]
        let objects: [Object]
    }

    private func ask(for objects: [LFSObject]) throws -> [String: Answer.Object] {
        let question = Question(objects: objects.map { .init(oid: $0.digest.hex, size: $0.digest.sizeBytes) })
        let text = String(decoding: try JSONEncoder().encode(question), as: UTF8.self)
        var (status, body) = try post(text)
        while status == 401, try session.askForCredentials() != nil { (status, body) = try post(text) }
        switch status {
        case 200: session.wasLetIn()
        case 401:
            throw session.credentials == nil
                ? failure(
                    "source.no-credentials", "the LFS server `\(request.location.text)` asks for credentials and there are none",
                    "store them with git (`git credential approve`), or give a token with `--token-file`")
                : failure("source.credentials", "the LFS server `\(request.location.text)` refuses the credentials")
        case 403: throw failure("source.forbidden", "the LFS server refuses access to `\(request.location.text)`")
        case 404, 501: throw failure("source.lfs-server", "no LFS server answers at `\(request.location.text)`")
        default: throw failure("source.lfs-server", "the LFS server `\(request.location.text)` answers \(status)")
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
            throw failure("source.lfs-server", "the LFS server `\(request.location.text)` gives no answer that can be read")
        }
        return Dictionary(answer.objects.map { ($0.oid, $0) }) { first, _ in first }
    }

    private func post(_ text: String) throws -> (status: Int, body: [UInt8]) {
        let headers = [("Accept", Self.mediaType), ("Content-Type", Self.mediaType)].map { (name: $0.0, value: $0.1) }
        let job = CurlProgram.Job(
            url: request.location.url + "/objects/batch", headers: headers, login: session.credentials, body: text)
        var all: [UInt8] = []
        let fault = try curl.run([job], options: ["write-out = \"\\n%{http_code}\"", protocols("proto")]) { stream in
            all = try stream.readAll(limit: Self.maximumAnswer)
        }
        if let fault { throw translated(fault, "the LFS server `\(request.location.text)`") }
        let end = all.lastIndex(of: UInt8(ascii: "\n")) ?? 0
        return (Int(String(decoding: all[end...].dropFirst(), as: UTF8.self)) ?? 0, Array(all[..<end]))
    }

    /// What the server tells is believed as far as a URL and headers go, and no further.
    private func job(for object: LFSObject, _ answer: [String: Answer.Object]) throws -> CurlProgram.Job {
        guard let told = answer[object.digest.hex], told.error == nil, let action = told.actions?["download"] else {
            let why = answer[object.digest.hex]?.error?.message.map { ": \($0.prefix(200))" } ?? ""
            throw failure(
                "source.lfs-missing", "the LFS server does not have the object of `\(object.path)`\(why)", "`git lfs push` brings it there")
        }
        guard told.size == object.digest.sizeBytes else { throw damaged(object) }
        let texts = [action.href] + (action.header ?? [:]).flatMap { [$0.key, $0.value] }
        guard !texts.contains(where: { $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } }),
            let location = try? RemoteLocation(parsing: action.href), [.http, .https].contains(location.transport)
        else { throw failure("source.lfs-server", "the LFS server sends the object of `\(object.path)` by a way that is not used") }
        var job = CurlProgram.Job(url: action.href, headers: (action.header ?? [:]).map { (name: $0.key, value: $0.value) })
        let isSaid = job.headers.contains { $0.name.lowercased() == "authorization" }
        if !isSaid && location.isSameServer(as: request.location) { job.login = session.credentials }
        return job
    }

    // MARK: Words

    /// What began with https stays there.
    private func protocols(_ key: String) -> String {
        "\(key) = \"=\(request.location.transport == .https ? "https" : "http,https")\""
    }

    private func damaged(_ object: LFSObject) -> FetchFailure {
        failure(
            "source.lfs-damaged", "the LFS server sent something else for `\(object.path)` than the commit records",
            "nothing of it was kept; `git lfs fsck` where it was pushed tells more")
    }

    private func translated(_ fault: (code: Int32, text: String), _ what: String) -> FetchFailure {
        let (code, message) =
            switch fault.code {
            case 6: ("source.unknown-host", "no host is known for \(what)")
            case 7: ("source.unreachable", "cannot connect for \(what)")
            case 22: ("source.lfs-missing", "the server does not give \(what)")
            case 28: ("source.timeout", "nothing came for too long of \(what)")
            case 1: ("source.redirected", "a way that is not used leads to \(what)")
            case 35, 51, 58, 60, 77: ("source.certificate", "no connection that can be trusted leads to \(what)")
            case 47: ("source.redirected", "the server redirects too often for \(what)")
            default: ("source.cut", "the transfer broke off of \(what)")
            }
        return FetchFailure(code: code, message: message, hint: nil, cause: fault.text)
    }

    private func failure(_ code: String, _ message: String, _ hint: String? = nil) -> FetchFailure {
        FetchFailure(code: code, message: message, hint: hint)
    }
}
