import Foundation

/// The Python package index that this machine's pip is configured to use.
package enum PythonIndex {
    /// This machine's own configuration of pip, uv and certificates, to be handed on to Forge as its operator's. What it names is
    /// allowed as an operator would allow it: the index of a machine may well be a mirror at a private address.
    package static func environment(for home: ForgeHome) async throws -> [String: String] {
        let everything = ProcessInfo.processInfo.environment
        var passed = everything.filter { name, _ in
            ["PIP_", "UV_"].contains { name.hasPrefix($0) } || ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"].contains(name)
        }
        // Programs under test have a home of their own.
        let own = ["\(everything["HOME"] ?? "")/.config/pip/pip.conf", "\(everything["HOME"] ?? "")/.pip/pip.conf"]
        if passed["PIP_CONFIG_FILE"] == nil, let file = own.first(where: FileManager.default.fileExists(atPath:)) {
            passed["PIP_CONFIG_FILE"] = file
        }
        let asked = try await home.tool("/usr/bin/python3", "-c", question, environment: passed)
        guard asked.exitCode == 0 else { throw TestSupportError("pip does not tell its index: \(asked.error)") }
        passed["FORGE_EGRESS_ALLOW"] = asked.output.split(separator: "\n").joined(separator: ",")
        return passed
    }

    /// Where it is, for managers that do not ask pip.
    package static func address(for home: ForgeHome) async throws -> String {
        let line = "from pip._internal.commands import create_command; print(create_command('install').parse_args([])[0].index_url)"
        let asked = try await home.tool("/usr/bin/python3", "-c", line, environment: try await environment(for: home))
        guard asked.exitCode == 0 else { throw TestSupportError("pip does not tell its index: \(asked.error)") }
        return asked.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The origins of all indexes, and of the place where the public one keeps its files.
    private static let question = """
        from urllib.parse import urlsplit
        from pip._internal.commands import create_command
        from pip._internal.models.index import PyPI
        options, _ = create_command("install").parse_args([])
        for url in [options.index_url, *options.extra_index_urls]:
            parts = urlsplit(url)
            print(f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else ""))
        if options.index_url == PyPI.simple_url:
            print("https://" + PyPI.file_storage_domain)
        """
}
