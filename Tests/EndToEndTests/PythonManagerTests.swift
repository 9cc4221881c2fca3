import ForgeTestSupport
import Foundation
import Testing

/// Python's package managers at the version that a project pins, which is none that this machine has: the real ones, from the index that
/// its pip is configured to use, with a real package to install.
@Suite struct PythonManagerTests {
    /// Of a project that pins a manager: its files, and what the manager says of itself.
    struct Pinned: Sendable, CustomTestStringConvertible {
        let manager: String
        let files: [String: String]
        let says: String
        var testDescription: String { manager }
    }

    private static let project = """
        [project]
        name = "site"
        version = "1.0.0"
        requires-python = ">=3.11"
        dependencies = ["iniconfig==2.1.0"]

        """

    static let pinned = [
        Pinned(
            manager: "uv", files: ["pyproject.toml": project + "[tool.uv]\nrequired-version = \"==0.13.5\"\npackage = false\n"],
            says: "uv 0.13.5"),
        // It asks the public index in a language that not every mirror has, unless it is told another.
        Pinned(
            manager: "poetry",
            files: [
                "pyproject.toml": project + """
                    [tool.poetry]
                    requires-poetry = "==2.1.4"
                    package-mode = false
                    [[tool.poetry.source]]
                    name = "index"
                    url = "INDEX"

                    """
            ], says: "Poetry (version 2.1.4)"),
        Pinned(
            manager: "pdm", files: ["pyproject.toml": project + "[tool.pdm]\nrequires-pdm = \"==2.26.6\"\ndistribution = false\n"],
            says: "PDM, version 2.26.6"),
        Pinned(
            manager: "pipenv", files: ["Pipfile": "[packages]\niniconfig = \"==2.1.0\"\n", ".tool-versions": "pipenv 2026.5.2\n"],
            says: "pipenv, version 2026.5.2"),
    ]

    @Test(arguments: pinned) func theOneThatTheProjectPinsInstallsItsPackages(_ pinned: Pinned) async throws {
        try await withForgeHome { home in
            let address = try await PythonIndex.address(for: home)
            let program = "import iniconfig; print(iniconfig.IniConfig.__name__)"
            let command = "mkdir out && { \(pinned.manager) --version && python3 -c '\(program)'; } > out/index.html"
            let project = try home.project(
                pinned.files.mapValues { $0.replacing("INDEX", with: address) }.merging([
                    "crowdforge.toml": "[build]\ncommand = \"\(command)\"\noutput = \"out\"\n"
                ]) { $1 })
            let index = try await PythonIndex.environment(for: home)
            let run = try await home.run(
                "build", project.path, "--out", "\(home.folder)/out", "--progress", "plain",
                environment: index.merging(["FORGE_TOOLCHAIN_SOURCES": "wheel,python,host"]) { $1 }, timeout: 600)
            #expect(run.exitCode == 0, "\(run.error)")
            let page = try Folder.texts("\(home.folder)/out")["index.html"] ?? ""
            #expect(page.hasPrefix(pinned.says) && page.hasSuffix("\nIniConfig\n"), "\(page)")
        }
    }
}
