internal import ForgeManifests
internal import ForgeModel

/// One of Vercel's `routes`, the list from which redirects, rewrites and headers came forth there: its source is an expression.
struct VercelRoute {
    let source: VercelSource
    let conditions: [SiteCondition]
    /// But for where it leads.
    let headers: [JSONNode.Member]
    private let location: String?
    private let destination: String?
    private let status: Int?

    init(_ rule: JSONNode) throws(SiteFault) {
        guard let source = rule["src"]?.string else { throw SiteFault("a text is expected as `src`") }
        for key in ["locale", "middleware", "middlewarePath", "mitigate", "transforms"] where rule[key].map({ !$0.isNothing }) ?? false {
            throw SiteFault("`\(key)` is unknown here")
        }
        if case .array(let methods)? = rule["methods"]?.value, !methods.contains(where: { $0.string == "GET" }) {
            throw SiteFault("a site is only read: rules for other methods say nothing")
        }
        self.source = try VercelSource(expression: source)
        conditions = try VercelConditions.read(rule)
        let fields = rule["headers"]?.members ?? []
        headers = fields.filter { $0.key.lowercased() != "location" }
        location = fields.first { $0.key.lowercased() == "location" }?.node.string
        destination = rule["dest"]?.string
        status = rule["status"]?.scalar.flatMap { Int($0) }
    }

    /// Nil when it says nothing of where its paths lead.
    func redirect(isForced: Bool) throws(SiteFault) -> SiteRedirect? {
        if let location {
            return try SiteRedirect(
                from: source.pattern, to: source.filled(location), status: status ?? 308, isForced: isForced, if: conditions)
        }
        guard var destination else {
            if let status { throw SiteFault("nothing is said that could be answered with \(status)") }
            return nil
        }
        if !destination.hasPrefix("/"), !destination.contains("://") { destination = "/" + destination }
        return try SiteRedirect(
            from: source.pattern, to: source.filled(destination), status: status ?? 200, isForced: isForced, if: conditions)
    }
}

/// What Vercel's rules ask for besides a path: `has` and `missing`.
enum VercelConditions {
    static func read(_ rule: JSONNode) throws(SiteFault) -> [SiteCondition] {
        var conditions: [SiteCondition] = []
        for (key, isMissing) in [("has", false), ("missing", true)] {
            guard let node = rule[key], !node.isNothing else { continue }
            guard case .array(let elements) = node.value else { throw SiteFault("a list is expected as `\(key)`") }
            for element in elements { conditions.append(try condition(element, isMissing: isMissing)) }
        }
        return conditions
    }

    private static func condition(_ node: JSONNode, isMissing: Bool) throws(SiteFault) -> SiteCondition {
        guard let type = node["type"]?.string, let subject = SiteCondition.Subject(rawValue: type), subject != .language else {
            throw SiteFault("a condition on `\(SiteFault.shown(node["type"]?.string ?? ""))` is unknown here")
        }
        let value = node["value"]
        // `{ "eq": "x" }`, or an expression.
        let texts: [String]
        if case .object? = value?.value {
            guard let exact = value?["eq"]?.scalar, value?.members.count == 1 else {
                throw SiteFault("of comparisons only `eq` is known here")
            }
            texts = [VercelSource.literal(exact)]
        } else if let value, !value.isNothing {
            guard let text = value.scalar else { throw SiteFault("a text is expected as `value`") }
            texts = try VercelSource.values(text)
        } else {
            texts = []
        }
        let name = node["key"]?.string ?? ""
        // Without a value, what is found is called as its key.
        let isNamed = subject.isNamed && texts.isEmpty && !isMissing && subject != .header && name.utf8.allSatisfy(Self.isWord)
        return try SiteCondition(subject, name, values: isNamed && !name.isEmpty ? [":\(name)*"] : texts, isMissing: isMissing)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"): true
        default: false
        }
    }
}
