import Foundation
import Glibc

/// A folder with files, and git to work on it.
package struct TemporaryProject: Sendable {
    package let path: String

    package init(at path: String, files: [String: String]) throws {
        self.path = path
        try Folder.make(path)
        try write(files)
    }

    package func write(_ files: [String: String]) throws {
        for (name, text) in files {
            let file = "\(path)/\(name)"
            try Folder.make((file as NSString).deletingLastPathComponent)
            try Data(text.utf8).write(to: URL(filePath: file))
        }
    }

    /// Adds a copy of everything in `folder`.
    package func copy(from folder: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(path)/\(name)")
        }
    }

    /// Runs git with a fixed identity and clock and no configuration but the repository's own; gives what it printed.
    @discardableResult
    package func git(_ arguments: String...) async throws -> String {
        try await git(arguments)
    }

    private func git(_ arguments: [String]) async throws -> String {
        let files = "\(path)/../git-\(UUID().uuidString)"
        try Folder.make(files)
        defer { try? FileManager.default.removeItem(atPath: files) }
        let child = try Child(
            "/usr/bin/git", arguments,
            environment: [
                "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
                "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_AUTHOR_DATE": "1700000000 +0000",
                "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_COMMITTER_DATE": "1700000000 +0000",
            ], directory: path, files: files)
        let run = try await child.finish()
        guard run.exitCode == 0 else { throw TestSupportError("`\(child.commandLine)` ended with \(run.exitCode): \(run.error)") }
        return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Makes the folder a repository if it is none, commits everything in it and gives the commit's SHA.
    @discardableResult
    package func commit(_ message: String = "Write it down") async throws -> String {
        if !FileManager.default.fileExists(atPath: "\(path)/.git") { try await git("init", "-q", "-b", "main") }
        try await git("add", "-A")
        try await git("commit", "-q", "-m", message)
        return try await git("rev-parse", "HEAD")
    }
}

/// Folders as tests look at them.
package enum Folder {
    package static func make(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// The folder for temporary files, without symbolic links in its name.
    package static func temporaryRoot() throws -> String {
        URL(filePath: NSTemporaryDirectory()).resolvingSymlinksInPath().path(percentEncoded: false)
            .trimmingCharacters(in: CharacterSet(charactersIn: "/")).withLeadingSlash
    }

    /// The names in a folder, sorted; none when it is not there.
    package static func names(_ path: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    /// Path below `path` → text of every file.
    package static func texts(_ path: String) throws -> [String: String] {
        var texts: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory), !isDirectory.boolValue else {
                continue
            }
            texts[name] = String(decoding: FileManager.default.contents(atPath: "\(path)/\(name)") ?? Data(), as: UTF8.self)
        }
        return texts
    }

    /// Everything `stat` tells about every entry, times and modes included: equal before and after means untouched.
    package static func fingerprint(_ path: String) throws -> [String] {
        try ([""] + FileManager.default.subpathsOfDirectory(atPath: path).sorted()).map { name in
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { throw TestSupportError("`\(path)/\(name)` vanished") }
            return
                "\(name) \(status.st_ino) \(status.st_mode) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
        }
    }
}

extension String {
    fileprivate var withLeadingSlash: String { hasPrefix("/") ? self : "/" + self }
}
