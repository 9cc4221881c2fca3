internal import ForgeHTTP
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc

/// The parts of a request that decide its answer.
struct GatewayRequest: Sendable {
    var method: String
    /// As sent in the request line.
    var target: String
    var hosts: [String]
    var ifNoneMatch: [String] = []
    var ifRange: String?
    var range: [String] = []
    /// All of them, for the rules of a site that has some.
    var fields: [(name: String, value: String)] = []
}

/// Decides the answer to one request from a snapshot of the routes. Calls block on files.
struct StaticResponder: Sendable {
    /// Files up to this size are read whole, so that head and body leave together.
    static let inlineLimit: Int64 = 128 << 10

    let sites: OpenSites

    func respond(to request: GatewayRequest, routes: RouteSnapshot) -> GatewayResponse {
        guard request.hosts.count == 1, let host = HostName.canonical(request.hosts[0]) else {
            return .badRequest("A request names exactly one host.")
        }
        guard let entry = routes.entries[host] else { return .unknownHost(host) }
        guard request.method == "GET" || request.method == "HEAD" else { return .methodNotAllowed }
        let path: RequestPath
        do { path = try RequestPath(parsing: request.target) } catch {
            return .badRequest("The path of this request is not one a site can have.")
        }
        do {
            let site = try sites.site(host, entry)
            let asked = SiteRequest(path: path, host: host, fields: request.fields)
            var varies = SiteRulebook.Variance()
            var response = try answer(request, asked, &varies, site)
            site.rules.dress(&response, asked, varies)
            response.release = entry.release
            return response
        } catch let error as SystemError where error.isNotFound {
            return .filesGone(host)
        } catch {
            return .internalError
        }
    }

    private func answer(
        _ request: GatewayRequest, _ asked: SiteRequest, _ varies: inout SiteRulebook.Variance, _ site: Site
    ) throws -> GatewayResponse {
        let path = asked.path
        if !path.isHidden {
            if let tidy = site.rules.tidied(path) { return redirect(308, to: tidy) }
            if let answer = try follow(request, asked, &varies, site, forced: true) { return answer }
            switch try find(path, in: site) {
            case .file(let file, let real, let size)?: return try serve(request, site, file, real, size)
            case .directory?: return redirect(301, to: path.directoryLocation)
            case nil: break
            }
            if let answer = try follow(request, asked, &varies, site, forced: false) { return answer }
            if let fallback = site.entry.fallback, case .file(let file, let real, let size)? = try site.file(fallback.components) {
                return try serve(request, site, file, real, size)
            }
        }
        guard case .file(let file, _, let size)? = try site.file(["404.html"]) else { return .notFound(asked.host) }
        return try missing("404.html", file, size)
    }

    /// The answer of the first rule that has one. A page that a rule answers with is a file: no other rule is asked for it.
    private func follow(
        _ request: GatewayRequest, _ asked: SiteRequest, _ varies: inout SiteRulebook.Variance, _ site: Site, forced: Bool
    ) throws -> GatewayResponse? {
        try site.rules.first(forced: forced, asked, &varies) { rule in
            guard rule.status == 200 || rule.status == 404 else { return redirect(rule.status, to: rule.location) }
            guard let target = try? RequestPath(parsing: rule.location), !target.isHidden,
                case .file(let file, let real, let size)? = try find(target, in: site, isExact: false)
            else { return nil }
            return rule.status == 200 ? try serve(request, site, file, real, size) : try missing(real, file, size)
        }
    }

    private func missing(_ real: String, _ file: Descriptor, _ size: Int64) throws -> GatewayResponse {
        let name = real.split(separator: "/").last.map(String.init) ?? real
        return GatewayResponse(status: 404, headers: baseHeaders(name, cache: "no-cache"), body: try body(file, 0..<size))
    }

    /// The file that answers `path`, `.directory` when only its name with a slash does, nil for a miss.
    /// - Parameter isExact: whether a slash too many or too few makes a difference.
    private func find(_ path: RequestPath, in site: Site, isExact: Bool = true) throws -> Site.Node? {
        let isExact = isExact && site.rules.trailingSlash == nil
        if path.isDirectory {
            if let page = try site.file(path.names + ["index.html"]) { return page }
            if isExact || path.names.isEmpty { return nil }
        }
        switch try path.isDirectory ? nil : site.node(path.names) {
        case .file(let file, let real, let size)?: return .file(file, path: real, size: size)
        case .directory?:
            if let page = try site.file(path.names + ["index.html"]) { return isExact ? .directory : page }
        case nil: break
        }
        // Clean URLs: `/about` is `about.html`.
        return try site.file(path.names.dropLast() + [path.names[path.names.count - 1] + ".html"])
    }

    private func redirect(_ status: Int, to location: String) -> GatewayResponse {
        var response = GatewayResponse.page(status, "Moved", "This page is at \(location).", headers: [("Location", location)])
        response.headers[1].value = "no-cache"
        return response
    }

    private func serve(
        _ request: GatewayRequest, _ site: Site, _ file: Descriptor, _ real: String, _ size: Int64
    ) throws -> GatewayResponse {
        let tag = entityTag(site.entry, real)
        let name = real.split(separator: "/").last.map(String.init) ?? real
        var headers = baseHeaders(name, cache: CachePolicy.header(for: real))
        headers.append((name: "ETag", value: tag))
        if request.ifNoneMatch.contains(where: { Self.matches($0, tag) }) {
            return GatewayResponse(status: 304, headers: headers.filter { $0.name != "Content-Type" }, body: nil)
        }
        headers.append((name: "Accept-Ranges", value: "bytes"))
        let asked = request.method == "GET" && request.range.count == 1 && (request.ifRange == nil || request.ifRange == tag)
        switch ByteRange(asked ? request.range[0] : nil, size: size) {
        case .whole: return GatewayResponse(status: 200, headers: headers, body: try body(file, 0..<size))
        case .part(let range):
            headers.append((name: "Content-Range", value: "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"))
            return GatewayResponse(status: 206, headers: headers, body: try body(file, range))
        case .unsatisfiable:
            return .page(
                416, "Range not satisfiable", "This file has \(size) bytes.", headers: [("Content-Range", "bytes */\(size)")])
        }
    }

    private func baseHeaders(_ name: String, cache: String) -> [(name: String, value: String)] {
        [
            (name: "Content-Type", value: MediaType.of(name)), (name: "Cache-Control", value: cache),
            (name: "X-Content-Type-Options", value: "nosniff"),
        ]
    }

    /// An artifact never changes, so its digest and a path in it name the bytes.
    private func entityTag(_ entry: RouteEntry, _ real: String) -> String {
        let name = Digest(of: "\(entry.artifact.hex)\n\(entry.directory.string)\n\(real)")
        return "\"\(name.hex.prefix(32))\""
    }

    /// RFC 9110, 13.1.2: a list or `*`, compared weakly.
    private static func matches(_ header: String, _ tag: String) -> Bool {
        header.split(separator: ",").contains { piece in
            var candidate = piece.drop { $0 == " " || $0 == "\t" }
            while let last = candidate.last, last == " " || last == "\t" { candidate.removeLast() }
            if candidate.hasPrefix("W/") { candidate = candidate.dropFirst(2) }
            return candidate == "*" || candidate == tag
        }
    }

    private func body(_ file: Descriptor, _ range: Range<Int64>) throws -> GatewayResponse.Body {
        guard range.count <= Self.inlineLimit else { return .file(file, range) }
        return .bytes(try file.piece(range))
    }
}

extension Descriptor {
    /// The bytes of `range`, all of them. Blocks.
    /// - Throws: `SystemError` (`EIO` when the file is shorter).
    func piece(_ range: Range<Int64>) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            while filled < range.count {
                let count = pread(
                    raw, UnsafeMutableRawPointer(buffer.baseAddress)?.advanced(by: filled), range.count - filled,
                    off_t(range.lowerBound) + filled)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw SystemError.last("pread", "site file") }
                guard count > 0 else { throw SystemError("pread", "site file", errno: EIO) }
                filled += count
            }
        }
    }
}

/// How long a browser may keep a file without asking.
enum CachePolicy {
    /// A name that carries a hash of its content may stay for a year; all else is asked for again (and mostly answered 304).
    static func header(for path: String) -> String {
        path.hasPrefix("_next/static/") || hasContentHash(path) ? "public, max-age=31536000, immutable" : "no-cache"
    }

    /// `app.3f9a1c02.js`, `index-3f9a1c02d4.css`: eight or more lower-case hexadecimal digits, letters and digits among them.
    private static func hasContentHash(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        let parts = name.split { $0 == "." || $0 == "-" || $0 == "_" }
        guard parts.count >= 3, let type = parts.last, type != "html" else { return false }
        let hash = parts[parts.count - 2].utf8
        let isHexadecimal = hash.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        return hash.count >= 8 && isHexadecimal && hash.contains { $0 < 58 } && hash.contains { $0 > 96 }
    }
}
