import ForgeModel
import Testing

@testable import ForgeApps

/// What the supervisor decides by itself.
@Suite struct AppPolicyTests {
    @Test func theThirdCrashInFiveMinutesIsTheLast() {
        var policy = CrashPolicy()
        let start = ContinuousClock.now
        #expect(policy.noteCrash(at: start) == .restart(after: .milliseconds(500)))
        #expect(policy.noteCrash(at: start + .seconds(100)) == .restart(after: .seconds(1)))
        #expect(policy.noteCrash(at: start + .seconds(299)) == .giveUp)
    }

    @Test func crashesThatAreLongPastCountNoMore() {
        var policy = CrashPolicy()
        let start = ContinuousClock.now
        #expect(policy.noteCrash(at: start) == .restart(after: .milliseconds(500)))
        #expect(policy.noteCrash(at: start + .seconds(200)) == .restart(after: .seconds(1)))
        #expect(policy.noteCrash(at: start + .seconds(301)) == .restart(after: .seconds(1)))
        #expect(policy.noteCrash(at: start + .seconds(302)) == .giveUp)
    }

    private func app(_ environment: [String: String], commit: String? = "abc") -> AppSpecification {
        let digest = Digest(of: "x")
        return AppSpecification(
            release: "r1", project: "tides", environment: .staging, preview: nil, host: "tides-staging.localhost", commit: commit,
            artifact: digest, root: digest, launch: Launch(command: ["run"], port: 3000, healthPath: "/", environment: environment),
            variables: nil, variablesTag: "")
    }

    @Test func aServerGetsItsProjectsVariablesThenItsOwnersThenThePlatforms() {
        let app = app(["MODE": "plain", "API": "$CROWDFORGE_PROJECT_URL/api", "TWO": "$SECRET and $$5 and $UNKNOWN", "PORT": "1"])
        let owners = ["SECRET": "s", "MODE": "owned", "CROWDFORGE_ENV": "production"]
        #expect(
            AppEnvironment(app, owners: owners, gatewayPort: 8080).variables == [
                "MODE": "owned", "API": "http://tides-staging.localhost:8080/api", "TWO": "s and $5 and $UNKNOWN", "SECRET": "s",
                "PORT": "3000", "CROWDFORGE_PROJECT_ID": "tides", "CROWDFORGE_ENV": "staging",
                "CROWDFORGE_PROJECT_URL": "http://tides-staging.localhost:8080", "CROWDFORGE_COMMIT_SHA": "abc",
            ])
    }

    @Test func aCommitThatIsNotKnownIsNoVariable() {
        let variables = AppEnvironment(app(["SHA": "[$CROWDFORGE_COMMIT_SHA]"], commit: nil), owners: [:], gatewayPort: 80).variables
        #expect(variables["CROWDFORGE_COMMIT_SHA"] == nil)
        #expect(variables["SHA"] == "[]")
        #expect(variables["CROWDFORGE_PROJECT_URL"] == "http://tides-staging.localhost")
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", 200), ("HTTP/1.0 503 \n", 503), ("HTTP/1.1 204\r\n", 204), ("HTTP/1.1 20", nil), ("HTTP/2 200 OK\r\n", nil),
        ("SSH-2.0-OpenSSH\r\n", nil), ("HTTP/1.1 999 x\r\n", nil), ("HTTP/1.1 abc x\r\n", nil), ("\r\n", nil),
    ])
    func theStatusOfAnAnswerIsReadFromItsFirstLineOnly(_ head: String, _ status: Int?) {
        #expect(HealthCheck.statusCode(in: Array(head.utf8)) == status)
    }

    @Test func aKeptServerAnswersForAReleaseWithTheSameArtifactVariablesAndPlace() {
        let app = app([:])
        #expect(app.isInterchangeable(with: app))
        #expect(!app.isInterchangeable(with: self.app(["A": "1"])))
        #expect(!app.isInterchangeable(with: self.app([:], commit: "def")))
    }
}
