import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

@Suite struct ConfigurationTests {
    private func load(_ text: String) throws -> ProjectConfiguration {
        try ProjectConfiguration.load(from: MemoryTree(["crowdforge.toml": text]))
    }

    @Test func theSeedsExampleIsRead() throws {
        let configuration = try load(
            """
            [build]
            framework = "nextjs"          # override auto-detection
            command = "npm run build"     # override build command
            output = ".next"              # override output directory
            node_version = "20"           # pin runtime version

            [env]
            NODE_ENV = "production"
            NEXT_PUBLIC_API_URL = "$CROWDFORGE_PROJECT_URL/api"

            [routes]
            # Custom routing rules
            "/api/*" = { type = "function" }
            "/*"     = { type = "static" }

            [resources]
            # Request specific tier resources
            tier = "growth"
            regions = ["iad", "lhr"]      # multi-region (Scale+ only)
            """)
        #expect(configuration.isPresent)
        #expect(configuration.build.framework?.value == "nextjs")
        #expect(configuration.build.output?.value.string == ".next")
        #expect(configuration.environment == ["NODE_ENV": "production", "NEXT_PUBLIC_API_URL": "$CROWDFORGE_PROJECT_URL/api"])
        #expect(configuration.routes == [Route(pattern: "/api/*", kind: .function), Route(pattern: "/*", kind: .static)])
        #expect(configuration.resources.tier == "growth")
        #expect(configuration.resources.regions == ["iad", "lhr"])
    }

    @Test func aProjectWithoutTheFileHasTheEmptyConfiguration() throws {
        #expect(try ProjectConfiguration.load(from: MemoryTree(["x": ""])) == ProjectConfiguration())
    }

    @Test func whatBelongsToASourceIsDeclaredWholeOrInPart() throws {
        #expect(try load("[source]\n").source == ProjectConfiguration.Source())
        let all = try load("[source]\nsubmodules = true\nlfs = true").source
        #expect(all.submodules == .all && all.lfs == .all)
        let none = try load("[source]\nsubmodules = false\nlfs = []").source
        #expect(none.submodules == .only([]) && none.lfs == .only([]))
        let some = try load("[source]\nsubmodules = [\"libs/a\", \"./b/c/d\"]\nlfs = [\"*.png\", \"docs/**/*.{pdf,ps}\"]").source
        func fits(_ paths: [String], _ test: (RelativePath) -> Bool?) throws -> [String] {
            try paths.filter { test(try RelativePath(parsing: $0)) == true }
        }
        #expect(
            try fits(["libs/a", "libs/a/x", "libs", "b", "b/c", "b/c/d", "c"]) { some.submodules?.includes($0) } == [
                "libs/a", "libs", "b", "b/c", "b/c/d",
            ])
        #expect(
            try fits(["x.png", "a/b/x.png", "docs/x.pdf", "docs/a/b/x.ps", "x.pdf", "a/docs/x.pdf"]) { some.lfs?.includes($0) } == [
                "x.png", "a/b/x.png", "docs/x.pdf", "docs/a/b/x.ps",
            ])
        for wrong in ["submodules = 1", "submodules = [\"../x\"]", "lfs = \"*.png\"", "lfs = [\"/x\"]", "lfs = [1]", "submodule = true"] {
            #expect(throws: ForgeError.self) { try load("[source]\n\(wrong)") }
        }
    }

    @Test func everyMistakeIsReportedAtOnceWithItsPlace() throws {
        let text = """
            [build]
            comand = "make"
            output = "../.."
            node_version = 20
            timeout = "soon"
            memory = 512
            install = " "
            image = "debian"

            [env]
            "1X" = "a"
            HOME_COPY = "$HOME/x"
            NUL = "a\\u0000b"
            CROWDFORGE_ENV = "mine"
            PORT = 80
            PRICE = "$$5 $5"

            [routes]
            "api" = { type = "functoin" }
            "/x" = {}

            [resources]
            tier = "grwoth"
            regions = "iad"

            [biuld]

            [[app]]
            """
        #expect(
            Shipped.failure { try load(text) } == """
                config.invalid (exit 10)
                crowdforge.toml:2:1: unknown key `comand` in `[build]`
                  hint: did you mean `command`?
                crowdforge.toml:3:10: `output`: path `../..` leaves the project: `..` is not allowed
                  hint: write a path below the folder that holds `crowdforge.toml`
                crowdforge.toml:4:16: `node_version` must be a string, found an integer
                  hint: write it in quotes, like `node_version = "20"`
                crowdforge.toml:5:11: `timeout` is a number of seconds up to a day, or a text like `"10m"`
                  hint: write `timeout = "10m"`
                crowdforge.toml:6:10: `memory` is a text like `"2GB"`, at least `"64MB"`
                  hint: write `memory = "2GB"`
                crowdforge.toml:7:11: `install` is empty
                  hint: leave the line out to use what the framework says
                crowdforge.toml:8:9: `image`: `debian` does not say which registry it comes from
                  hint: write `image = "registry.example/name@sha256:…"`, with registry and digest
                crowdforge.toml:11:1: `1X` is not the name of a variable: use letters, digits and `_`, not first a digit
                crowdforge.toml:13:7: `NUL` holds a NUL byte
                crowdforge.toml:14:1: `CROWDFORGE_ENV` is set by the platform and cannot be set here
                crowdforge.toml:15:8: `PORT` must be a string, found an integer
                crowdforge.toml:19:1: route `api` does not begin with `/`
                  hint: write `"/api"`
                crowdforge.toml:19:18: `type` cannot be `functoin`: expected one of `static`, `function`, `container`
                  hint: did you mean `function`?
                crowdforge.toml:20:1: route `/x` has no `type`
                  hint: write `{ type = "static" }`
                crowdforge.toml:23:8: `tier` cannot be `grwoth`: expected one of `starter`, `growth`, `scale`, `enterprise`
                  hint: did you mean `growth`?
                crowdforge.toml:24:11: `regions` must be an array of strings, found a string
                  hint: write `regions = ["iad"]`
                crowdforge.toml:26:2: unknown key `biuld`
                  hint: did you mean `build`?
                crowdforge.toml:28:1: `[[app]]` has no `name`
                  hint: add `name = "…"`
                crowdforge.toml:28:1: `[[app]]` has no `root`
                  hint: add `root = "…"`, the app's folder
                """)
    }

    @Test func appsHaveNamesFoldersAndTheKeysOfABuild() throws {
        let configuration = try load(
            """
            [[app]]
            name = "web"
            root = "apps/web"
            framework = "vite"
            command = "make"
            """)
        #expect(configuration.apps.map(\.name.value) == ["web"])
        #expect(configuration.apps.map(\.build.root?.value.string) == ["apps/web"])
        #expect(configuration.apps.map(\.build.framework?.value) == ["vite"])
        #expect(
            Shipped.failure {
                try load(
                    """
                    [[app]]
                    name = "web site"
                    root = "apps/web"
                    [[app]]
                    name = "api"
                    root = "apps/api"
                    comand = "make"
                    [[app]]
                    name = "api"
                    root = "./apps/api/"
                    """)
            } == """
                config.invalid (exit 10)
                crowdforge.toml:2:8: `web site` is not an app's name: letters, digits, `.`, `_` and `-`
                crowdforge.toml:7:1: unknown key `comand` in `[[app]]`
                  hint: did you mean `command`?
                crowdforge.toml:9:8: another `[[app]]` has this `name`
                  hint: it is at crowdforge.toml:5:8
                crowdforge.toml:9:8: another `[[app]]` has this `root`
                  hint: it is at crowdforge.toml:5:8
                """)
    }

    @Test func howAServerIsAskedForItsHealthIsTheProjectsWord() throws {
        #expect(try load("[deploy]\nhealth = \"/healthz?deep=1\"\nport = 4000\n").deploy.health == .path("/healthz?deep=1"))
        #expect(try load("[deploy]\nport = 4000\n").deploy.port == 4000)
        #expect(try load("[deploy]\nhealth = \"tcp\"\n").deploy.health == .tcp)
        #expect(
            Shipped.failure { try load("[deploy]\nhealth = \"healthz\"\nport = 0\nhelth = \"/\"\n") } == """
                config.invalid (exit 10)
                crowdforge.toml:2:10: `health` cannot be `healthz`: expected a path that begins with `/`, or `tcp`
                  hint: write `health = "/healthz"`, or `health = "tcp"` when nothing is to be asked for
                crowdforge.toml:3:8: `port` runs from 1 to 65535, found 0
                crowdforge.toml:4:1: unknown key `helth` in `[deploy]`
                  hint: did you mean `health`?
                """)
        for path in ["/a b", "/a\\u0007", "/\\r\\nHost: x", "tcp4"] {
            #expect(Shipped.failure { try load("[deploy]\nhealth = \"\(path)\"\n") }.hasPrefix("config.invalid (exit 10)\n"))
        }
    }

    @Test func brokenTOMLIsReportedWithItsPlace() throws {
        let text = Shipped.failure { try load("[build]\ncommand = \"make\n") }
        #expect(text.hasPrefix("config.syntax (exit 10)\ncrowdforge.toml:2:"))
    }

    @Test(arguments: ["/etc", "a/../../b", "..", "a\\u0000b"])
    func pathsStayInside(path: String) throws {
        for key in ["output", "root"] {
            #expect(
                Shipped.failure { try load("[build]\n\(key) = \"\(path)\"\n") }.hasPrefix("config.invalid (exit 10)\ncrowdforge.toml:2:"))
        }
    }

    @Test(arguments: [("90", 90), ("\"90s\"", 90), ("\"10m\"", 600), ("\"1h\"", 3600)])
    func timeoutsAreNumbersOrTexts(text: String, seconds: Int) throws {
        #expect(try load("[build]\ntimeout = \(text)\n").build.timeoutSeconds == seconds)
    }

    @Test func aFileInUTF16WithCarriageReturnsIsRead() throws {
        let units = Array("[build]\r\ncommand = \"make\"\r\n".utf16)
        let bytes: [UInt8] = [0xFF, 0xFE] + units.flatMap { unit -> [UInt8] in [UInt8(unit & 255), UInt8(unit >> 8)] }
        let configuration = try ProjectConfiguration.load(from: MemoryTree(bytes: ["crowdforge.toml": bytes]))
        #expect(configuration.build.command?.value == "make")
    }

    @Test func aRootThatIsNotThereIsReported() throws {
        #expect(
            Shipped.failure { try Shipped.detect(["crowdforge.toml": "[build]\nroot = \"web\"\n"]) } == """
                config.no-root (exit 10)
                crowdforge.toml:2:8: there is no folder `web`
                  hint: `root` names a folder below the one that holds `crowdforge.toml`
                """)
    }
}
