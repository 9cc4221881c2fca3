import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import GRDB
import Glibc
import Testing

@testable import ForgeReleases

@Suite struct VariableStoreTests {
    @Test func aPlaceHasItsOwnVariablesAndPreviewsShareTheirs() async throws {
        try await Shelf.run { shelf in
            let store = try await shelf.open()
            try await store.set(["API": "prod", "KEY": "k\n'1'"], at: shelf.production)
            try await store.set(["API": "stage"], at: shelf.staging)
            try await store.set(["API": "pr"], at: shelf.previews)
            try await store.set(["API": "prod 2"], at: shelf.production)
            #expect(try await store.variables(of: shelf.production) == ["API": "prod 2", "KEY": "k\n'1'"])
            for number in [1, 2] {
                let preview = try ReleasePlace(project: shelf.project, environment: .preview, preview: number)
                #expect(try await store.variables(of: preview) == ["API": "pr"])
            }
            let other = VariablePlace(project: try ProjectSlug(parsing: "other"), environment: .production)
            #expect(try await store.variables(of: other) == [:])
            #expect(try await store.value(of: "API", at: shelf.staging) == "stage")
            #expect(try await store.value(of: "KEY", at: shelf.staging) == nil)
            #expect(try await store.list(shelf.production).map(\.name) == ["API", "KEY"])
        }
    }

    @Test func allOfWhatIsSetOrUnsetAtOnceTakesEffectOrNothingDoes() async throws {
        try await Shelf.run { shelf in
            let store = try await shelf.open()
            try await store.set(["A": "1", "B": "2"], at: shelf.staging)
            let bad = await #expect(throws: ForgeError.self) {
                try await store.set(["A": "new", "PORT": "80", "1X": "", "N": "a\0b"], at: shelf.staging)
            }
            #expect(bad?.code == "variables.invalid")
            #expect(bad?.exitCode == 10)
            #expect(bad?.others.count == 2)
            let unknown = await #expect(throws: ForgeError.self) { try await store.unset(["A", "C", "D"], at: shelf.staging) }
            #expect(unknown?.message == "`C`, `D` are not set in staging of `tides`")
            #expect(try await store.variables(of: shelf.staging) == ["A": "1", "B": "2"])
            try await store.unset(["A"], at: shelf.staging)
            #expect(try await store.variables(of: shelf.staging) == ["B": "2"])
            let many = Dictionary(uniqueKeysWithValues: (0...1000).map { ("V\($0)", "") })
            #expect(await #expect(throws: ForgeError.self) { try await store.set(many, at: shelf.staging) }?.code == "variables.too-many")
            #expect(try await store.list(shelf.staging).map(\.name) == ["B"])
        }
    }

    @Test func everyReadAndWriteLeavesARowWithoutTheValue() async throws {
        try await Shelf.run { shelf in
            let store = try await shelf.open()
            try await store.set(["A": "s3cret", "B": "s3cret"], at: shelf.staging)
            _ = try await store.variables(of: shelf.staging)
            _ = try await store.value(of: "A", at: shelf.staging)
            _ = try await store.list(shelf.staging)
            try await store.unset(["B"], at: shelf.staging)
            let rows = try await store.accesses(of: shelf.project)
            #expect(rows.map { "\($0.kind) \($0.name)" } == ["write A", "write B", "read A", "read B", "read A", "remove B"])
            #expect(rows.allSatisfy { $0.place == shelf.staging && $0.user == Int64(getuid()) && $0.at == 1_800_000_000_000 })
            for name in try Files.list(shelf.folder.path) where !Files.isDirectory("\(shelf.folder.path)/\(name)") {
                let bytes = try #require(try Files.read("\(shelf.folder.path)/\(name)"))
                #expect(Data(bytes).range(of: Data("s3cret".utf8)) == nil)
            }
        }
    }

    @Test func theKeyIsItsOwnersAndLiesElsewhere() async throws {
        try await Shelf.run { shelf in
            _ = try await shelf.open()
            var status = stat()
            #expect(stat(shelf.key, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func whatWasTamperedWithIsRefusedByteForByte() async throws {
        try await Shelf.run { shelf in
            let store = try await shelf.open()
            try await store.set(["A": "one", "B": "two"], at: shelf.staging)
            let database = try DatabaseQueue(path: shelf.log)
            let sealed = try #require(
                try await database.read { try String.fetchOne($0, sql: "SELECT sealed FROM variable WHERE name = 'A'") })
            for index in sealed.utf8.indices {
                var bytes = Array(sealed.utf8)
                let position = sealed.utf8.distance(from: sealed.utf8.startIndex, to: index)
                bytes[position] = bytes[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                try await database.write { [bytes] in
                    try $0.execute(
                        sql: "UPDATE variable SET sealed = ? WHERE name = 'A'", arguments: [String(decoding: bytes, as: UTF8.self)])
                }
                let error = await #expect(throws: ForgeError.self) { try await store.value(of: "A", at: shelf.staging) }
                #expect(error?.code == "variables.damaged")
            }
            try await database.write { try $0.execute(sql: "UPDATE variable SET sealed = ? WHERE name = 'A'", arguments: [sealed]) }
            #expect(try await store.value(of: "A", at: shelf.staging) == "one")
        }
    }

    @Test(arguments: [
        "UPDATE variable SET sealed = (SELECT sealed FROM variable WHERE name = 'B') WHERE name = 'A'",
        "UPDATE variable SET name = 'C' WHERE name = 'A'", "UPDATE variable SET environment = 'production' WHERE name = 'A'",
        "UPDATE variable SET project = 'other' WHERE name = 'A'", "UPDATE variable SET version = version + 1 WHERE name = 'A'",
    ])
    func aRowThatWasMovedDoesNotOpen(change: String) async throws {
        try await Shelf.run { shelf in
            let store = try await shelf.open()
            try await store.set(["A": "one", "B": "two"], at: shelf.staging)
            try await DatabaseQueue(path: shelf.log).write { try $0.execute(sql: change) }
            var codes: [String] = []
            for project in [shelf.project, try ProjectSlug(parsing: "other")] {
                for environment in [DeployEnvironment.staging, .production] {
                    do { _ = try await store.variables(of: VariablePlace(project: project, environment: environment)) } catch let error
                        as ForgeError
                    {
                        codes.append(error.code)
                    }
                }
            }
            #expect(codes == ["variables.damaged"])
        }
    }

    @Test func anotherKeyOpensNothing() async throws {
        try await Shelf.run { shelf in
            try await shelf.open().set(["A": "one"], at: shelf.staging)
            try Files.removeTree(shelf.key)
            let store = try await shelf.open()
            let error = await #expect(throws: ForgeError.self) { try await store.variables(of: shelf.staging) }
            #expect(error?.code == "variables.damaged")
            #expect(error?.hint == "set it again: forge env set A=… --project tides --env staging")
        }
    }

    private struct Shelf: Sendable {
        let folder: TemporaryDirectory
        let project: ProjectSlug
        var log: String { folder.path + "/releases.sqlite" }
        var key: String { folder.path + "/keys/variables.key" }
        var production: VariablePlace { VariablePlace(project: project, environment: .production) }
        var staging: VariablePlace { VariablePlace(project: project, environment: .staging) }
        var previews: VariablePlace { VariablePlace(project: project, environment: .preview) }

        func open() async throws -> VariableStore { try await VariableStore.open(log, key: key) { 1_800_000_000_000 } }

        static func run(_ body: (Shelf) async throws -> Void) async throws {
            let folder = try TemporaryDirectory(in: NSTemporaryDirectory() + "forge-releases-tests", prefix: "variables")
            defer { try? folder.remove() }
            try await body(Shelf(folder: folder, project: ProjectSlug(parsing: "tides")))
        }
    }
}
