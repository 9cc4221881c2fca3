internal import ForgeModel
internal import ForgeSources

/// Where Forge keeps what outlives a command.
///
/// `$FORGE_HOME` holds everything when set; otherwise the XDG base directories do.
/// Source: XDG Base Directory Specification 0.8.
package struct ForgeDirectories: Sendable, Hashable {
    /// `config.toml`, the operator's word.
    package let configuration: String
    /// Store, releases and routes: must survive.
    package let data: String
    /// Logs, running sandboxes, the gateway's address: may be lost.
    package let state: String

    /// - Throws: `ForgeError` when neither `FORGE_HOME` nor `HOME` says where.
    package init(environment: [String: String]) throws {
        if let home = environment["FORGE_HOME"], !home.isEmpty {
            guard home.hasPrefix("/") else {
                throw ForgeError(
                    .usage, "usage.home", "`FORGE_HOME` is `\(home)`: expected an absolute path", hint: "export FORGE_HOME=\"$PWD/\(home)\""
                )
            }
            (configuration, data, state) = (home, home, home)
            return
        }
        func base(_ variable: String, _ fallback: String) throws -> String {
            if let path = environment[variable], path.hasPrefix("/") { return path + "/forge" }
            guard let home = environment["HOME"], home.hasPrefix("/") else {
                throw ForgeError(
                    .usage, "usage.home", "neither `HOME` nor `FORGE_HOME` is set", hint: "set `FORGE_HOME` to a folder for Forge's data")
            }
            return "\(home)/\(fallback)/forge"
        }
        configuration = try base("XDG_CONFIG_HOME", ".config")
        data = try base("XDG_DATA_HOME", ".local/share")
        state = try base("XDG_STATE_HOME", ".local/state")
    }

    /// Presets of whoever runs this machine, beside those of the installation.
    package var presets: String { "\(configuration)/presets" }
    package var store: String { "\(data)/store" }
    package var releases: String { "\(data)/releases.sqlite" }
    package var logs: String { "\(state)/logs" }
    /// What was fetched of remote repositories and last seen of each work tree.
    var sources: SourceFolders {
        SourceFolders(
            mirrors: "\(state)/mirrors", fetches: "\(state)/fetches", fetchMemos: "\(state)/fetched", snapshots: "\(state)/snapshots")
    }
    /// What was found in folders of presets before.
    package var descriptors: String { "\(state)/descriptors" }
    /// Plans that were made before.
    package var plans: String { "\(state)/plans" }
    package var sandboxes: String { "\(state)/sandboxes" }
    /// Images on their way into the store.
    package var images: String { "\(state)/images" }
    package var gatewayState: String { "\(state)/gateway.json" }
    /// Log files of running servers.
    package var appLogs: String { "\(state)/apps" }
    /// Seals the variables of projects; apart from the files that hold them.
    package var variablesKey: String { "\(configuration)/keys/variables.key" }
    /// Toolchains that are being fetched, and which tree came of which file.
    package var toolchains: String { "\(state)/toolchains" }
    package var toolchainMemo: String { "\(state)/toolchains.json" }
}
