import Foundation
import Glibc

/// Debian's `docker-registry` at work on loopback, with images of layers that a test makes.
package struct ImageRegistry: Sendable {
    package let port: Int
    private let home: ForgeHome
    private let child: Child
    /// Where it keeps what it was given.
    private let storage: String
    private let log: String

    fileprivate init(home: ForgeHome, child: Child, port: Int, storage: String, log: String) {
        (self.home, self.child, self.port, self.storage, self.log) = (home, child, port, storage, log)
    }

    package var authority: String { "127.0.0.1:\(port)" }

    package struct Pushed: Sendable {
        /// `sha256:…` of what the tag names.
        package let digest: String
        /// The OCI layout that was pushed.
        package let layout: String
        package let layers: [String]
    }

    /// Pushes an image of these layers, the lowest first: path → text. A text `-> x` is a link, one that begins with `#!program` a copy of
    /// that program of this machine; a path that ends in a slash is a folder.
    package func push(
        _ name: String, tag: String = "1", layers: [[String: String]], path: String? = nil, options: [String] = [], copying: [String] = []
    ) async throws -> Pushed {
        let work = "\(home.folder)/output/image-\(UUID().uuidString)"
        var folders: [String] = []
        for (index, layer) in layers.enumerated() {
            folders.append("\(work)/layer-\(index)")
            for (file, text) in layer { try Self.write(text, to: "\(folders[index])/\(file)") }
        }
        let environment = path.map { ["--env", "PATH=\($0)"] } ?? []
        let script = "\(BuildProducts.checkout)fixtures/images/layout.py"
        let made = try await home.start(
            program: "/usr/bin/python3", [script, "\(work)/layout"] + environment + options + folders
        ).finish()
        guard made.exitCode == 0 else { throw TestSupportError("layout.py: \(made.error)") }
        let copied = try await home.start(
            program: "/usr/bin/skopeo",
            ["copy", "-q", "--all", "--dest-tls-verify=false", "--digestfile", "\(work)/digest"] + copying + [
                "oci:\(work)/layout", "docker://\(authority)/\(name):\(tag)",
            ]
        ).finish()
        guard copied.exitCode == 0 else { throw TestSupportError("skopeo: \(copied.error)") }
        let digest = try String(contentsOfFile: "\(work)/digest", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        return Pushed(digest: digest, layout: "\(work)/layout", layers: folders)
    }

    private static func write(_ text: String, to path: String) throws {
        if path.hasSuffix("/") { return try Folder.make(path) }
        try Folder.make((path as NSString).deletingLastPathComponent)
        if text.hasPrefix("-> ") {
            guard symlink(String(text.dropFirst(3)), path) == 0 else { throw TestSupportError("no link `\(path)`") }
        } else if text.hasPrefix("#!program ") {
            try FileManager.default.copyItem(atPath: String(text.dropFirst("#!program ".count)), toPath: path)
        } else {
            try Data(text.utf8).write(to: URL(filePath: path))
        }
    }

    /// A root file system in which steps can run: busybox under its usual names.
    package static let busybox: [String: String] = {
        let names = [
            "sh", "cat", "ls", "mkdir", "find", "sort", "id", "head", "env", "cp", "httpd", "sleep", "sha256sum", "test", "echo",
            "readlink",
        ]
        return Dictionary(uniqueKeysWithValues: names.map { ("bin/\($0)", "-> busybox") })
            .merging(["bin/busybox": "#!program /bin/busybox", "etc/os-release": "ID=tiny\nVERSION_ID=1\n"]) { $1 }
    }()

    /// The file in which the registry has a blob.
    package func blob(_ digest: String) -> String {
        let hex = digest.dropFirst("sha256:".count)
        return "\(storage)/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data"
    }

    /// `GET /v2/…` of everybody but skopeo.
    package func requests() -> [String] {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { $0.contains("\"forge\"") }
    }

    /// From here on nobody listens at the port.
    package func stop() async throws {
        child.signal(SIGKILL)
        _ = try await child.finish(within: 10)
    }
}

extension ForgeHome {
    /// Starts the registry; it ends with this home at the latest.
    package func imageRegistry() async throws -> ImageRegistry {
        let port = try Loopback.freePort()
        // Relative to the home's folder: a process that names the folder would count as left behind by Forge.
        let name = "output/registry-\(UUID().uuidString)"
        try Folder.make("\(folder)/\(name)")
        try """
        version: 0.1
        log: {level: error}
        storage: {filesystem: {rootdirectory: \(name)/storage}}
        http: {addr: "127.0.0.1:\(port)"}
        """.write(toFile: "\(folder)/\(name)/config.yml", atomically: true, encoding: .utf8)
        let log = "\(folder)/\(name)/log"
        let child = try start(program: "/bin/sh", ["-c", "exec docker-registry serve \(name)/config.yml >\(name)/log 2>&1"])
        _ = try await eventually("the image registry to listen", else: { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }) {
            Loopback.answers(port) ? true : nil
        }
        return ImageRegistry(home: self, child: child, port: port, storage: "\(folder)/\(name)/storage", log: log)
    }
}
