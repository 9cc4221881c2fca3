internal import Foundation

/// As much of what `nft -j list ruleset` prints as it takes to tell whether packets of servers pass.
struct Ruleset: Decodable {
    let nftables: [Object]

    struct Object: Decodable {
        let chain: Chain?
        let rule: Rule?
    }

    struct Chain: Decodable {
        let family: String
        let table: String
        let name: String
        let hook: String?
        let policy: String?
    }

    struct Rule: Decodable {
        let family: String
        let table: String
        let chain: String
        let handle: Int
        let expr: [Statement]
    }

    enum Statement {
        /// Counts, marks or writes down, and the next is looked at.
        case nothing
        case match(Match)
        /// A verdict for each state of a connection.
        case states([String: Verdict])
        case verdict(Verdict)
        case unknown
    }

    struct Match {
        enum What { case input, output, state, family }

        let what: What
        let values: [String]
        let isNegated: Bool
    }

    enum Verdict {
        case accept, drop, proceed
        /// Back to who called, or to the policy.
        case leave
        case call(String, returns: Bool)
    }
}

/// Any JSON value; of numbers and truths it matters only that they are there.
private enum Value: Decodable {
    case text(String)
    case list([Value])
    case object([String: Value])
    case other

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([Value].self) {
            self = .list(list)
        } else if let object = try? container.decode([String: Value].self) {
            self = .object(object)
        } else {
            self = .other
        }
    }

    subscript(key: String) -> Value? { if case .object(let fields) = self { fields[key] } else { nil } }

    var text: String? { if case .text(let text) = self { text } else { nil } }

    /// Of a value, a list of flags or a set; nil where one is no text, as ranges are not.
    var texts: [String]? {
        switch self {
        case .text(let text): [text]
        case .list(let values): values.count == values.compactMap(\.text).count ? values.compactMap(\.text) : nil
        case .object: self["set"]?.texts
        case .other: nil
        }
    }
}

extension Ruleset.Statement: Decodable {
    init(from decoder: any Decoder) throws {
        guard case .object(let fields) = try Value(from: decoder), let (name, value) = fields.first, fields.count == 1 else {
            self = .unknown
            return
        }
        switch name {
        case "counter", "log", "mangle": self = .nothing
        case "match": self = Ruleset.Match(value).map(Self.match) ?? .unknown
        case "vmap": self = Self.states(of: value).map(Self.states) ?? .unknown
        default: self = Ruleset.Verdict(name, value).map(Self.verdict) ?? .unknown
        }
    }

    private static func states(of map: Value) -> [String: Ruleset.Verdict]? {
        guard map["key"]?["ct"]?["key"]?.text == "state", case .list(let entries)? = map["data"]?["set"] else { return nil }
        var verdicts: [String: Ruleset.Verdict] = [:]
        for entry in entries {
            guard case .list(let pair) = entry, pair.count == 2, let state = pair[0].text, case .object(let fields) = pair[1],
                let (name, value) = fields.first
            else { continue }
            verdicts[state] = Ruleset.Verdict(name, value)
        }
        return verdicts
    }
}

extension Ruleset.Verdict {
    fileprivate init?(_ name: String, _ value: Value) {
        switch name {
        case "accept": self = .accept
        case "drop", "reject": self = .drop
        case "continue": self = .proceed
        case "return": self = .leave
        case "jump", "goto":
            guard let target = value["target"]?.text else { return nil }
            self = .call(target, returns: name == "jump")
        default: return nil
        }
    }
}

extension Ruleset.Match {
    fileprivate init?(_ value: Value) {
        guard let sign = value["op"]?.text, ["==", "in", "!="].contains(sign), let left = value["left"], let right = value["right"]?.texts
        else { return nil }
        switch (left["meta"]?["key"]?.text, left["ct"]?["key"]?.text) {
        case ("iifname", _), ("iif", _): what = .input
        case ("oifname", _), ("oif", _): what = .output
        case ("nfproto", _): what = .family
        case (_, "state"): what = .state
        default: return nil
        }
        values = right
        isNegated = sign == "!="
    }
}
