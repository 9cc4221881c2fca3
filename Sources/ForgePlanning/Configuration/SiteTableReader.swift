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
        rule.finish()
        guard let from, let to else { return nil }
        do throws(SiteFault) {
            return try SiteRedirect(from: from.value, to: to.value, status: status?.value ?? 301, isForced: isForced)
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
        rule.finish()
        guard let source, let values else { return [] }
        do throws(SiteFault) { _ = try SitePattern(parsing: source.value) } catch {
            faults.add(error.message, at: source.location, hint: Self.rule)
            return []
        }
        return values.table.entries.compactMap { entry in
            guard let value = values.string(entry.key) else { return nil }
            do throws(SiteFault) { return try SiteHeader(for: source.value, entry.key, value.value) } catch {
                faults.add(error.message, at: values.place(ofKey: entry.key))
                return nil
            }
        }
    }
}
