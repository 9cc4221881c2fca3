import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

/// Repositories whose projects a tool of their own lists: Nx, Rush, Lerna.
@Suite struct MonorepoTests {
    private func apps(_ files: [String: String]) throws -> [String] {
        let survey = try Shipped.survey(files)
        let own = survey.own.map { ["own \($0.detection.preset.id)"] } ?? []
        return own + survey.apps.map { "\($0.name) \($0.root) \($0.detection.preset.id) \($0.detection.report.kind?.rawValue ?? "")" }
    }

    private func project(_ executor: String, _ output: String, type: String = "application") -> String {
        #"""
        {
          "projectType": "\#(type)",
          "targets": {
            "build": {
              "executor": "\#(executor)",
              "options": { "outputPath": "\#(output)" }
            }
          }
        }
        """#
    }

    private var nx: [String: String] {
        [
            "nx.json": "{}", "package.json": #"{"dependencies": {"express": "4"}, "devDependencies": {"nx": "19.0.0"}}"#,
            "package-lock.json": "{}", "apps/api/project.json": project("@nx/webpack:webpack", "dist/apps/api"),
            "apps/server/project.json": project("@nrwl/node:webpack", "dist/apps/server"),
            "apps/site/project.json": project("@nx/vite:build", "dist/apps/site"),
            "libs/tides/project.json": project("@nx/js:tsc", "dist/libs/tides", type: "library"),
        ]
    }

    @Test func applicationsOfNxAreAppsByTheirExecutorsAndLibrariesAreNone() throws {
        #expect(
            try apps(nx) == ["api apps/api node static", "server apps/server node server", "site apps/site vite static"])
    }

    @Test func anAppOfNxIsInstalledAndBuiltInTheRootAndFoundByItsName() throws {
        let app = try Shipped.survey(nx).choosing("server").own
        let chosen = try #require(app)
        let plan = try Planner.plan(chosen.detection, configuration: chosen.configuration)
        #expect(
            PlanRendering.text(plan).split(separator: "\n").filter { !$0.contains("sets    ") && !$0.contains("keeps   ") }.joined(
                separator: "\n") == """
                    preset        Node.js (node)
                    toolchains    node
                    install       npm ci
                                  reads   package.json, package-lock.json
                                  writes  node_modules, apps/api/node_modules, apps/server/node_modules, apps/site/node_modules
                                  network registries of npm
                    production    npm ci --omit=dev
                                  reads   package.json, package-lock.json
                                  writes  node_modules, apps/api/node_modules, apps/server/node_modules, apps/site/node_modules
                                  network registries of npm
                    server:build  PATH="$PWD/node_modules/.bin:$PATH"; nx run server:build
                                  after   install
                                  reads   the source without apps/api, apps/site
                                  writes  dist/apps/server
                                  takes   $REACT_APP_… $VITE_… $PUBLIC_… $NUXT_PUBLIC_… $GATSBY_… $VUE_APP_…
                    artifact      container with dist/apps/server/
                                  starts  PATH="$PWD/node_modules/.bin:$PATH"; exec node dist/apps/server/main.js
                                  port    3000, health /
                    """)
        #expect(chosen.detection.values["build"]?.source == "apps/server/project.json:4")
    }

    @Test func aRootWhoseScriptsStartNxIsTheDefaultProject() throws {
        let files = nx.merging([
            "nx.json": #"{"defaultProject": "server"}"#, "package.json": #"{"scripts": {"start": "nx serve", "build": "nx build"}}"#,
        ]) { $1 }
        #expect(
            try apps(files) == [
                "own node", "api apps/api node static", "server apps/server node server", "site apps/site vite static",
            ])
        let report = try #require(try Shipped.survey(files).own).detection.report
        #expect(
            [report.build, report.output, report.start] == [
                "nx run server:build", "dist/apps/server", "exec node dist/apps/server/main.js",
            ])
        // Another command is the root's own.
        let other = files.merging(["package.json": #"{"scripts": {"start": "node tides.js"}}"#]) { $1 }
        #expect(try Shipped.survey(other).own?.detection.report.start == "npm run start")
    }

    @Test(arguments: [
        (#""configurations": { "production": {} }"#, ":production"), (#""configurations": { "staging": {} }"#, ""),
        (#""defaultConfiguration": "production", "configurations": { "production": {} }"#, ""),
    ])
    func aTargetOfNxIsBuiltForProductionWhereThatIsSaid(configurations: String, suffix: String) throws {
        let project = #"{"projectType": "application", "targets": {"build": {"executor": "@nx/node:build", \#(configurations)}}}"#
        let survey = try Shipped.survey(["nx.json": "{}", "package.json": "{}", "apps/server/project.json": project])
        #expect(try survey.app("server").detection.report.build == "nx run server:build\(suffix)")
    }

    @Test func anAppTableNamesWhichFolderIsAnAppAndHowItIsBuilt() throws {
        let table = "[[app]]\nname = \"shop\"\nroot = \"apps/site\"\ncommand = \"nx run site:build:staging\"\noutput = \"dist/staging\"\n"
        let files = nx.merging(["crowdforge.toml": table]) { $1 }
        #expect(try apps(files) == ["shop apps/site vite static"])
        let report = try Shipped.survey(files).app("shop").detection.report
        #expect([report.build, report.output] == ["nx run site:build:staging", "dist/staging"])
    }

    @Test func projectsOfRushAreAppsWhereTheyAreNoLibraries() throws {
        let rush = """
            {
              "rushVersion": "5.76.1", // what installs
              "projects": [
                { "packageName": "@x/web", "projectFolder": "apps/web" },
                { "packageName": "@x/tides", "projectFolder": "libraries/tides" },
                { "packageName": "@x/gone", "projectFolder": "libraries/gone" },
              ]
            }
            """
        #expect(
            try apps([
                "rush.json": rush, "apps/web/package.json": #"{"scripts": {"build": "next build"}, "dependencies": {"next": "14.0.0"}}"#,
                "libraries/tides/package.json": #"{"main": "index.js"}"#, "libraries/tides/index.js": "",
            ]) == ["web apps/web nextjs server"])
    }

    @Test(arguments: [#"{"version": "1"}"#, #"{"packages": ["packages/*"]}"#])
    func packagesOfLernaAreAppsWhereTheyAreNoLibraries(lerna: String) throws {
        let files = [
            "lerna.json": lerna, "package.json": #"{"private": true}"#, "packages/api/package.json": #"{"scripts": {"start": "node ."}}"#,
            "packages/api/server.js": "", "packages/tides/package.json": #"{"main": "index.js"}"#, "packages/tides/index.js": "",
            "packages/notes/readme.md": "",
        ]
        #expect(try apps(files) == ["api packages/api node server"])
    }

    @Test func whereAPackageManagerListsTheMembersTheToolsOwnListIsNotAsked() throws {
        let files = [
            "lerna.json": #"{"packages": ["others/*"]}"#, "package.json": #"{"workspaces": ["apps/*"]}"#, "package-lock.json": "{}",
            "apps/web/package.json": #"{"scripts": {"start": "node server.js"}}"#, "apps/web/server.js": "",
            "others/x/package.json": #"{"scripts": {"start": "node server.js"}}"#, "others/x/server.js": "",
        ]
        #expect(try apps(files) == ["web apps/web node server"])
    }
}
