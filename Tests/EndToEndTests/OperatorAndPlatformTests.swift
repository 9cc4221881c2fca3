import ForgeTestSupport
import Foundation
import Testing

/// What is not the project's to say: the platform's variables and the operator's limits.
@Suite struct OperatorAndPlatformTests {
    private let command = "mkdir site && printf '%s|%s|%s|%s' \"$API\" \"$PLACE\" \"$PRICE\" \"$SHA\" > site/index.html"
    private let variables = """
        [env]
        API = "${CROWDFORGE_PROJECT_URL}/api"
        PLACE = "$CROWDFORGE_PROJECT_ID-$CROWDFORGE_ENV"
        PRICE = "$$5"
        SHA = "$CROWDFORGE_COMMIT_SHA"

        """

    @Test func aDeployFillsInThePlatformsVariables() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: command, output: "site", more: variables)
            let output = home.path + "/out"
            let run = try await home.run("deploy", project.path, "--project", "tides", "--env", "staging", "--out", output)
            #expect(run.exitCode == 0)
            let page = try String(contentsOfFile: output + "/index.html", encoding: .utf8)
            #expect(page == "http://tides-staging.localhost:8080/api|tides-staging|$5|")
        }
    }

    @Test func aBuildLeavesWhatItCannotKnowEmptyAndSaysWhich() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: command, output: "site", more: variables)
            let output = home.path + "/out"
            let report = try await home.run("build", project.path, "--out", output, "--json").json()
            #expect(try String(contentsOfFile: output + "/index.html", encoding: .utf8) == "/api|-|$5|")
            let hint = "is not known in this build and was left empty (it is filled in by `forge deploy --project NAME`)"
            #expect(
                report["warnings"] == [
                    .string("`$CROWDFORGE_COMMIT_SHA` \(hint)"), .string("`$CROWDFORGE_ENV` \(hint)"),
                    .string("`$CROWDFORGE_PROJECT_ID` \(hint)"), .string("`$CROWDFORGE_PROJECT_URL` \(hint)"),
                ])
        }
    }

    @Test func aMistakeInTheOperatorsLimitsIsShownWithItsPlace() async throws {
        try await withForgeHome { home in
            let file = home.path + "/config.toml"
            try "[limits]\ndisk = \"lots\"\ncpus = 0\nmemroy = \"1GB\"\n".write(toFile: file, atomically: true, encoding: .utf8)
            let run = try await home.run("plan", ForgeHome.fixture("static-site"))
            #expect(run.exitCode == 10)
            #expect(
                run.error
                    == """
                    error: `disk` cannot be `lots`
                      --> \(file):2:8
                    hint: write a number and a unit: `disk = "2GB"`

                    error: `cpus` must be a number of cores, at least 0.1
                      --> \(file):3:8
                    hint: write `cpus = 2`

                    error: unknown key `memroy` in `[limits]`
                      --> \(file):4:1
                    hint: did you mean `memory`?

                    """)
        }
    }
}
