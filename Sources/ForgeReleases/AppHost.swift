package import ForgeControl
package import ForgeStore

/// Where the servers of this machine run: its gateway, and what it needs to be told.
package struct AppHost: Sendable {
    /// The gateway's control socket.
    package let controlPath: String
    package let logs: AppLogFolder
    /// Seals the variables of each release.
    package let vault: Vault

    package init(controlPath: String, logs: AppLogFolder, vault: Vault) {
        self.controlPath = controlPath
        self.logs = logs
        self.vault = vault
    }
}
