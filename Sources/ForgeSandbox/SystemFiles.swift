/// What a command has for a system: whose /usr it finds there. Folders are absolute, shared with others and never written.
package enum SystemFiles: Hashable, Sendable {
    /// This machine's own /usr, and a few files of its /etc.
    case host
    /// The same, with the content of a folder laid over /usr.
    case hostWithPackages(String)
    /// A whole root file system; Forge's own few files of /etc lie over it.
    case root(String)

    /// For `forge-sandbox`.
    var arguments: [String] {
        switch self {
        case .host: []
        case .hostWithPackages(let folder): ["--packages", folder]
        case .root(let folder): ["--root", folder]
        }
    }

    var isHosts: Bool { if case .root = self { false } else { true } }
}
