import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

/// A folder of a test's own, in which the real git works, gone with the value.
struct Workshop: ~Copyable {
    let root: String

    init() throws {
        let root = "\(try #require(try Files.resolved(NSTemporaryDirectory())))/forge-git-test-\(UUID().uuidString)"
        try Files.makeDirectory(root)
        self.root = root
    }

    /// A repository in `name` with the given files in one commit.
    static func repository(_ files: [String: String]) async throws -> Workshop {
        let workshop = try Workshop()
        try workshop.write(files, in: "repository")
        try await workshop.git("init", "--quiet", "--initial-branch=main", ".")
        try await workshop.commit()
        return workshop
    }

    var repository: String { root + "/repository" }

    func write(_ files: [String: String], in folder: String) throws {
        for (name, text) in files {
            let path = "\(root)/\(folder)/\(name)"
            try Files.makeDirectory(Files.parent(of: path))
            try Files.writeAtomically(Array(text.utf8), to: path)
        }
    }

    /// Commits everything, ignored files excepted, and returns the commit's id.
    @discardableResult
    func commit(_ message: String = "change") async throws -> String {
        try await git("add", "--all")
        try await git("commit", "--quiet", "--allow-empty", "--message", message)
        return try await git("rev-parse", "HEAD")
    }

    @discardableResult
    func git(_ arguments: String..., in folder: String? = nil) async throws -> String {
        try await run("/usr/bin/git", arguments, in: folder ?? repository)
    }

    @discardableResult
    func shell(_ lines: String, in folder: String? = nil) async throws -> String {
        try await run("/bin/sh", ["-euc", lines], in: folder ?? repository)
    }

    private func run(_ path: String, _ arguments: [String], in folder: String) async throws -> String {
        try Files.makeDirectory(folder)
        let environment = [
            "PATH": "/usr/bin:/bin", "HOME": root, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "c", "GIT_COMMITTER_EMAIL": "c@example.org",
            "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
        ]
        let (status, output, error) = try await ChildProcess.output(
            ChildProcess.Request(path, arguments, environment: environment, workingDirectory: folder))
        try #require(status.isSuccess, "\(arguments): \(String(decoding: error, as: UTF8.self))")
        return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// The Merkle root of a source, in a store of its own.
    func merkleRoot(_ source: any SourceTree) async throws -> Digest {
        try await Store.open(at: "\(root)/store").trees.ingest(source)
    }

    deinit { try? Files.removeTree(root) }
}

extension SourceTree {
    /// The tree as lines: `path: text`, `path*` for a program, `path/` for a folder, `path -> target`.
    func lines(below path: RelativePath = .root) throws -> [String] {
        try entries(of: path).flatMap { entry -> [String] in
            let child = path.appending(component: entry.name)
            switch entry.node {
            case .directory: return ["\(child)/"] + (try lines(below: child))
            case .symlink(let target): return ["\(child) -> \(target)"]
            case .file(let executable, let size):
                let text = String(decoding: try read(child, limit: .max) ?? [], as: UTF8.self)
                #expect(Int64(text.utf8.count) == size || text.contains("\u{FFFD}"))
                return ["\(child)\(executable ? "*" : ""): \(text)"]
            }
        }
    }
}

/// The error a body throws, when it is one of ours.
func forgeError(_ body: () throws -> Void) -> ForgeError? {
    do { try body() } catch { return error as? ForgeError }
    return nil
}
