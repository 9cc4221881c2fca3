import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

/// The test below is killed by the one after it: this is the name of the store it works in.
private let victimsStore = ProcessInfo.processInfo.environment["FORGE_TEST_VICTIM_STORE"]

struct CrashTests {
    /// Two files, and a third that never ends: its first reader says so on descriptor 3 and waits for its death.
    private struct EndlessSource: SourceTree {
        func node(at path: RelativePath) -> SourceNode? { path.isRoot ? .directory : .file(executable: false, size: 1) }
        func entries(of path: RelativePath) -> [SourceEntry] {
            path.isRoot ? ["a", "b", "endless"].map { SourceEntry(name: $0, node: .file(executable: false, size: 1)) } : []
        }
        func read(_ path: RelativePath, limit: Int) -> [UInt8]? {
            if path.name == "endless" {
                _ = write(3, "x", 1)
                while true { pause() }
            }
            return Array(path.name.utf8)
        }
    }

    @Test(.enabled(if: victimsStore != nil, "run by `anIngestKilledHalfwayIsSweptAndLosesNothing` only"))
    func victim() async throws {
        let store = try await Store.open(at: try #require(victimsStore))
        _ = try await store.trees.ingest(EndlessSource())
    }

    @Test(.enabled(if: victimsStore == nil, "this process is the one to be killed"))
    func anIngestKilledHalfwayIsSweptAndLosesNothing() async throws {
        let workshop = try Workshop()
        let kept = try await workshop.store().trees.ingest(MemorySource(["kept": .file("kept")]))
        let (child, readEnd) = try Self.startVictim(in: workshop.root, store: workshop.storePath)
        let word = try await BlockingPool.run { try readEnd.readAll(limit: 1) }
        let log = String(decoding: try Files.read(workshop.root + "/victim.log") ?? [], as: UTF8.self)
        try #require(word == Array("x".utf8), "the victim did not get as far as its third file: \(log)")
        #expect(try await !workshop.find(workshop.storePath + "/tmp").isEmpty)
        child.kill()
        _ = try await child.wait()
        let store = try await workshop.store()
        #expect(try await workshop.find(workshop.storePath + "/tmp").isEmpty)
        #expect(try await store.trees.missingBlobs(kept).isEmpty)
        #expect(try await !store.content.contains(Digest(of: "a")))
    }

    /// This test bundle once more, with only `victim` to run; what it writes on descriptor 3 comes out of the pipe.
    private static func startVictim(in folder: String, store: String) throws -> (ChildProcess, Descriptor) {
        let (readEnd, writeEnd) = try Descriptor.pipe()
        let output = try Descriptor.open(folder + "/victim.log", O_WRONLY | O_CREAT)
        var environment = ProcessInfo.processInfo.environment
        environment["FORGE_TEST_VICTIM_STORE"] = store
        let executable = try #require(try Files.resolved("/proc/self/exe"))
        // A newer SwiftPM loads the bundle into a helper of its own instead of running it.
        var arguments = ["--testing-library", "swift-testing", "--filter", "CrashTests/victim"]
        if let path = CommandLine.arguments.firstIndex(of: "--test-bundle-path"), path + 1 < CommandLine.arguments.count {
            arguments = CommandLine.arguments[path...(path + 1)] + arguments
        }
        let child = try ChildProcess.spawn(
            ChildProcess.Request(executable, arguments, environment: environment, descriptors: [1: output, 2: output, 3: writeEnd]))
        return (child, readEnd)
    }
}
