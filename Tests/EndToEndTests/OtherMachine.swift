import ForgeTestSupport
import Foundation
import Testing

extension ForgeHome {
    /// The actions of a build on a machine called `name`: with nothing stored, another release in `/etc/os-release` and other packages.
    func keys(
        on name: String, _ release: String, of source: String, _ options: String..., with environment: [String: String] = [:]
    ) async throws -> [String] {
        let stand = "\(folder)/\(name)"
        try Folder.make(stand)
        try release.write(toFile: "\(stand)/release", atomically: true, encoding: .utf8)
        let places = ["/etc/os-release", "/var/lib/dpkg/status"].map { "mount --bind \(stand)/release \($0) && " }
        let line = "mount --make-rprivate / && " + places.joined() + "exec \"$@\""
        let run = try await start(
            program: "/usr/bin/unshare",
            ["-m", "/bin/sh", "-ec", line, "sh", BuildProducts.executable("forge"), "build", source, "--json", "--explain"] + options,
            environment: environment.merging(["FORGE_HOME": "\(stand)/home"]) { $1 }
        ).finish()
        #expect(run.exitCode == 0, "\(run.error)")
        return try run.json()["steps"]?.elements.compactMap { $0["explanation"]?["action"]?.text } ?? []
    }
}
