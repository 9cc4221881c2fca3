internal import ForgeManifests
internal import ForgeModel

extension PlatformFile {
    /// Lists in which platforms keep what a site answers besides its files.
    enum SiteList: Sendable {
        case vercelRedirects, vercelRewrites, vercelHeaders, vercelRoutes, netlifyRedirects, netlifyHeaders, renderRoutes, renderHeaders
    }
    /// What is said of all pages of a site at once.
    enum SiteWord: Sendable {
        case cleanURLs, trailingSlash
        /// Cloudflare's word for both.
        case htmlHandling
        /// The page for what is not there.
        case errorPage
    }
}

/// What of a platform's file a site's rules came from.
package struct PlatformSiteUse: Hashable, Sendable {
    package let key: String
    /// `redirect`, `header`.
    package let use: String
    package let line: Int
}

extension PlatformReading {
    func read(_ node: JSONNode, _ word: PlatformFile.SiteWord, at place: Place, into found: inout PlatformConfiguration) {
        if case .null = node.value { return }
        do throws(SiteFault) {
            switch word {
            case .cleanURLs: if try Self.flag(node) { found.site.cleanURLs = true }
            case .trailingSlash: found.site.trailingSlash = try Self.flag(node)
            case .htmlHandling:
                switch node.string ?? "" {
                case "none": break
                case "auto-trailing-slash": found.site.cleanURLs = true
                case "force-trailing-slash": (found.site.cleanURLs, found.site.trailingSlash) = (true, true)
                case "drop-trailing-slash": (found.site.cleanURLs, found.site.trailingSlash) = (true, false)
                default: throw SiteFault("`\(SiteFault.shown(node.string ?? ""))` is unknown here")
                }
            case .errorPage:
                guard let page = node.string else { throw SiteFault("a text is expected here") }
                found.site.redirects.append(try SiteRedirect(from: "/*", to: page.hasPrefix("/") ? page : "/" + page, status: 404))
            }
            found.siteUses.append(PlatformSiteUse(key: place.key, use: word == .errorPage ? "redirect" : place.key, line: place.line))
        } catch { found.leave(place, error.message) }
    }

    private static func flag(_ node: JSONNode) throws(SiteFault) -> Bool {
        guard case .bool(let value) = node.value else { throw SiteFault("true or false is expected here") }
        return value
    }

    /// Each rule by itself: one that cannot be had is told with its line, and the others hold.
    func read(_ node: JSONNode, _ list: PlatformFile.SiteList, at place: Place, into found: inout PlatformConfiguration) {
        guard case .array(let elements) = node.value else {
            if case .null = node.value { return }
            return found.leave(place, "a list is expected here")
        }
        var isBeforeFiles = true
        for element in elements {
            let own = Place(key: "\(place.key):\(element.line)", location: location(element), line: element.line)
            do throws(SiteFault) {
                guard case .object = element.value else { throw SiteFault("a table is expected here") }
                if list == .vercelRoutes, let phase = element["handle"]?.string {
                    guard phase == "filesystem" else { throw SiteFault("of phases only `filesystem` is known here") }
                    isBeforeFiles = false
                    continue
                }
                if let page = Self.pageForAll(element, list) {
                    guard found.setting(.fallback) == nil else { throw SiteFault("an earlier rule answers everything") }
                    set(.fallback, page, at: Place(key: place.key, location: location(page), line: page.line), into: &found)
                    continue
                }
                let headers = try headers(element, list, at: place, into: &found)
                guard let rule = try redirect(element, list, isBeforeFiles: isBeforeFiles) else {
                    if !headers { throw SiteFault("it names no header") }
                    continue
                }
                guard found.setting(.fallback) == nil || rule.isForced else { throw SiteFault("an earlier rule answers everything") }
                found.site.redirects.append(rule)
                found.siteUses.append(PlatformSiteUse(key: place.key, use: "redirect", line: element.line))
            } catch { found.leave(own, error.message) }
        }
        // What a file says that is too long is told once.
        for fault in found.site.limited() { found.leave(place, fault) }
    }

    private static let everything: Set<String> = [
        "/*", "/(.*)", "/.*", "(.*)", "/:path*", "/:path(.*)", "/((?!api/).*)", "^/(.*)$", "^/.*$", "/(.*)?", "^(.*)$",
    ]

    /// The page with which a rule answers whatever is not there; nil when it does anything else.
    private static func pageForAll(_ rule: JSONNode, _ list: PlatformFile.SiteList) -> JSONNode? {
        let words: (from: String, to: String, besides: [String: String])
        switch list {
        case .vercelRewrites: words = ("source", "destination", [:])
        case .vercelRoutes: words = ("src", "dest", [:])
        case .netlifyRedirects: words = ("from", "to", ["status": "200"])
        case .renderRoutes: words = ("source", "destination", ["type": "rewrite"])
        default: return nil
        }
        let others = ["has", "missing", "conditions", "status", "type", "methods", "query", "headers"]
        guard others.allSatisfy({ rule[$0]?.scalar == words.besides[$0] && (words.besides[$0] != nil || rule[$0] == nil) }),
            let source = rule[words.from]?.string, everything.contains(source), let target = rule[words.to], var path = target.string
        else { return nil }
        if list == .vercelRoutes, !path.contains(":"), !path.hasPrefix("/") { path = "/" + path }
        guard path == "/" || (path.hasPrefix("/") && path.hasSuffix(".html")) else { return nil }
        return JSONNode(value: .string(path == "/" ? "index.html" : path), line: target.line, column: target.column)
    }

    /// Where a rule leads; nil for one about headers alone.
    private func redirect(_ rule: JSONNode, _ list: PlatformFile.SiteList, isBeforeFiles: Bool) throws(SiteFault) -> SiteRedirect? {
        func text(_ key: String) throws(SiteFault) -> String {
            guard let text = rule[key]?.string else { throw SiteFault("a text is expected as `\(key)`") }
            return text
        }
        func number(_ key: String) throws(SiteFault) -> Int? {
            guard let node = rule[key] else { return nil }
            guard let number = node.scalar.flatMap({ Int($0) }) else { throw SiteFault("a number is expected as `\(key)`") }
            return number
        }
        switch list {
        case .vercelHeaders, .netlifyHeaders, .renderHeaders: return nil
        case .vercelRoutes: return try VercelRoute(rule).redirect(isForced: isBeforeFiles)
        case .vercelRewrites, .vercelRedirects:
            let source = try VercelSource(parsing: text("source"))
            let to = source.destination(try text("destination"))
            let status = try number("statusCode") ?? (rule["permanent"]?.scalar == "false" ? 307 : 308)
            let isRewrite = list == .vercelRewrites
            return try SiteRedirect(
                from: source.pattern, to: to, status: isRewrite ? 200 : status, isForced: !isRewrite, if: VercelConditions.read(rule))
        case .netlifyRedirects:
            for key in ["headers", "signed"] where rule[key].map({ !$0.isNothing }) ?? false {
                throw SiteFault("`\(key)` is for requests that are passed on, and none is")
            }
            let to = try text("to")
            let (from, host) = try NetlifyRule.source(text("from"), leadingTo: to)
            return try SiteRedirect(
                from: from, to: to, status: number("status") ?? 301, isForced: rule["force"]?.scalar == "true",
                if: (host.map { [$0] } ?? []) + Self.netlifyConditions(rule))
        case .renderRoutes:
            let type = try text("type")
            guard type == "redirect" || type == "rewrite" else { throw SiteFault("`\(SiteFault.shown(type))` is unknown here") }
            // A star stands there for what the star of the source does.
            let to = try text("destination").replacing("*", with: ":splat")
            return try SiteRedirect(from: text("source"), to: to, status: type == "redirect" ? 301 : 200)
        }
    }

    private static func netlifyConditions(_ rule: JSONNode) throws(SiteFault) -> [SiteCondition] {
        var conditions: [SiteCondition] = []
        for member in rule["query"]?.members ?? [] {
            conditions.append(try NetlifyRule.query("\(member.key)=\(member.node.scalar ?? "")"))
        }
        for member in rule["conditions"]?.members ?? [] {
            let values: [String] =
                if case .array(let elements) = member.node.value { elements.compactMap(\.scalar) } else { [member.node.scalar ?? ""] }
            conditions.append(try NetlifyRule.condition(member.key, values))
        }
        return conditions
    }

    /// Takes the headers of a rule; each that cannot be had is told by itself.
    /// - Returns: whether it names any.
    private func headers(
        _ rule: JSONNode, _ list: PlatformFile.SiteList, at place: Place, into found: inout PlatformConfiguration
    ) throws(SiteFault) -> Bool {
        var fields: [(name: String, value: String?, node: JSONNode)] = []
        var conditions: [SiteCondition] = []
        let source: String
        switch list {
        case .netlifyHeaders:
            let (path, host) = try NetlifyRule.source(rule["for"]?.string ?? "", leadingTo: "")
            (source, conditions) = (path, host.map { [$0] } ?? [])
            fields = (rule["values"]?.members ?? []).flatMap { member in
                if case .array(let elements) = member.node.value { return elements.map { (member.key, $0.scalar, $0) } }
                return [(member.key, member.node.scalar, member.node)]
            }
        case .renderHeaders:
            source = rule["path"]?.string ?? ""
            fields = [(rule["name"]?.string ?? "", rule["value"]?.scalar, rule)]
        case .vercelHeaders:
            (source, conditions) = (try VercelSource(parsing: rule["source"]?.string ?? "").pattern, try VercelConditions.read(rule))
            if case .array(let elements)? = rule["headers"]?.value {
                fields = elements.map { ($0["key"]?.string ?? "", $0["value"]?.scalar, $0) }
            }
        case .vercelRoutes:
            let route = try VercelRoute(rule)
            (source, conditions) = (route.source.pattern, route.conditions)
            fields = route.headers.map { ($0.key, $0.node.scalar, $0.node) }
        default: return false
        }
        guard !source.isEmpty || fields.isEmpty else { throw SiteFault("nothing says for which paths it is") }
        for field in fields {
            do throws(SiteFault) {
                let change = list == .netlifyHeaders ? SiteHeader.Change.append : .set
                found.site.headers.append(try SiteHeader(for: source, field.name, field.value ?? "", change, if: conditions))
                found.siteUses.append(PlatformSiteUse(key: place.key, use: "header", line: field.node.line))
            } catch {
                found.leave(
                    Place(key: "\(place.key):\(field.node.line)", location: location(field.node), line: field.node.line), error.message)
            }
        }
        return !fields.isEmpty
    }
}
