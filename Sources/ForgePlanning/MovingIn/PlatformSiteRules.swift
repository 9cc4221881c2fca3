internal import ForgeModel

extension PlatformFile {
    /// Lists in which platforms keep what a site answers besides its files.
    enum SiteList: Sendable { case vercelRedirects, vercelRewrites, vercelHeaders, netlifyRedirects, netlifyHeaders }
    /// Yes or no about all pages of a site.
    enum SiteSwitch: Sendable { case cleanURLs, trailingSlash }
}

/// What of a platform's file a site's rules came from.
package struct PlatformSiteUse: Hashable, Sendable {
    let key: String
    /// `redirect`, `header`.
    let use: String
    let line: Int
}

extension PlatformReading {
    func read(_ node: JSONNode, _ flag: PlatformFile.SiteSwitch, at place: Place, into found: inout PlatformConfiguration) {
        guard case .bool(let value) = node.value else {
            if case .null = node.value { return }
            return found.leave(place, "true or false is expected here")
        }
        switch flag {
        case .cleanURLs: if value { found.site.cleanURLs = true }
        case .trailingSlash: found.site.trailingSlash = value
        }
        found.siteUses.append(PlatformSiteUse(key: place.key, use: place.key, line: place.line))
    }

    /// Each rule by itself: one that cannot be had is told with its line, and the others hold.
    func read(_ node: JSONNode, _ list: PlatformFile.SiteList, at place: Place, into found: inout PlatformConfiguration) {
        guard case .array(let elements) = node.value else {
            if case .null = node.value { return }
            return found.leave(place, "a list is expected here")
        }
        for element in elements {
            let own = Place(key: "\(place.key):\(element.line)", location: location(element), line: element.line)
            do throws(SiteFault) {
                guard case .object = element.value else { throw SiteFault("a table is expected here") }
                if isCatchAll(element, list) {
                    guard found.setting(.fallback) == nil else { throw SiteFault("an earlier rule answers everything") }
                    fallBack(on: element, list, at: place, into: &found)
                    continue
                }
                if let condition = Self.conditions.first(where: {
                    ($0 != "headers" || list != .vercelHeaders) && element[$0].map { !$0.isNothing } ?? false
                }) {
                    throw SiteFault("`\(condition)` is a condition: rules look at the path alone")
                }
                switch list {
                case .vercelRedirects, .vercelRewrites, .netlifyRedirects:
                    guard found.setting(.fallback) == nil || list == .vercelRedirects else {
                        throw SiteFault("an earlier rule answers everything")
                    }
                    found.site.redirects.append(try Self.redirect(element, list))
                    found.siteUses.append(PlatformSiteUse(key: place.key, use: "redirect", line: element.line))
                case .vercelHeaders, .netlifyHeaders: headers(element, list, at: place, into: &found)
                }
            } catch { found.leave(own, error.message) }
        }
        // What a file says that is too long is told once.
        for fault in found.site.limited() { found.leave(place, fault) }
    }

    private static let conditions = ["has", "missing", "conditions", "query", "headers", "methods", "signed", "domain", "edge_handler"]

    private func isCatchAll(_ rule: JSONNode, _ list: PlatformFile.SiteList) -> Bool {
        switch list {
        case .vercelRewrites: Self.page(rule, "source", "destination", [:]) != nil
        case .netlifyRedirects: Self.page(rule, "from", "to", ["status": "200"]) != nil
        default: false
        }
    }

    private func fallBack(on rule: JSONNode, _ list: PlatformFile.SiteList, at place: Place, into found: inout PlatformConfiguration) {
        let page =
            list == .vercelRewrites ? Self.page(rule, "source", "destination", [:]) : Self.page(rule, "from", "to", ["status": "200"])
        if let page { set(.fallback, page, at: Place(key: place.key, location: location(page), line: page.line), into: &found) }
    }

    private static func redirect(_ rule: JSONNode, _ list: PlatformFile.SiteList) throws(SiteFault) -> SiteRedirect {
        let words = list == .netlifyRedirects ? ("from", "to") : ("source", "destination")
        guard let from = rule[words.0]?.string, let to = rule[words.1]?.string else {
            throw SiteFault("texts are expected as `\(words.0)` and `\(words.1)`")
        }
        func number(_ key: String) throws(SiteFault) -> Int? {
            guard let node = rule[key] else { return nil }
            guard let number = node.scalar.flatMap({ Int($0) }) else { throw SiteFault("a number is expected as `\(key)`") }
            return number
        }
        switch list {
        case .netlifyRedirects:
            return try SiteRedirect(from: from, to: to, status: number("status") ?? 301, isForced: rule["force"]?.scalar == "true")
        case .vercelRewrites:
            let source = try VercelSource(parsing: from)
            return try SiteRedirect(from: source.pattern, to: source.destination(to), status: 200)
        default:
            let source = try VercelSource(parsing: from)
            let status = try number("statusCode") ?? (rule["permanent"]?.scalar == "false" ? 307 : 308)
            return try SiteRedirect(from: source.pattern, to: source.destination(to), status: status, isForced: true)
        }
    }

    private func headers(_ rule: JSONNode, _ list: PlatformFile.SiteList, at place: Place, into found: inout PlatformConfiguration) {
        let isNetlify = list == .netlifyHeaders
        var fields: [(name: String, value: String?, node: JSONNode)] = []
        if isNetlify {
            for member in rule["values"]?.members ?? [] {
                if case .array(let elements) = member.node.value {
                    fields += elements.map { (member.key, $0.scalar, $0) }
                } else {
                    fields.append((member.key, member.node.scalar, member.node))
                }
            }
        } else if case .array(let elements)? = rule["headers"]?.value {
            fields = elements.map { ($0["key"]?.string ?? "", $0["value"]?.scalar, $0) }
        }
        let source = rule[isNetlify ? "for" : "source"]?.string
        for field in fields {
            do throws(SiteFault) {
                guard let source else { throw SiteFault("nothing says for which paths it is") }
                let pattern = isNetlify ? source : try VercelSource(parsing: source).pattern
                found.site.headers.append(try SiteHeader(for: pattern, field.name, field.value ?? "", isNetlify ? .append : .set))
                found.siteUses.append(PlatformSiteUse(key: place.key, use: "header", line: field.node.line))
            } catch {
                found.leave(
                    Place(key: "\(place.key):\(field.node.line)", location: location(field.node), line: field.node.line), error.message)
            }
        }
        if fields.isEmpty {
            found.leave(Place(key: "\(place.key):\(rule.line)", location: location(rule), line: rule.line), "it names no header")
        }
    }
}

/// A path as Vercel writes it, where a part of it can be an expression, in Forge's words. Of expressions those are understood that mean
/// "anything".
struct VercelSource {
    /// As `SitePattern` reads it.
    private(set) var pattern = ""
    /// What its holes are called, in order.
    private var holes: [String] = []

    init(parsing text: String) throws(SiteFault) {
        var rest = text.unicodeScalars[...]
        var unnamed = 0
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\\": pattern += Self.literal(rest.popFirst())
            case ":":
                let name = String(String.UnicodeScalarView(rest.prefix { Self.isWord($0) }))
                guard !name.isEmpty else { throw SiteFault("`:` without a name in `\(SiteFault.shown(text))`") }
                rest = rest.dropFirst(name.unicodeScalars.count)
                let inner = rest.first == "(" ? try Self.group(&rest, of: text) : "[^/]+"
                try hole(name, inner, &rest, of: text)
            case "(":
                rest = ("(" + String(String.UnicodeScalarView(rest))).unicodeScalars[...]
                unnamed += 1
                try hole("\(unnamed)", try Self.group(&rest, of: text), &rest, of: text)
            case "{", "}", ")", "?", "+": throw SiteFault("`\(scalar)` in `\(SiteFault.shown(text))` is more than a pattern can say")
            case "*": pattern += "*"; holes.append("splat")
            default: pattern.unicodeScalars.append(scalar)
            }
        }
    }

    /// Where the rule leads, with what its source binds by name.
    func destination(_ text: String) -> String {
        var result = ""
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            if scalar == "$", let number = Int(String(String.UnicodeScalarView(digits))), holes.indices.contains(number - 1) {
                rest = rest.dropFirst(digits.count)
                result += ":" + holes[number - 1]
            } else if scalar == ":" {
                let name = String(String.UnicodeScalarView(rest.prefix { Self.isWord($0) }))
                rest = rest.dropFirst(name.unicodeScalars.count)
                result += ":" + name
                if holes.contains(name), let next = rest.first, "*+?".unicodeScalars.contains(next) { rest.removeFirst() }
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private mutating func hole(
        _ name: String, _ inner: String, _ rest: inout Substring.UnicodeScalarView, of text: String
    ) throws(SiteFault) {
        var suffix: String
        switch inner {
        case ".*": suffix = "*"
        case ".+": suffix = "+"
        case "[^/]+", "[^/]*", "[^/]+?": suffix = ""
        default: throw SiteFault("the expression `(\(SiteFault.shown(inner)))` is more than a pattern can say")
        }
        if let next = rest.first, "*+?".unicodeScalars.contains(next) {
            guard next != "?" || suffix == "*" else { throw SiteFault("`?` in `\(SiteFault.shown(text))` is more than a pattern can say") }
            rest.removeFirst()
            if next != "?" { suffix = String(next) }
        }
        guard !suffix.isEmpty || rest.first.map(Self.isWord) != true else {
            throw SiteFault("`\(SiteFault.shown(text))`: a placeholder goes to the end of a word")
        }
        pattern += ":\(name)\(suffix)"
        holes.append(name)
    }

    /// What stands between a bracket and the one that closes it.
    private static func group(_ rest: inout Substring.UnicodeScalarView, of text: String) throws(SiteFault) -> String {
        var inner = String.UnicodeScalarView()
        var depth = 0
        while let scalar = rest.popFirst() {
            if scalar == ")" { depth -= 1 }
            if depth == 0, scalar == ")" { return String(inner) }
            if depth > 0 { inner.append(scalar) }
            if scalar == "(" { depth += 1 }
            if scalar == "\\", let next = rest.popFirst() { inner.append(next) }
        }
        throw SiteFault("a bracket in `\(SiteFault.shown(text))` is not closed")
    }

    private static func literal(_ scalar: Unicode.Scalar?) -> String {
        guard let scalar else { return "" }
        return scalar == "*" || scalar == ":" || scalar == "?" ? "%" + String(scalar.value, radix: 16, uppercase: true) : String(scalar)
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_")
    }
}
