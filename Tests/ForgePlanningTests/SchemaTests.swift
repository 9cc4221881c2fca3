import ForgeModel
import ForgePresets
import ForgeTOML
import Foundation
import Testing

@testable import ForgePlanning

/// The schemas that editors read say what the decoders accept.
@Suite struct SchemaTests {
    /// Every descriptor that is shipped, and each `crowdforge.toml` of the fixtures.
    private static func shipped() throws -> [(kind: String, file: String)] {
        let presets = Repository.root + "/Presets"
        var all: [(kind: String, file: String)] = []
        for (kind, folder) in [
            ("preset", ""), ("family", "/families"), ("package-manager", "/package-managers"), ("toolchain", "/toolchains"),
        ] {
            for name in try FileManager.default.contentsOfDirectory(atPath: presets + folder).sorted() where name.hasSuffix(".toml") {
                all.append((kind, "\(presets)\(folder)/\(name)"))
            }
        }
        let projects = Repository.root + "/fixtures/projects"
        for case let name as String in FileManager.default.enumerator(atPath: projects) ?? .init() where name.hasSuffix("crowdforge.toml") {
            all.append(("crowdforge", "\(projects)/\(name)"))
        }
        return all
    }

    @Test func everyShippedFileIsWhatItsSchemaSays() throws {
        let files = try Self.shipped()
        #expect(files.count >= 200)
        let texts = try files.map { ($0.kind, try String(contentsOfFile: $0.file, encoding: .utf8)) }
        for (file, found) in zip(files, try Schemas.findings(texts)) { #expect(found == [], "\(file.file)") }
    }

    /// Tables of the decoders, by how messages call them, and where a schema has them. Tables with keys of the writer's own are none.
    private static let match = [
        "all", "any", "none", "clause-file", "clause-dependency", "clause-json", "clause-toml", "clause-yaml", "clause-text",
        "clause-import",
        "clause-appObject", "clause-script", "clause-packageManager", "clause-config", "clause-install", "clause-ancestor",
    ]
    private static let sources = [
        "config", "script", "literal", "argv", "shell", "capture", "firstLine", "toolVersion", "json", "toml", "yaml", "appObject",
        "moduleOf",
        "procfile", "ignored", "onlySubdirectoryWith", "packageManager", "path", "folderOf", "folderName", "stemOf", "value",
    ].map { "source-" + $0 }
    private static let tables: [(kind: String, table: String, places: [String])] = [
        ("preset", "", [""]), ("preset", "[match]|[[all]]", match),
        ("preset", "[[firstOf]]", sources), ("preset", "[derive.a]", ["derivation"]), ("preset", "[[step]]", ["step"]),
        ("preset", "[artifact]", ["artifact"]), ("preset", "[versions]", ["versions"]), ("preset", "[[case]]", ["case"]),
        ("package-manager", "", [""]), ("package-manager", "[registries]", ["/registries"]),
        ("package-manager", "[generated]", ["/generated"]),
        ("package-manager", "[[project]]", ["/registries/project"]), ("package-manager", "[workspace]", ["/workspace"]),
        ("toolchain", "", [""]), ("toolchain", "[[source]]", ["toolchain-wheel", "toolchain-archive", "toolchain-host"]),
        ("toolchain", "[[links]]", ["toolchain-wheel/links"]), ("crowdforge", "", [""]), ("crowdforge", "[build]", ["/build"]),
        ("crowdforge", "[[app]]", ["/app"]), ("crowdforge", "[deploy]", ["/deploy"]), ("crowdforge", "[site]", ["/site"]),
        ("crowdforge", "[[site.redirect]]", ["/site/redirect"]), ("crowdforge", "[[site.header]]", ["/site/header"]),
        ("crowdforge", "[[site.redirect.has]]|[[site.header.missing]]", ["condition"]),
        ("crowdforge", "[resources]", ["/resources"]),
        ("crowdforge", "[source]", ["/source"]),
        ("crowdforge", "[presets]", ["/presets"]), ("crowdforge", "[routes] \"/a\"", ["/routes/*"]),
    ]

    /// Documents that lead a decoder through each of its tables.
    private static let samples: [(kind: String, text: String)] = [
        (
            "preset",
            """
            match = { all = [{ file = "a" }, { dependency = "a", ecosystem = "npm" }, { json = "a", pointer = "/a" }, { toml = "a", pointer = "/a" },
              { yaml = "a", pointer = "/a" }, { text = "a", in = "b" }, { import = "a", in = "b" }, { appObject = "a.b" }, { script = "a" },
              { packageManager = "a" }, { config = "a" }, { install = true }, { ancestor = "a" }, { any = [{ file = "a" }] },
              { none = [{ file = "a" }] }, {}] }
            derive.a.firstOf = [{ config = "a", when = {} }, { script = "a", flag = "b" },
              { script = "a", capture = "(a)", exists = false }, { literal = "a" }, { argv = ["a"] }, { shell = "a" },
              { capture = "(a)", in = "b", exists = true }, { firstLine = "a" }, { toolVersion = "a" }, { json = "a", pointer = "/a" },
              { toml = "a", pointer = "/a" }, { yaml = "a", pointer = "/a" }, { appObject = "a.b" }, { moduleOf = "a" }, { procfile = "a" },
              { ignored = "a" }, { onlySubdirectoryWith = "a" }, { packageManager = "install" }, { path = "a" }, { folderOf = "a" },
              { folderName = "a" }, { stemOf = "a" }, { value = "a" }, {}]
            step = [{ id = "a" }]
            artifact = { kind = "static" }
            versions = { min = "1" }
            case = [{ when = { all = [{}] } }]
            """
        ),
        (
            "package-manager",
            """
            registries = { project = [{ capture = "(a)", in = "b" }] }
            workspace = { json = "a" }
            generated = {}
            """
        ), ("package-manager", "workspace = {}"),
        (
            "toolchain",
            """
            source = [{ kind = "wheel", links = [{}] }, { kind = "archive" }, { kind = "host" }]
            """
        ),
        (
            "crowdforge",
            """
            build = {}
            deploy = {}
            site = { redirect = [{ has = [{}] }], header = [{ missing = [{}] }] }
            resources = {}
            source = {}
            presets = {}
            app = [{}]
            routes = { "/a" = {} }
            """
        ),
    ]

    /// Known only to be refused in better words.
    private static let refused: [String: Set<String>] = ["crowdforge": ["network"]]

    private struct Schema {
        let root: [String: Any]

        init(_ kind: String) throws {
            let data = try Data(contentsOf: URL(fileURLWithPath: Schemas.file(kind)))
            root = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        }

        /// The keys of a table: a definition, one of its members, or a path of members from the root.
        func keys(_ place: String) -> Set<String> {
            var node: [String: Any] = root
            var parts = place.split(separator: "/").map(String.init)
            if !place.hasPrefix("/"), let name = parts.first {
                node = (root["definitions"] as? [String: Any])?[name] as? [String: Any] ?? [:]
                parts.removeFirst()
            }
            for part in parts {
                node = Self.inner(part == "*" ? node["additionalProperties"] : (node["properties"] as? [String: Any])?[part])
            }
            return Set((node["properties"] as? [String: Any] ?? [:]).keys)
        }

        private static func inner(_ node: Any?) -> [String: Any] {
            let node = node as? [String: Any] ?? [:]
            return node["items"] as? [String: Any] ?? node
        }
    }

    @Test(arguments: ["preset", "package-manager", "toolchain", "crowdforge"])
    func theKeysOfTheSchemaAreThoseThatTheDecoderKnows(kind: String) throws {
        let known = try KnownKeys.recorded {
            for bytes in Self.samples.filter({ $0.kind == kind }).map({ Array($0.text.utf8) }) {
                switch kind {
                case "crowdforge": _ = try? ProjectConfiguration(parsing: bytes, file: "f")
                default: _ = try DescriptorCheck([DescriptorFile(file: kind == "preset" ? "f" : kind + "s/f", bytes: bytes)], besides: [])
                }
            }
        }
        let schema = try Schema(kind)
        for item in Self.tables where item.kind == kind {
            let written = item.places.reduce(into: Set<String>()) { $0.formUnion(schema.keys($1)) }
            let asked = item.table.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            let accepted = Set(asked.flatMap { known[$0] ?? [] }).subtracting(Self.refused[kind] ?? [])
            #expect(written.sorted() == accepted.sorted(), "\(kind) \(item.table)")
        }
    }
}
