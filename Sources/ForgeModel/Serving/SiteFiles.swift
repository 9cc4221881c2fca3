/// The text files of rules that Netlify and Cloudflare Pages read in what a build writes: `_redirects` and `_headers`. A line that is not
/// understood is told with its number, and the others hold.
package enum SiteFiles {
    package static let redirects = "_redirects"
    package static let headers = "_headers"

    package struct LineFault: Hashable, Sendable {
        package let line: Int
        package let message: String
    }

    /// `/from [name=value …] /to [status[!]] [condition …]`, one a line.
    package static func redirects(parsing bytes: [UInt8]) -> (rules: [SiteRedirect], faults: [LineFault]) {
        var rules: [SiteRedirect] = []
        let faults = each(bytes) { line throws(SiteFault) in
            let words = words(line)
            guard let source = words.first else { return }
            guard isPlace(source) else { throw SiteFault("a rule begins with a path, which `\(SiteFault.shown(source))` is not") }
            guard let at = words.dropFirst().firstIndex(where: { isPlace($0) }) else {
                throw SiteFault("nothing says where `\(SiteFault.shown(source))` leads: write `/from /to 301`")
            }
            let (path, host) = try NetlifyRule.source(source, leadingTo: words[at])
            var conditions = host.map { [$0] } ?? []
            for word in words[1..<at] { conditions.append(try NetlifyRule.query(word)) }
            var rest = words[(at + 1)...]
            var (status, isForced) = (301, false)
            if let word = rest.first, let match = word.wholeMatch(of: /([0-9]{3})(!?)/) {
                (status, isForced) = (Int(match.1) ?? 0, !match.2.isEmpty)
                rest.removeFirst()
            }
            for word in rest { conditions.append(try NetlifyRule.condition(word)) }
            rules.append(try SiteRedirect(from: path, to: words[at], status: status, isForced: isForced, if: conditions))
        }
        return (rules, faults)
    }

    /// A path at the beginning of a line, and below it `  Name: value` or `  ! Name`.
    package static func headers(parsing bytes: [UInt8]) -> (rules: [SiteHeader], faults: [LineFault]) {
        var rules: [SiteHeader] = []
        var source: (path: String, conditions: [SiteCondition])?
        let faults = each(bytes) { line throws(SiteFault) in
            let isIndented = line.utf8.first == 0x20 || line.utf8.first == 0x09
            let text = words(line).joined(separator: " ")
            if !isIndented, text.hasPrefix("/") || text.hasPrefix("http:") || text.hasPrefix("https:") {
                source = nil
                let (path, host) = try NetlifyRule.source(text, leadingTo: "")
                source = (try SitePattern(parsing: path).text, host.map { [$0] } ?? [])
                return
            }
            guard let (path, conditions) = source else {
                throw SiteFault("no path stands above `\(SiteFault.shown(text))` for which it could hold")
            }
            if text.hasPrefix("!") {
                rules.append(try SiteHeader(for: path, words(text.dropFirst()).joined(separator: " "), "", .remove, if: conditions))
                return
            }
            guard let colon = text.firstIndex(of: ":") else {
                throw SiteFault("`\(SiteFault.shown(text))` is no header: write `Name: value`")
            }
            let name = words(text[..<colon]).joined(separator: " ")
            // Spaces inside a value are its own.
            let value = line[line.index(after: line.firstIndex(of: ":") ?? line.startIndex)...]
            rules.append(try SiteHeader(for: path, name, String(value), .append, if: conditions))
        }
        return (rules, faults)
    }

    private static func isPlace(_ word: String) -> Bool { word.hasPrefix("/") || word.hasPrefix("https://") || word.hasPrefix("http://") }

    /// What the lines say, without comments and empty lines.
    private static func each(_ bytes: [UInt8], _ read: (String) throws(SiteFault) -> Void) -> [LineFault] {
        var faults: [LineFault] = []
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        for (index, raw) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            // A file with a thousand faults has one.
            guard faults.count < 100 else { break }
            let raw = raw.last == 0x0D ? raw.dropLast() : raw
            guard let first = raw.first(where: { $0 != 0x20 && $0 != 0x09 }), first != UInt8(ascii: "#") else { continue }
            do throws(SiteFault) {
                guard let line = String(validating: raw, as: UTF8.self) else { throw SiteFault("this line is not UTF-8") }
                guard raw.count <= 2 * SiteLimits.value else { throw SiteFault("this line is longer than \(2 * SiteLimits.value) bytes") }
                try read(line)
            } catch { faults.append(LineFault(line: index + 1, message: error.message)) }
        }
        return faults
    }

    /// Up to a `#` of its own.
    private static func words(_ line: some StringProtocol) -> [String] {
        let words = line.utf8.split { $0 == 0x20 || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) }
        return Array(words.prefix { !$0.hasPrefix("#") })
    }
}
