import ForgeTestSupport
import Foundation
import Testing

/// Sites with redirects and headers, built, deployed, and asked with curl.
@Suite struct SiteRulesTests {
    @Test func whatABuildWritesToRedirectsAndHeadersIsAnsweredByTheGatewayAndNotServedAsFiles() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.project([
                "crowdforge.toml": """
                [build]
                command = "sh make.sh"
                output = "dist"
                [[site.redirect]]
                from = "/first"
                to = "/own"
                status = 307
                """,
                "make.sh": """
                mkdir -p dist
                echo home > dist/index.html
                echo app > dist/app.html
                printf '/first /late\\n/old/* /new/:splat 308\\n/app/* /app.html 200\\n/x /y 200 Country=de\\n' > dist/_redirects
                printf '/*\\n  X-Boat: keel\\n' > dist/_headers

                """,
            ])
            let build = try await home.run("build", project.path, "--out", "\(home.folder)/out", "--progress", "plain")
            #expect(build.exitCode == 0)
            #expect((build.error + build.output).contains("dist/_redirects:4"))
            #expect(try Folder.texts("\(home.folder)/out") == ["index.html": "home\n", "app.html": "app\n"])
            try await home.deploy(project.path, to: "moved")
            #expect(try await gateway.fetch("moved.localhost") == "200 home\n")
            #expect(try await gateway.fetch("moved.localhost", "/app/7") == "200 app\n")
            #expect(try await gateway.fetch("moved.localhost", "/_redirects").hasPrefix("404"))
            for (path, expected) in [("/first", "307 /own keel"), ("/old/a/b?c=1", "308 /new/a/b?c=1 keel"), ("/", "200 - keel")] {
                #expect(try await Self.head(home, "moved.localhost", path, port: gateway.port) == expected)
            }
            try await home.deploy(try home.project(["index.html": "plain\n"]).path, to: "plain")
            #expect(try await Self.head(home, "plain.localhost", "/old/a", port: gateway.port) == "404 - -")
        }
    }

    @Test func aRollbackBringsTheOldRulesBackAndAPreviewHasItsOwn() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.project(["index.html": "page\n"])
            func deploy(_ boat: String, _ arguments: String...) async throws {
                try project.write([
                    "crowdforge.toml": """
                    [[site.redirect]]
                    from = "/boat"
                    to = "/\(boat)"
                    status = 302
                    missing = [{ cookie = "stay" }]
                    [[site.header]]
                    for = "/*"
                    values = { X-Boat = "\(boat)" }

                    """
                ])
                let run = try await home.run(["deploy", project.path, "--project", "boats", "--progress", "plain"] + arguments)
                #expect(run.exitCode == 0, "\(run.error)")
            }
            func answers(_ host: String, _ cookie: String = "go=1") async throws -> String {
                try await Self.head(home, host, "/boat", port: gateway.port, "Cookie: \(cookie)")
            }
            try await deploy("sloop")
            try await deploy("ketch", "--env", "preview", "--pr", "7")
            #expect(try await answers("boats.localhost") == "302 /sloop sloop")
            #expect(try await answers("boats.localhost", "stay=1") == "404 - sloop")
            #expect(try await answers("boats-pr-7.localhost") == "302 /ketch ketch")
            try await deploy("yawl")
            #expect(try await answers("boats.localhost") == "302 /yawl yawl")
            #expect(try await home.run("rollback", "--project", "boats").exitCode == 0)
            #expect(try await answers("boats.localhost") == "302 /sloop sloop")
            #expect(try await answers("boats-pr-7.localhost") == "302 /ketch ketch")
        }
    }

    /// Status, `Location` and `X-Boat` as curl reads them.
    private static func head(_ home: ForgeHome, _ host: String, _ path: String, port: Int, _ field: String = "X: y") async throws -> String
    {
        let lines = try await home.curl("-I", "-H", field, "http://\(host):\(port)\(path)").split(whereSeparator: \.isNewline).map(
            String.init)
        let fields = ["location: ", "x-boat: "].map { name in
            lines.first { $0.lowercased().hasPrefix(name) }.map { String($0.dropFirst(name.count)) } ?? "-"
        }
        return ([String(lines.first?.prefix(3) ?? "")] + fields).joined(separator: " ")
    }
}
