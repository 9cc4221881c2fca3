import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Machines have more than one file system below /usr: some /usr/local, virtual ones their kernel's modules.
@Suite struct MountedSystemTests {
    private static let command = "mkdir site; ! test -e /usr/share/misc/told; ! touch /usr/share/misc/new; cat /usr/bin/env > site/env"

    @Test(arguments: ["crun", "runc"]) func whatIsMountedBelowUsrIsNotInASandboxAndKeepsNoneFromStarting(runtime: String) async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: Self.command, output: "site")
            let below = "\(home.folder)/below"
            try Folder.make(below)
            chmod(below, 0o777)
            try Data("from below\n".utf8).write(to: URL(filePath: "\(below)/told"))
            let script = "mount --bind \"$1\" /usr/share/misc; shift; exec \"$@\""
            let run = try await home.tool(
                "/usr/bin/unshare", "-m", "--propagation", "private", "/bin/sh", "-ec", script, "sh", below,
                BuildProducts.executable("forge"), "build", project.path, "--json", "--out", "\(home.folder)/out",
                environment: ["FORGE_OCI_RUNTIME": runtime])
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(
                FileManager.default.contents(atPath: "\(home.folder)/out/env") == FileManager.default.contents(atPath: "/usr/bin/env"))
            #expect(Folder.names(below) == ["told"])
        }
    }
}
