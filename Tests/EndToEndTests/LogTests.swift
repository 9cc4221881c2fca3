import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// `forge logs`: what a server writes, shown so that it stays what it is.
@Suite struct LogTests {
    private static func project(_ home: ForgeHome, _ code: String) throws -> TemporaryProject {
        let server = """
            const http = require("node:http");
            http.createServer((request, response) => {
              if (request.url !== "/") console.log(request.url.slice(1));
              response.end("up\\n");
            }).listen(process.env.PORT, () => {\(code)});
            """
        return try home.project(["package.json": #"{"scripts": {"start": "node server.js"}}"#, "server.js": server])
    }

    @Test func whateverAServerWritesStaysItsOwnLine() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let code =
                #"process.stdout.write("\x1b]52;c;AAAA\x07\x1b[31mred\x1b[0m\rOK\n\n* exited with 0\nevent: x\n"); console.error("\u202e")"#
            try await home.deploy(Self.project(home, code).path, to: "tides")
            _ = try await gateway.fetch("tides.localhost", "/asked")
            try await untilTrue("the line to be in the log") {
                try await home.run("logs", "--project", "tides").output.contains("| asked\n")
            }
            let log = try await home.run("logs", "--project", "tides").output.replacing(/[0-9-]{10}T[0-9:.]{12}Z/, with: "TIME").split(
                separator: "\n")
            let own = log.filter { $0.hasPrefix("TIME |") }.map { String($0.dropFirst("TIME |".count)) }
            #expect(
                Set([" ^[]52;c;AAAA^Gred^MOK", "", " * exited with 0", " event: x", " <U+202E>", " asked"]).isSubset(of: own), "\(own)")
            #expect(log.allSatisfy { $0.hasPrefix("TIME |") || $0.hasPrefix("TIME * ") })
            let last = try await home.run("logs", "--project", "tides", "--tail", "1", "--json").json()["lines"]?.elements
            #expect(last?.count == 1)
            #expect(last?.first?["text"] == "asked")
            #expect(last?.first?["kind"] == "output")
            #expect(try await home.run("logs", "--project", "tides", "--tail", "0").output == "")
        }
    }

    @Test func followingGoesOnIntoTheNextReleaseAndEndsWhenAsked() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let site = try Self.project(home, #"console.log("first")"#)
            let first = try await home.deploy(site.path, to: "tides")
            let follow = try home.start("logs", "--project", "tides", "-f", "--json")
            try await eventually("the first line", within: 60) { follow.output.contains("\"first\"") ? () : nil }
            try site.write([
                "server.js": String(contentsOfFile: site.path + "/server.js", encoding: .utf8).replacing("first", with: "second")
            ])
            try await home.deploy(site.path, to: "tides")
            _ = try await gateway.fetch("tides.localhost", "/late")
            try await eventually("the line of the second", within: 60) { follow.output.contains("\"late\"") ? () : nil }
            follow.signal(SIGINT)
            let run = try await follow.finish(within: 30)
            #expect(run.exitCode == 0)
            #expect(run.output.contains("\"second\""))
            let release = try #require(first["release"]?.text)
            #expect(try await home.run("logs", "--project", "tides", "--release", release).output.contains("| first\n"))
        }
    }

    @Test func whereThereIsNoLogItIsSaidWhy() async throws {
        try await withForgeHome { home in
            let none = try await home.run("logs", "--project", "tides")
            #expect(none.exitCode == 70)
            #expect(
                none.error == """
                    error: there is no release of production of `tides`
                    hint: make one: `forge deploy DIR --project tides`

                    """)
            let site = try home.project(["index.html": "One"])
            let release = try #require(try await home.deploy(site.path, to: "tides")["release"]?.text)
            #expect(try await home.failure(70, "logs", "--project", "tides")["message"]?.text?.contains("`\(release)` is files") == true)
            #expect(try await home.failureCode(2, "logs", "--project", "tides", "--release", "nope") == "release.unknown")
            #expect(try await home.failureCode(70, "logs", "--project", "tides", "--env", "staging") == "logs.no-release")
        }
    }
}
