internal import ForgeModel
internal import ForgePresets
internal import ForgeTOML

/// Reads `[site]` of `crowdforge.toml`: how a site answers besides with its files.
struct SiteTableReader {
    let table: TableReader
    private var faults: FaultLog { table.faults }

    init(table: TableReader) { self.table = table }

    func read() -> ProjectConfiguration.Site {
        var site = ProjectConfiguration.Site(location: table.location)
        site.fallback = fallback()
        site.rules.cleanURLs = table.bool("clean_urls")?.value
        site.rules.trailingSlash = table.bool("trailing_slash")?.value
        site.rules.redirects = table.tableReaders("redirect", name: "[[site.redirect]]").compactMap(redirect)
        site.rules.headers = table.tableReaders("header", name: "[[site.header]]").flatMap(headers)
        for fault in site.rules.limited() { faults.add(fault, at: table.location, hint: "say with patterns what many rules say") }
        table.finish()
        return site
    }

    private func fallback() -> Located<RelativePath>? {
        guard let text = table.string("fallback") else { return nil }
        let path = try? RelativePath(parsing: String(text.value.drop { $0 == "/" }))
        if let path, !path.isRoot { return Located(path, at: text.location) }
        faults.add(
            "`fallback` cannot be `\(text.value)`: a page of the site is expected", at: text.location,
            hint: "write `fallback = \"index.html\"`")
        return nil
    }

    private func redirect(_ rule: TableReader) -> SiteRedirect? {
        let (from, to) = (rule.requiredString("from"), rule.requiredString("to"))
        let status = rule.integer("status")
        let isForced = rule.bool("force")?.value ?? false
        let conditions = conditions(rule)
        rule.finish()
        guard let from, let to, let conditions else { return nil }
        do throws(SiteFault) {
            return try SiteRedirect(
                from: from.value, to: to.value, status: status?.value ?? 301, isForced: isForced, if: conditions)
        } catch {
            let isStatus = status.map { !SiteRedirect.statuses.contains($0.value) } ?? false
            let isSource = (try? SitePattern(parsing: from.value)) == nil
            faults.add(
                error.message, at: isSource ? from.location : isStatus ? status?.location : to.location,
                hint: isStatus && !isSource ? nil : Self.rule)
            return nil
        }
    }

    private static let rule =
        "`:name` stands for one name of a path, `*` (`:splat`) for all that follow: `from = \"/old/*\"`, `to = \"/new/:splat\"`"

    private func headers(_ rule: TableReader) -> [SiteHeader] {
        let source = rule.requiredString("for")
        let values = rule.tableReader("values", name: "[site.header.values]")
        if values == nil, !rule.has("values") {
            faults.add("`\(rule.name)` has no `values`", at: rule.location, hint: "add `values = { X-Frame-Options = \"DENY\" }`")
        }
        let conditions = conditions(rule)
        rule.finish()
        guard let source, let values, let conditions else { return [] }
        do throws(SiteFault) { _ = try SitePattern(parsing: source.value) } catch {
            faults.add(error.message, at: source.location, hint: Self.rule)
            return []
        }
        return values.table.entries.compactMap { entry in
            guard let value = values.string(entry.key) else { return nil }
            do throws(SiteFault) { return try SiteHeader(for: source.value, entry.key, value.value, if: conditions) } catch {
                faults.add(error.message, at: values.place(ofKey: entry.key))
                return nil
            }
        }
    }

    /// What `has` and `missing` ask for; nil when one of them is wrong, which is told.
    private func conditions(_ rule: TableReader) -> [SiteCondition]? {
        var conditions: [SiteCondition?] = []
        for (key, isMissing) in [("has", false), ("missing", true)] {
            conditions += rule.tableReaders(key, name: rule.name.replacing("]]", with: ".\(key)]]")).map {
                condition($0, isMissing: isMissing)
            }
        }
        return conditions.contains { $0 == nil } ? nil : conditions.compactMap(\.self)
    }

    private func condition(_ table: TableReader, isMissing: Bool) -> SiteCondition? {
        let found = SiteCondition.Subject.allCases.compactMap { subject in
            table.strings(subject.rawValue).map { (subject: subject, texts: $0) }
        }
        let values = table.strings("value")
        table.finish()
        let known = SiteCondition.Subject.allCases.map(\.rawValue)
        // A mistyped word was told by itself.
        if found.isEmpty, table.table.entries.contains(where: { $0.key != "value" && !known.contains($0.key) }) { return nil }
        guard found.count == 1, let (subject, texts) = found.first else {
            let words = known.map { "`\($0)`" }.joined(separator: ", ")
            faults.add("a condition says one of \(words)", at: table.location, hint: Self.conditionRule)
            return nil
        }
        guard subject.isNamed || values == nil, !subject.isNamed || texts.count == 1 else {
            faults.add(
                subject.isNamed ? "a condition is about one \(subject.rawValue)" : "`\(subject.rawValue)` says its values itself",
                at: subject.isNamed ? table.location : table.place(ofKey: "value"), hint: Self.conditionRule)
            return nil
        }
        do throws(SiteFault) {
            return try subject.isNamed
                ? SiteCondition(subject, texts[0].value, values: values?.map(\.value) ?? [], isMissing: isMissing)
                : SiteCondition(subject, values: texts.map(\.value), isMissing: isMissing)
        } catch {
            faults.add(error.message, at: table.location, hint: Self.conditionRule)
            return nil
        }
    }

    private static let conditionRule = "write `{ host = \"www.example.org\" }`, or `{ query = \"id\", value = \":id\" }`"
}
