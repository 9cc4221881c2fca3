internal import ForgeModel

/// The rules of a site, ready to be asked at each request: those of one path are looked up, and only patterns are tried in turn.
struct SiteRulebook: Sendable {
    /// A rule that holds for a path, and where it leads.
    struct Answer: Sendable {
        let status: Int
        /// Printable ASCII.
        let location: String
    }

    /// The headers that decided about an answer: caches keep one for each of their values (RFC 9110, 12.5.5).
    struct Variance: Sendable {
        private var names: [String] = []

        mutating func add(_ conditions: [SiteCondition]) {
            for name in conditions.compactMap(\.varies) where !names.contains(name) { names.append(name) }
        }

        func write(to response: inout GatewayResponse) {
            guard !names.isEmpty else { return }
            guard let known = response.headers.firstIndex(where: { $0.name.lowercased() == "vary" }) else {
                return response.headers.append((name: "Vary", value: names.joined(separator: ", ")))
            }
            let said = response.headers[known].value.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
            response.headers[known].value = ([response.headers[known].value] + names.filter { !said.contains($0) }).joined(separator: ", ")
        }
    }

    private struct Table: Sendable {
        let rules: [SiteRedirect]
        private let single: [String: [Int]]
        private let patterns: [Int]

        init(_ rules: [SiteRedirect]) {
            self.rules = rules
            var single: [String: [Int]] = [:]
            var patterns: [Int] = []
            for (index, rule) in rules.enumerated() {
                if let path = rule.source.path { single[path, default: []].append(index) } else { patterns.append(index) }
            }
            self.single = single
            self.patterns = patterns
        }

        /// The first that holds and for which `body` gives something.
        func first<Result>(_ request: SiteRequest, _ varies: inout Variance, _ body: (Answer) throws -> Result?) rethrows -> Result? {
            guard !rules.isEmpty else { return nil }
            let path = request.path
            var exact = (single[path.names.joined(separator: "/")] ?? [])[...]
            var open = patterns[...]
            while let index = (exact.first ?? .max) < (open.first ?? .max) ? exact.popFirst() : open.popFirst() {
                guard var bound = rules[index].source.match(path.names) else { continue }
                let rule = rules[index]
                if !rule.conditions.isEmpty {
                    varies.add(rule.conditions)
                    guard let more = request.bind(rule.conditions) else { continue }
                    bound.merge(more) { first, _ in first }
                }
                let location = rule.destination.location(bound, query: path.query, isDirectory: path.isDirectory)
                if let result = try body(Answer(status: rule.status, location: location)) { return result }
            }
            return nil
        }
    }

    let cleanURLs: Bool
    let trailingSlash: Bool?
    private let forced: Table
    private let others: Table
    private let headers: [SiteHeader]

    init(_ rules: SiteRules) {
        cleanURLs = rules.cleanURLs == true
        trailingSlash = rules.trailingSlash
        forced = Table(rules.redirects.filter(\.isForced))
        others = Table(rules.redirects.filter { !$0.isForced })
        headers = rules.headers
    }

    /// Where a path is sent because it is written as no page's is; nil when it is as it should be.
    func tidied(_ path: RequestPath) -> String? {
        guard cleanURLs || trailingSlash != nil, let last = path.names.last else { return nil }
        var names = path.names
        var isDirectory = path.isDirectory
        if cleanURLs, !isDirectory, last.hasSuffix(".html"), last.utf8.count > 5 {
            names.removeLast()
            if last == "index.html" { isDirectory = true } else { names.append(String(last.dropLast(5))) }
        }
        if let trailingSlash, let name = names.last, trailingSlash != isDirectory {
            // A name with a dot is a file's, which has no slash.
            if !trailingSlash || !name.contains(".") { isDirectory = trailingSlash }
        }
        guard names != path.names || isDirectory != path.isDirectory else { return nil }
        let tidy = names.map { "/" + PercentEncoding.encode($0) }.joined() + (isDirectory || names.isEmpty ? "/" : "")
        return tidy + path.query
    }

    /// The first rule that holds and for which `body` gives something: of those that hold over files too, or of the others. A rule that
    /// leads to where the request is already is none.
    func first<Result>(
        forced isForced: Bool, _ request: SiteRequest, _ varies: inout Variance, _ body: (Answer) throws -> Result?
    ) rethrows -> Result? {
        try (isForced ? forced : others).first(request, &varies) { answer in
            let here = request.path.canonical + request.path.query
            guard answer.status < 300 || answer.status == 404 || answer.location != here else { return nil }
            return try body(answer)
        }
    }

    /// Adds to an answer what the site says of its path. What is said of files is not true of pages that send on or tell of a fault.
    func dress(_ response: inout GatewayResponse, _ request: SiteRequest, _ varies: Variance) {
        var varies = varies
        defer { varies.write(to: &response) }
        guard !headers.isEmpty else { return }
        let isFile = response.status < 300 || response.status == 304
        var said: Set<String> = []
        for rule in headers where rule.source.match(request.path.names) != nil {
            if !rule.conditions.isEmpty {
                varies.add(rule.conditions)
                guard request.bind(rule.conditions) != nil else { continue }
            }
            let name = rule.name.lowercased()
            if !isFile, name == "content-type" || name == "cache-control" { continue }
            if response.status == 304, name == "content-type" { continue }
            let known = response.headers.firstIndex { $0.name.lowercased() == name }
            // What the gateway says by itself gives way to the first rule.
            let isFirst = said.insert(name).inserted
            switch (rule.change, known) {
            case (.remove, let index?): response.headers.remove(at: index)
            case (.remove, nil): break
            case (.append, let index?) where !isFirst: response.headers[index].value += ", " + rule.value
            case (_, let index?): response.headers[index].value = rule.value
            case (_, nil): response.headers.append((name: rule.name, value: rule.value))
            }
        }
    }
}
