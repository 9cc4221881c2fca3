import ForgeTestSupport
import Foundation
import Testing

/// Numbers that the seed decides.
struct SeededChoices: RandomNumberGenerator {
    private var state: UInt64

    init(_ name: String) { state = name.utf8.reduce(Campaign.seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 } }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A store in a test's home, and `forge-store-exerciser` to work on it.
struct StoreScene: Sendable {
    let home: ForgeHome
    /// The store's folder.
    let path: String

    init(in home: ForgeHome, named name: String = "scene") {
        self.home = home
        path = "\(home.folder)/\(name)"
    }

    func start(_ words: String..., environment: [String: String] = [:]) throws -> Child { try start(words, environment: environment) }

    func start(_ words: [String], environment: [String: String] = [:]) throws -> Child {
        try home.start(program: BuildProducts.executable("forge-store-exerciser"), [path] + words, environment: environment)
    }

    /// Runs to an end that must be a good one; gives the lines it said.
    @discardableResult
    func lines(_ words: String...) async throws -> [String] { try await lines(words) }

    func lines(_ words: [String]) async throws -> [String] {
        let run = try await start(words).finish()
        guard run.exitCode == 0 else { throw TestSupportError("`\(words.prefix(4))` ended with \(run.exitCode): \(run.error)") }
        return run.output.lines
    }

    /// What is wrong with the store once it was opened again: files whose bytes do not have the digest of their name, things of `names` that
    /// cannot be read, files in `tmp/`. Empty: all is well.
    func faults(_ names: [String] = []) async throws -> [String] {
        var lines = try await lines(["verify"] + names)
        let opened = try #require(Double(lines.removeFirst().dropFirst("opened-ms ".count)))
        // A bound of the campaign: where it runs, little else does.
        if Campaign.isOn && opened > 2000 { lines.append("opening took \(opened) ms") }
        return lines
    }

    /// Files in `tmp/` now, before anybody sweeps.
    func leftovers() -> [String] { Folder.names("\(path)/tmp") }

    func copy(to other: StoreScene) async throws {
        try? FileManager.default.removeItem(atPath: other.path)
        try expectSuccess(await home.tool("/bin/cp", "-a", path, other.path))
    }

    /// Names of all blobs as `read` takes them.
    func blobs() -> [String] {
        Folder.names("\(path)/blobs").flatMap { shard in
            Folder.names("\(path)/blobs/\(shard)").filter { !$0.hasSuffix(".x") }.map { name in
                let size = (try? FileManager.default.attributesOfItem(atPath: "\(path)/blobs/\(shard)/\(name)"))?[.size] as? Int ?? -1
                return "blob:\(name)/\(size)"
            }
        }
    }

    /// Where a blob lies.
    func file(of blob: String) -> String {
        let hex = blob.dropFirst("blob:".count).prefix(64)
        return "\(path)/blobs/\(hex.prefix(2))/\(hex)"
    }
}

func expectSuccess(_ run: ForgeRun) throws {
    guard run.exitCode == 0 else { throw TestSupportError("ended with \(run.exitCode): \(run.error)") }
}

extension String {
    /// Whole lines: what was being written when its writer was killed does not count.
    var lines: [String] { split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) }
}
