internal import FoundationEssentials

/// The variables that the owner of a project gave one release, as they lie in the release log and the route table.
package struct SealedVariables: Hashable, Sendable {
    /// Opens for this release only; nil when there are none.
    package let text: String?
    /// Equal for equal variables, whatever the release.
    package let tag: String

    package init(sealing variables: [String: String], of release: String, in vault: Vault) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let bytes = [UInt8](try encoder.encode(variables))
        text = variables.isEmpty ? nil : try vault.seal(bytes, for: Self.context(release))
        tag = vault.tag(bytes)
    }

    /// What was sealed as `text` for `release`.
    /// - Throws: `ForgeError` `vault.damaged`
    package static func open(_ text: String?, of release: String, in vault: Vault) throws -> [String: String] {
        guard let text else { return [:] }
        return try JSONDecoder().decode([String: String].self, from: Data(vault.open(text, for: context(release))))
    }

    private static func context(_ release: String) -> String { "release \(release)" }
}
