internal import ForgeModel
internal import ForgeTOML
internal import Foundation

/// The hashes that a lockfile gives the files of packages. What cannot be read expects nothing: the package manager judges the file itself.
package struct LockedHashes: Sendable {
    /// Of the lockfile.
    package let name: String
    private var byURL: [String: [ExpectedHash]] = [:]
    /// By name and version; any file of that release.
    private var byRelease: [Release: [ExpectedHash]] = [:]
    private var byFileName: [String: [ExpectedHash]] = [:]

    private struct Release: Hashable {
        let name: String
        let version: String
    }

    /// Nil for a file of another name, or one that names no hash.
    package init?(_ name: String, _ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        self.name = name
        switch name {
        case "package-lock.json", "npm-shrinkwrap.json": readNPM(bytes)
        case "yarn.lock": readYarn(text)
        case "pnpm-lock.yaml": readPnpm(text)
        case "uv.lock", "poetry.lock", "pdm.lock": readTOML(bytes)
        case _ where name.hasSuffix(".txt"): readRequirements(text)
        default: return nil
        }
        if byURL.isEmpty && byRelease.isEmpty && byFileName.isEmpty { return nil }
    }

    func hashes(of file: PackageFile, url: String) -> [ExpectedHash]? {
        if let exact = byURL[url] ?? byFileName[file.fileName] { return exact }
        guard let name = file.name, let version = file.version else { return nil }
        return byRelease[Release(name: name, version: version)]
    }

    private mutating func add(_ hashes: [ExpectedHash], name: String?, version: String?, url: String?) {
        guard !hashes.isEmpty else { return }
        if let url, url.contains("://") { byURL[String(url.prefix { $0 != "#" }), default: []] += hashes }
        if let name, let version { byRelease[Release(name: name, version: version), default: []] += hashes }
    }

    // MARK: npm, Yarn, pnpm

    private struct NPM: Decodable {
        struct Package: Decodable {
            let name: String?
            let version: String?
            let resolved: String?
            let integrity: String?
            let dependencies: [String: Package]?

            private enum CodingKeys: String, CodingKey { case name, version, resolved, integrity, dependencies }

            init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: CodingKeys.self)
                name = try? values.decodeIfPresent(String.self, forKey: .name)
                version = try? values.decodeIfPresent(String.self, forKey: .version)
                resolved = try? values.decodeIfPresent(String.self, forKey: .resolved)
                integrity = try? values.decodeIfPresent(String.self, forKey: .integrity)
                // In `packages` these are ranges, in the older form packages.
                dependencies = try? values.decodeIfPresent([String: Package].self, forKey: .dependencies)
            }
        }

        let packages: [String: Package]?
        let dependencies: [String: Package]?
    }

    /// Source: npm docs, package-lock.json, lockfile versions 1 to 3.
    private mutating func readNPM(_ bytes: [UInt8]) {
        guard let file = try? JSONDecoder().decode(NPM.self, from: Data(bytes)) else { return }
        for (path, package) in file.packages ?? [:] {
            let last = path.range(of: "node_modules/", options: .backwards).map { String(path[$0.upperBound...]) }
            add(package, named: package.name ?? last)
        }
        if file.packages == nil { for (name, package) in file.dependencies ?? [:] { addOld(package, name) } }
    }

    private mutating func addOld(_ package: NPM.Package, _ name: String) {
        add(package, named: name)
        for (name, inner) in package.dependencies ?? [:] { addOld(inner, name) }
    }

    private mutating func add(_ package: NPM.Package, named name: String?) {
        guard let integrity = package.integrity else { return }
        add(ExpectedHash.integrity(integrity), name: name, version: package.version, url: package.resolved)
    }

    /// Version 1; berry's checksums are of archives that it makes itself.
    private mutating func readYarn(_ text: String) {
        var (name, version, url): (String?, String?, String?) = (nil, nil, nil)
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            if !line.hasPrefix(" ") {
                let first = line.drop { $0 == "\"" }.prefix { $0 != "," && $0 != "\"" && $0 != ":" }
                (name, version, url) = (first.dropFirst().firstIndex(of: "@").map { String(first[..<$0]) }, nil, nil)
                continue
            }
            let words = line.split(separator: " ").map { $0.trimmingCharacters(in: ["\""]) }
            guard words.count >= 2 else { continue }
            switch words[0] {
            case "version": version = words[1]
            case "resolved":
                url = words[1]
                if let mark = words[1].firstIndex(of: "#"), let hash = ExpectedHash.hex(words[1][words[1].index(after: mark)...], .sha1) {
                    add([hash], name: nil, version: nil, url: url)
                }
            case "integrity":
                let hashes = ExpectedHash.integrity(words.dropFirst().joined(separator: " "))
                if let url { byURL[String(url.prefix { $0 != "#" })] = nil }
                add(hashes, name: name, version: version, url: url)
            default: break
            }
        }
    }

    /// `name@1.2.3:` or `/name@1.2.3(peer@2):` or `/name/1.2.3:`, then `resolution: {integrity: …}`.
    private mutating func readPnpm(_ text: String) {
        var release: (String, String)?
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("  "), !line.hasPrefix("   "), line.hasSuffix(":") {
                let key = line.dropFirst(2).dropLast().drop { $0 == "'" || $0 == "/" }.prefix { $0 != "(" && $0 != "'" }
                release = (key.dropFirst().lastIndex(of: "@") ?? key.lastIndex(of: "/")).map {
                    (String(key[..<$0]), String(key[key.index(after: $0)...]))
                }
            } else if let (name, version) = release, let start = line.range(of: "integrity: ") {
                let value = line[start.upperBound...].prefix { $0 != "," && $0 != "}" && $0 != " " }
                add(ExpectedHash.integrity(value), name: name, version: version, url: nil)
            }
        }
    }

    // MARK: Python

    /// uv names each file by its URL, Poetry and PDM by its name.
    private mutating func readTOML(_ bytes: [UInt8]) {
        guard let document = try? TOML.parse(bytes), let packages = document["package"]?.array else { return }
        for package in packages.compactMap(\.table) {
            let lists = ["wheels", "files"].flatMap { package[$0]?.array ?? [] }.compactMap(\.table)
            for file in lists + [package["sdist"]?.table].compactMap(\.self) {
                guard let hash = file["hash"]?.string.flatMap({ ExpectedHash.hex($0) }) else { continue }
                if let url = file["url"]?.string { byURL[url, default: []].append(hash) }
                if let name = file["file"]?.string { byFileName[name, default: []].append(hash) }
            }
        }
    }

    /// `name==1.2.3 --hash=sha256:…`, lines continued by a backslash. Source: pip's requirements file format.
    private mutating func readRequirements(_ text: String) {
        let joined = text.replacing("\\\r\n", with: " ").replacing("\\\n", with: " ")
        for line in joined.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let equals = words.first?.range(of: "=="), let first = words.first else { continue }
            let name = first[..<equals.lowerBound].prefix { $0 != "[" }
            let version = first[equals.upperBound...].prefix { $0 != ";" }
            let hashes = words.filter { $0.hasPrefix("--hash=") }.compactMap { ExpectedHash.hex($0.dropFirst("--hash=".count)) }
            add(hashes, name: PackageFile.normalized(name), version: String(version), url: nil)
        }
    }
}
