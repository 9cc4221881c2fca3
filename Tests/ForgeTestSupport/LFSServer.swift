import Foundation

/// The LFS server of `fixtures/lfs` at work on loopback.
package struct LFSServer: Sendable {
    package let port: Int
    private let folder: String
    private let log: String

    /// - Parameters:
    ///   - fault: as `server.py --fault` takes it.
    ///   - login: name and password, with a colon between.
    package static func start(in home: ForgeHome, login: String? = nil, fault: String? = nil) async throws -> LFSServer {
        let folder = "\(home.folder)/lfs-\(UUID().uuidString.prefix(6))"
        try Folder.make(folder)
        let program = "\(BuildProducts.checkout)fixtures/lfs/server.py"
        let options = (login.map { ["--login", $0] } ?? []) + (fault.map { ["--fault", $0] } ?? [])
        let child = try home.start(
            program: "/usr/bin/python3", [program, folder, "--port-file", "\(folder).port", "--log", "\(folder).log"] + options)
        let port = try await eventually("the LFS server to listen", else: { child.error }) {
            FileManager.default.contents(atPath: "\(folder).port").flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        }
        return LFSServer(port: port, folder: folder, log: "\(folder).log")
    }

    /// Keeps an object.
    package func put(_ text: String, named oid: String) throws { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(oid)")) }

    /// Every request so far: `GET /objects/… 200`, and what was sent for it.
    package var requests: [(line: String, bytes: Int)] {
        let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            guard let space = line.lastIndex(of: " "), let bytes = Int(line[line.index(after: space)...]) else { return nil }
            return (String(line[..<space]), bytes)
        }
    }
}
