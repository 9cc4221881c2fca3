import ForgeTestSupport
import Foundation
import Testing

/// Projects with nothing but the files of the platform they come from, built, deployed and asked.
@Suite struct MovingInTests {
    @Test func aSiteIsBuiltAndServedFromTheWordsOfVercelJSONAlone() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.project([
                "vercel.json": """
                {
                  "buildCommand": "sh make-site.sh",
                  "outputDirectory": "out/site",
                  "rewrites": [{ "source": "/(.*)", "destination": "/index.html" }],
                  "crons": [{ "path": "/api/daily", "schedule": "0 5 * * *" }],
                  "env": { "GREETING": "Moin $HOME" }
                }

                """,
                "make-site.sh":
                    "mkdir -p out/site\nprintf '%s\\n' \"$GREETING\" > out/site/index.html\necho a keel > out/site/keel.html\n",
            ])
            let build = try await home.run("build", project.path, "--out", "\(home.folder)/out", "--progress", "plain")
            #expect(build.exitCode == 0)
            #expect(
                (build.error + build.output).contains(
                    "vercel.json: took buildCommand, outputDirectory, rewrites, env.GREETING; left crons (nothing runs on a schedule)"))
            #expect(try Folder.texts("\(home.folder)/out") == ["index.html": "Moin $HOME\n", "keel.html": "a keel\n"])
            try await home.deploy(project.path, to: "moved")
            #expect(try await gateway.fetch("moved.localhost") == "200 Moin $HOME\n")
            #expect(try await gateway.fetch("moved.localhost", "/keel") == "200 a keel\n")
            #expect(try await gateway.fetch("moved.localhost", "/boats/7") == "200 Moin $HOME\n", "the page that answers for all others")
        }
    }

    @Test func aServerIsStartedFromTheWordsOfAProcfileAlone() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.project([
                "Procfile": "release: false\nweb: exec node boat.js --greet Moin\nworker: node never.js\n",
                "boat.js": """
                const http = require("http");
                http.createServer((request, response) => response.end(process.argv.slice(2).join(" ") + " " + request.url + "\\n"))
                  .listen(process.env.PORT);

                """,
            ])
            let detection = try await home.run("detect", project.path, "--json").json()
            #expect(detection["derived"]?["start"] == ["source": "Procfile:2", "rule": "platform web"])
            #expect(
                detection["platforms"] == [
                    [
                        "platform": "Procfile", "file": "Procfile", "taken": [["key": "web", "use": "start", "line": 2]],
                        "left": [
                            ["key": "release", "reason": "nothing runs between the build and the start", "line": 1],
                            ["key": "worker", "reason": "only `web` is started", "line": 3],
                        ], "variables": [], "fault": nil,
                    ]
                ])
            try await home.deploy(project.path, to: "moved")
            #expect(try await gateway.fetch("moved.localhost", "/sea") == "200 --greet Moin /sea\n")
        }
    }

    @Test func aBrokenFileOfAnotherPlatformIsToldAndTheProjectIsBuilt() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "boats\n", "netlify.toml": "[build]\npublish = out\n"])
            let build = try await home.run("build", project.path, "--out", "\(home.folder)/out", "--progress", "plain")
            #expect(build.exitCode == 0)
            #expect((build.error + build.output).contains("netlify.toml:2:11"))
            #expect(try Folder.texts("\(home.folder)/out")["index.html"] == "boats\n")
        }
    }
}
