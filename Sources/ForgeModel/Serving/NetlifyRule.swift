/// What rules of Netlify say besides a path, in `_redirects` and `netlify.toml` alike.
package enum NetlifyRule {
    /// The path of a source that can be written with its host, and the host as a condition.
    package static func source(_ text: String, leadingTo destination: String) throws(SiteFault) -> (String, SiteCondition?) {
        guard let (host, path) = split(text) else { return (text, nil) }
        if let (other, _) = split(destination), other == host {
            throw SiteFault("whether `\(SiteFault.shown(host))` answers with http or https is not for a rule to say")
        }
        return (path, try SiteCondition(.host, values: [host]))
    }

    private static func split(_ text: String) -> (host: String, path: String)? {
        guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else { return nil }
        let host = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = text.dropFirst(scheme.count + host.count)
        return (host.lowercased(), path.isEmpty ? "/*" : String(path))
    }

    /// `id=:id`, `page=1`.
    package static func query(_ word: String) throws(SiteFault) -> SiteCondition {
        guard let (name, value) = halves(word) else {
            throw SiteFault("`\(SiteFault.shown(word))` is no value of a query: write `name=:name`")
        }
        return try SiteCondition(.query, name, values: value.isEmpty ? [] : [value])
    }

    /// `Language=en,de`.
    package static func condition(_ word: String) throws(SiteFault) -> SiteCondition {
        guard let (name, value) = halves(word) else { throw SiteFault("`\(SiteFault.shown(word))` is no condition") }
        return try condition(name, value.split(separator: ",").map(String.init))
    }

    package static func condition(_ name: String, _ values: [String]) throws(SiteFault) -> SiteCondition {
        switch name.lowercased() {
        case "language": return try SiteCondition(.language, values: values)
        case "cookie" where values.count == 1: return try SiteCondition(.cookie, values[0])
        case "cookie": throw SiteFault("a condition is about one cookie")
        case "country": throw SiteFault("from which country a request comes is not known here")
        case "role": throw SiteFault("who asks is not known here")
        default: throw SiteFault("`\(SiteFault.shown(name))` is no condition that is known here")
        }
    }

    private static func halves(_ word: String) -> (String, String)? {
        guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return nil }
        return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }
}
