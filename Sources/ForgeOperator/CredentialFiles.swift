package import ForgeModel
package import ForgeRegistry
internal import ForgeSystem

/// The operator's files in which package managers find credentials. Never a project's.
package struct CredentialFiles: Sendable {
    private let environment: [String: String]

    /// - Parameter environment: the operator's; it says where the files lie.
    package init(environment: [String: String]) { self.environment = environment }

    private var home: String { environment["HOME"] ?? "/root" }

    /// Of the user's and the machine's `.npmrc`, and of variables: those for `registries` alone. What cannot be read says nothing. Blocks.
    package func npm(for registries: Set<EgressOrigin>) -> [RegistryCredential] {
        let variables = environment.sorted { $0.key < $1.key }.filter { $0.key.lowercased().hasPrefix("npm_config_//") }
            .map { "\($0.key.dropFirst("npm_config_".count))=\($0.value)" }
        let user = environment["npm_config_userconfig"] ?? environment["NPM_CONFIG_USERCONFIG"] ?? "\(home)/.npmrc"
        let global = [environment["npm_config_globalconfig"] ?? environment["NPM_CONFIG_GLOBALCONFIG"]].compactMap(\.self)
        let files = [user] + (global.isEmpty ? ["/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc"] : global)
        // What cannot be read the package manager could not have read either.
        let texts = [variables.joined(separator: "\n")] + files.compactMap(text)
        return texts.flatMap { CredentialText.npm($0, for: registries, environment: environment) }
    }

    /// Of the user's `.netrc`, those for `registries` alone. What cannot be read says nothing. Blocks.
    package func netrc(for registries: Set<EgressOrigin>) -> [RegistryCredential] {
        text(environment["NETRC"] ?? "\(home)/.netrc").map { CredentialText.netrc($0, for: registries) } ?? []
    }

    private func text(_ path: String) -> String? {
        ((try? Files.read(path, limit: 1 << 20)) ?? nil).map { String(decoding: $0, as: UTF8.self) }
    }
}
