internal import ForgeModel

/// What of a request the rules of a site look at.
struct SiteRequest: Sendable {
    let path: RequestPath
    /// In lower case, without its port.
    let host: String
    /// As sent, in order.
    let fields: [(name: String, value: String)]

    /// What the conditions bind; nil when one of them does not hold.
    func bind(_ conditions: [SiteCondition]) -> [String: String]? {
        var bound: [String: String] = [:]
        for condition in conditions {
            guard let values = condition.match(value(of: condition)) else { return nil }
            bound.merge(values) { first, _ in first }
        }
        return bound
    }

    private func value(of condition: SiteCondition) -> String? {
        switch condition.subject {
        case .host: host
        case .header: field(condition.name)
        case .cookie: cookie(condition.name)
        case .query: queryValue(condition.name)
        case .language: language
        }
    }

    /// RFC 9110, 5.3: several fields of one name are one list.
    private func field(_ name: String) -> String? {
        let values = fields.lazy.filter { $0.name.utf8.count == name.utf8.count && $0.name.lowercased() == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// RFC 6265, 4.2.1; the first of that name.
    private func cookie(_ name: String) -> String? {
        for (field, value) in fields where field.utf8.count == 6 && field.lowercased() == "cookie" {
            for pair in value.split(separator: ";") {
                let pair = pair.drop { $0 == " " || $0 == "\t" }
                guard pair.hasPrefix(name), let equals = pair.firstIndex(of: "="), pair[..<equals] == name else { continue }
                return String(pair[pair.index(after: equals)...])
            }
        }
        return nil
    }

    /// As forms write it: `+` is a space.
    private func queryValue(_ name: String) -> String? {
        for pair in path.query.dropFirst().split(separator: "&").reversed() {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(Self.decoded)
            if halves[0] == name { return halves.count == 2 ? halves[1] : "" }
        }
        return nil
    }

    private static func decoded(_ piece: Substring) -> String {
        let text = String(piece.replacing("+", with: " "))
        return PercentEncoding.decode(text) { _ in false } ?? text
    }

    /// RFC 9110, 12.5.4: the first of those with the greatest weight, in lower case.
    private var language: String? {
        var best: (tag: String, weight: Double)?
        for range in field("accept-language")?.split(separator: ",") ?? [] {
            let parts = range.split(separator: ";").map { $0.trimmingBlanks }
            guard let tag = parts.first, !tag.isEmpty, tag != "*" else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if weight > best?.weight ?? 0 { best = (tag.lowercased(), weight) }
        }
        return best?.tag
    }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
