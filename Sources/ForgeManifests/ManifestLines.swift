internal import ForgePatterns

/// How a manifest that is a program, or that many dialects share, lists what it depends on: patterns of its lines.
struct ManifestLines {
    enum Comment { case hash, slashes, xml, semicolon }

    let globs: [Glob]
    let comment: Comment
    /// Group 1 is the name; with two groups of which both are there, they are joined by `:`; a last group is the version.
    let patterns: [Pattern]
    /// Opens a block, up to its end, of what is for development only.
    let development: Pattern?

    private init(_ globs: [String], _ comment: Comment, _ patterns: [String], development: String? = nil) {
        self.globs = globs.compactMap { try? Glob($0) }
        self.comment = comment
        self.patterns = patterns.compactMap { try? Pattern($0) }
        self.development = development.flatMap { try? Pattern($0) }
    }

    static func rules(of ecosystem: Ecosystem) -> [ManifestLines] { all[ecosystem] ?? [] }

    private static let all: [Ecosystem: [ManifestLines]] = [
        .go: [ManifestLines(["go.mod"], .slashes, [#"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/[^\s]+)()\s+(v\S+)"#])],
        .gem: [
            ManifestLines(
                ["Gemfile", "gems.rb"], .hash, [#"\bgem[\s(]+["']([\w.-]+)["']()(?:\s*,\s*["']([^"']+)["'])?"#],
                development: #"^\s*group\b.*:(?:development|test)\b.*\bdo\b"#),
            ManifestLines(
                ["*.gemspec"], .hash, [#"\.add_(?:runtime_)?dependency[\s(]+["']([\w.-]+)["']()(?:\s*,\s*["']([^"']+)["'])?"#]),
        ],
        .hex: [ManifestLines(["mix.exs"], .hash, [#"\{\s*:(\w+)\s*,()(?:\s*"([^"]*)")?"#])],
        .maven: [
            ManifestLines(
                ["build.gradle", "build.gradle.kts", "*/build.gradle", "*/build.gradle.kts"], .slashes,
                [
                    #"["']([\w.-]+):([\w.-]+)(?::([^"'@]+))?["']"#, #"\bid[\s(]+["']([\w.-]+)["']()(?:.*version[\s(]+["']([^"']+)["'])?"#,
                    #"apply\s*\(?\s*plugin\s*[:=]\s*["']([\w.-]+)["']"#, #"\bkotlin\(["'](\w+)["']\)"#,
                ]),
            ManifestLines(
                ["gradle/libs.versions.toml"], .hash,
                [#"module\s*=\s*"([\w.-]+):([\w.-]+)""#, #"\bid\s*=\s*"([\w.-]+)""#, #"=\s*"([\w.-]+):([\w.-]+):([^"]+)""#]),
            ManifestLines(["build.sbt", "project/*.sbt"], .slashes, [#""([\w.-]+)"\s*%%?%?\s*"([\w.-]+)"\s*%\s*"?([^"\s,)]+)"#]),
            ManifestLines(["project.clj"], .semicolon, [#"\[([\w.-]+(?:/[\w.-]+)?)()\s+"([^"]+)""#]),
            ManifestLines(["deps.edn"], .semicolon, [#"([\w.-]+/[\w.-]+)()\s+\{[^}]*:mvn/version\s+"([^"]+)""#]),
        ],
        .nuget: [
            ManifestLines(
                ["*.csproj", "*.fsproj", "*.vbproj", "*/*.csproj", "*/*.fsproj", "src/*/*.csproj", "Directory.Packages.props"], .xml,
                [#"<Package(?:Reference|Version)\s[^>]*Include\s*=\s*"([^"]+)"()(?:[^>]*Version\s*=\s*"([^"]+)")?"#])
        ],
        .swift: [
            ManifestLines(
                ["Package.swift"], .slashes,
                [#"\.package\([^)]*url\s*:\s*"[^"]*/([\w.-]+?)(?:\.git)?"()(?:[^)]*from\s*:\s*"([^"]+)")?"#])
        ],
    ]

    func dependencies(in text: String, _ ecosystem: Ecosystem, file: String) -> [Dependency] {
        var all: [Dependency] = []
        // How many blocks stand open since one for development did.
        var depth = 0
        for (index, line) in SourceText.lines(stripped(text)).enumerated() where line.utf8.count <= 8192 {
            if depth > 0 {
                if ManifestLines.opens(line) { depth += 1 }
                if ManifestLines.isEnd(line) { depth -= 1 }
            } else if development?.matches(line) == true {
                depth = 1
            }
            for pattern in patterns {
                for groups in pattern.allMatches(in: line) {
                    let parts = groups.dropFirst().prefix(2).compactMap(\.self).filter { !$0.isEmpty }
                    guard let first = parts.first else { continue }
                    let isDev = depth > 0 || (ecosystem == .hex && line.contains("only: :dev") && pattern.allMatches(in: line).count == 1)
                    all.append(
                        Dependency(
                            name: parts.count > 1 ? parts.joined(separator: ":") : first, ecosystem: ecosystem, extras: [],
                            scope: isDev ? .dev : .prod, requirement: (groups.count > 3 ? groups[3] : nil) ?? "", file: file,
                            line: index + 1))
                }
            }
        }
        return all
    }

    private func stripped(_ text: String) -> String {
        switch comment {
        case .hash: Comments.strip(text, .python)
        case .slashes: Comments.strip(text, .js)
        case .xml: Comments.xml(text)
        case .semicolon: SourceText.lines(text).map { String($0.prefix { $0 != ";" }) }.joined(separator: "\n")
        }
    }

    private static func opens(_ line: String) -> Bool {
        let words = line.split(whereSeparator: \.isWhitespace)
        return words.last == "do" || words.contains("do") || words.first == "if" || words.first == "unless"
    }

    private static func isEnd(_ line: String) -> Bool { line.split(whereSeparator: \.isWhitespace).first == "end" }
}

/// The artifacts of a Maven project's own file.
struct ProjectObjectModel {
    private static let tag = try? Pattern(#"<(groupId|artifactId|version|scope|packaging)>\s*([^<]*?)\s*</"#)

    /// `group:artifact` of dependencies, plug-ins and the parent.
    static func dependencies(in text: String, file: String) -> [Dependency] {
        guard let tag else { return [] }
        var all: [Dependency] = []
        var group = ""
        for (index, line) in SourceText.lines(Comments.xml(text)).enumerated() where line.utf8.count <= 65536 {
            for groups in tag.allMatches(in: line) {
                guard let name = groups[1], let value = groups[2] else { continue }
                switch name {
                case "groupId": group = value
                case "artifactId":
                    all.append(
                        Dependency(
                            name: "\(group.isEmpty ? "org.apache.maven.plugins" : group):\(value)", ecosystem: .maven, extras: [],
                            scope: .prod,
                            requirement: "", file: file, line: index + 1))
                    group = ""
                case "version":
                    guard let last = all.popLast() else { continue }
                    all.append(
                        Dependency(
                            name: last.name, ecosystem: .maven, extras: [], scope: last.scope,
                            requirement: last.requirement.isEmpty ? value : last.requirement, file: file, line: last.line))
                default: break
                }
            }
        }
        return all
    }
}
