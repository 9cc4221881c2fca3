internal import ForgeModel
internal import ForgeTOML
internal import Foundation

/// What a lockfile fixes: versions by package, to tell how two of them differ. Nothing is decided by it: what cannot be read is not told.
struct LockedPackages: Sendable {
    /// A package whose versions differ; nil where it is not locked.
    struct Change: Hashable, Sendable, CustomStringConvertible {
        let name: String
        let from: String?
        let to: String?

        var description: String {
            switch (from, to) {
            case (let from?, let to?): "\(name) \(from) → \(to)"
            case (nil, let to?): "\(name) \(to) is new"
            case (let from?, nil): "\(name) \(from) is gone"
            case (nil, nil): name
            }
        }
    }

    /// Several versions of one package are listed with commas.
    private var versions: [String: Set<String>] = [:]
    /// Those the project itself asks for, where the file tells.
    private var direct: Set<String> = []

    /// Nil for a file of another name, or one that cannot be read.
    init?(_ name: String, _ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        switch name {
        case "package-lock.json", "npm-shrinkwrap.json": readNPM(bytes)
        case "composer.lock": readComposer(bytes)
        case "uv.lock", "poetry.lock", "pdm.lock", "Cargo.lock": readTOML(bytes)
        case "yarn.lock": readYarn(text)
        case "pnpm-lock.yaml": readPnpm(text)
        case "go.sum": readGo(text)
        case _ where name.hasSuffix(".txt"): readRequirements(text)
        default: return nil
        }
        if versions.isEmpty { return nil }
    }

    /// What is different in `newer`, the project's own dependencies first.
    func changes(to newer: LockedPackages) -> [Change] {
        let wanted = direct.union(newer.direct)
        return Set(versions.keys).union(newer.versions.keys)
            .filter { versions[$0] != newer.versions[$0] }
            .sorted { (wanted.contains($0) ? 0 : 1, $0) < (wanted.contains($1) ? 0 : 1, $1) }
            .map { Change(name: $0, from: text(of: $0), to: newer.text(of: $0)) }
    }

    private func text(of name: String) -> String? { versions[name]?.sorted().joined(separator: ", ") }

    private mutating func add(_ name: some StringProtocol, _ version: some StringProtocol) {
        guard !name.isEmpty, name != "@", !version.isEmpty else { return }
        versions[String(name), default: []].insert(String(version))
    }

    // MARK: Formats

    private struct NPM: Decodable {
        struct Package: Decodable {
            let version: String?
            let dependencies: [String: String]?
            let devDependencies: [String: String]?
        }
        struct Dependency: Decodable { let version: String? }

        let packages: [String: Package]?
        let dependencies: [String: Dependency]?
    }

    /// Source: npm docs, package-lock.json, lockfile versions 1 to 3.
    private mutating func readNPM(_ bytes: [UInt8]) {
        guard let file = try? JSONDecoder().decode(NPM.self, from: Data(bytes)) else { return }
        for (path, package) in file.packages ?? [:] {
            if path.isEmpty { direct = Set((package.dependencies ?? [:]).keys).union((package.devDependencies ?? [:]).keys) }
            guard let start = path.range(of: "node_modules/", options: .backwards), let version = package.version else { continue }
            add(path[start.upperBound...], version)
        }
        guard file.packages == nil else { return }
        for (name, package) in file.dependencies ?? [:] { if let version = package.version { add(name, version) } }
    }

    private struct Composer: Decodable {
        struct Package: Decodable { let name: String, version: String }
        let packages: [Package]?
        let packagesDev: [Package]?
        private enum CodingKeys: String, CodingKey {
            case packages
            case packagesDev = "packages-dev"
        }
    }

    private mutating func readComposer(_ bytes: [UInt8]) {
        guard let file = try? JSONDecoder().decode(Composer.self, from: Data(bytes)) else { return }
        for package in (file.packages ?? []) + (file.packagesDev ?? []) { add(package.name, package.version) }
    }

    /// `[[package]]` tables with `name` and `version`.
    private mutating func readTOML(_ bytes: [UInt8]) {
        guard let document = try? TOML.parse(bytes), let packages = document["package"]?.array else { return }
        for package in packages {
            guard let name = package.table?["name"]?.string, let version = package.table?["version"]?.string else { continue }
            add(name, version)
        }
    }

    /// Version 1 (`  version "1.2.3"`) and berry (`  version: 1.2.3`): a line without indent names what the next ones are about.
    private mutating func readYarn(_ text: String) {
        var name: Substring?
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            if !line.hasPrefix(" ") {
                let first = line.drop { $0 == "\"" }.prefix { $0 != "," && $0 != "\"" }
                // A scope's own sign is not the one before the range.
                name = first.dropFirst().firstIndex(of: "@").map { first[..<$0] }
            } else if let current = name, line.hasPrefix("  version") {
                let version = line.dropFirst("  version".count).drop { $0 == ":" || $0 == " " || $0 == "\"" }.prefix { $0 != "\"" }
                // Of the workspace itself berry says `0.0.0-use.local`.
                if !version.contains("use.local") { add(current, version) }
                name = nil
            }
        }
    }

    /// Keys of `packages:` as `name@1.2.3` or `/name@1.2.3(peer@2)`; older files write `/name/1.2.3`.
    private mutating func readPnpm(_ text: String) {
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline) {
            if !line.hasPrefix(" ") { isInside = line == "packages:" }
            guard isInside, line.hasPrefix("  "), !line.hasPrefix("   "), line.hasSuffix(":") else { continue }
            let key = line.dropFirst(2).dropLast().drop { $0 == "'" || $0 == "/" }.prefix { $0 != "(" && $0 != "'" }
            guard let at = key.dropFirst().lastIndex(of: "@") ?? key.lastIndex(of: "/") else { continue }
            add(key[..<at], key[key.index(after: at)...])
        }
    }

    /// `module v1.2.3 h1:…`; the lines about `go.mod` files repeat them.
    private mutating func readGo(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            if words.count == 3, !words[1].hasSuffix("/go.mod") { add(words[0], words[1]) }
        }
    }

    /// `name==1.2.3`, in whatever follows. Source: pip's requirements file format.
    private mutating func readRequirements(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let requirement = line.prefix { $0 != "#" && $0 != ";" && $0 != "\\" && $0 != " " }
            guard let equals = requirement.range(of: "=="), !requirement.hasPrefix("-") else { continue }
            let name = requirement[..<equals.lowerBound].prefix { $0 != "[" }
            add(name.lowercased(), requirement[equals.upperBound...])
        }
    }
}
