import ForgeModel
import ForgeREAPI
import ForgeStore
import Foundation
import SwiftProtobuf
import Testing

struct ActionCacheTests {
    private static func action(_ command: String, environment: [String: String] = [:]) throws -> Action {
        Action(
            command: ["/bin/sh", "-c", command], environment: environment, workingDirectory: try RelativePath(parsing: "app"),
            inputRoot: Digest(of: "input"), outputPaths: try paths("out", "dist"), platform: ["network": "none", "arch": "amd64"])
    }

    @Test func anActionIsEncodedCanonically() throws {
        let encoded = try ActionCodec.encode(Self.action("make", environment: ["PATH": "/bin", "CI": "1", "é": "2"]))
        let command = try Build_Bazel_Remote_Execution_V2_Command(serializedBytes: encoded.command)
        let action = try Build_Bazel_Remote_Execution_V2_Action(serializedBytes: encoded.action)
        #expect(command.arguments == ["/bin/sh", "-c", "make"])
        #expect(command.environmentVariables.map { "\($0.name)=\($0.value)" } == ["CI=1", "PATH=/bin", "é=2"])
        #expect(command.outputPaths == ["dist", "out"])
        #expect(command.workingDirectory == "app")
        #expect(action.commandDigest.hash == Digest(of: encoded.command).hex)
        #expect(action.inputRootDigest.hash == Digest(of: "input").hex)
        #expect(action.platform.properties.map { "\($0.name)=\($0.value)" } == ["arch=amd64", "network=none"])
        #expect(String(decoding: action.salt, as: UTF8.self) == "forge.\(Action.keyVersion)")
        #expect(encoded.digest == Digest(of: encoded.action))
        #expect(try ActionCodec.encode(Self.action("make", environment: ["é": "2", "CI": "1", "PATH": "/bin"])).digest == encoded.digest)
        #expect(try ActionCodec.encode(Self.action("make all")).digest != encoded.digest)
    }

    @Test func aRecordedResultIsFoundByAnotherOpeningOfTheStore() async throws {
        let workshop = try Workshop()
        let action = try Self.action("make")
        let key = try ActionCodec.encode(action).digest
        let result = ActionResult(outputs: Digest(of: "o"), log: Digest(of: "l"), durationMs: 12, undeclaredWrites: ["x"])
        let cache = try await workshop.store().actions
        #expect(try await cache.result(for: key) == nil)
        try await cache.record(result, for: key, execution: Execution(scope: "p", step: "build", action: action))
        let other = try await workshop.store().actions
        #expect(try await other.result(for: key) == result)
        #expect(try await other.lastExecution(scope: "p", step: "build")?.action == action)
        #expect(try await other.lastExecution(scope: "q", step: "build") == nil)
        #expect(try await other.lastExecution(scope: "p", step: "test") == nil)
    }

    @Test func whatAnUntrustedSourceMadeIsReadByItsOwnScopeAlone() async throws {
        let workshop = try Workshop()
        let cache = try await workshop.store().actions
        let action = try Self.action("make")
        let key = try ActionCodec.encode(action).digest
        let mine = ActionResult(outputs: Digest(of: "mine"), log: Digest(of: "l"), durationMs: 1, undeclaredWrites: [])
        let trusted = ActionResult(outputs: Digest(of: "trusted"), log: Digest(of: "l"), durationMs: 1, undeclaredWrites: [])
        let execution = Execution(scope: "p", step: "build", action: action)
        try await cache.record(mine, for: key, execution: execution, trust: .untrusted(scope: "pr-1"))
        #expect(try await cache.result(for: key) == nil)
        #expect(try await cache.result(for: key, trust: .untrusted(scope: "pr-2")) == nil)
        #expect(try await cache.result(for: key, trust: .untrusted(scope: "pr-1")) == mine)
        #expect(try await cache.lastExecution(scope: "p", step: "build") == nil)
        try await cache.record(trusted, for: key, execution: execution)
        #expect(try await cache.result(for: key) == trusted)
        #expect(try await cache.result(for: key, trust: .untrusted(scope: "pr-2")) == trusted, "the trusted scope is read through")
    }

    @Test func aHitIsRememberedAsTheStepsLastAction() async throws {
        let workshop = try Workshop()
        let cache = try await workshop.store().actions
        for command in ["one", "two"] {
            try await cache.remember(Execution(scope: "p", step: "build", action: Self.action(command)))
        }
        #expect(try await cache.lastExecution(scope: "p", step: "build")?.action == Self.action("two"))
    }

    @Test func aDamagedIndexIsNamed() async throws {
        let workshop = try Workshop()
        _ = try await workshop.store()
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: workshop.storePath + "/index.sqlite" + suffix) }
        try Data("this is no database at all, whatever its name says".utf8).write(to: URL(filePath: workshop.storePath + "/index.sqlite"))
        let error = await forgeError { _ = try await workshop.store() }
        #expect(error?.code == "store.index-failed")
        #expect(error?.exitCode == 60)
    }
}
