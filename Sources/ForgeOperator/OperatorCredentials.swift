package import ForgeModel
internal import ForgePresets
package import ForgeRegistry
internal import ForgeSystem
internal import Glibc

/// `[[network.credential]]` of the operator's configuration: what the proxy says to a registry, from a file that only its owner may read.
package struct OperatorCredential: Sendable, Hashable {
    package let origin: EgressOrigin
    let path: String
    /// nil: the file holds a token.
    let user: String?
    let file: String
    /// Whether builds of sources that nobody vouches for are served with it too.
    package let isForStrangers: Bool

    /// Names each fault with its place.
    init?(reading section: TableReader) {
        defer { section.finish() }
        let (origin, path, user) = (section.requiredString("origin"), section.string("path"), section.string("user"))
        isForStrangers = section.bool("strangers")?.value ?? false
        let (token, password) = (section.string("token_file"), section.string("password_file"))
        guard let origin, let parsed = try? EgressOrigin(parsing: origin.value) else {
            if let origin {
                section.faults.add(
                    "`\(origin.value)` is not a server's exact address", at: origin.location,
                    hint: "write `scheme://host` or `scheme://host:port`; a folder of it goes into `path`")
            }
            return nil
        }
        guard let file = token ?? password, (token == nil) != (password == nil), (password == nil) == (user == nil) else {
            section.faults.add(
                "a credential is a `token_file`, or a `user` and a `password_file`", at: section.location,
                hint: "write `token_file = \"/etc/forge/registry.token\"`")
            return nil
        }
        if !file.value.hasPrefix("/") {
            section.faults.add("`\(file.value)` is not an absolute path", at: file.location, hint: "write it from the root on")
            return nil
        }
        self.origin = parsed
        self.path = path?.value ?? "/"
        self.user = user?.value
        self.file = file.value
    }

    /// The secret, read anew each time. Blocks.
    /// - Throws: `ForgeError` `config.credential-file`
    package func load() throws -> RegistryCredential {
        func fault(_ message: String, _ hint: String, _ cause: (any Error)? = nil) -> ForgeError {
            ForgeError(.configuration, "config.credential-file", message, hint: hint, cause: cause)
        }
        let handle: Descriptor
        do { handle = try Descriptor.open(file, O_RDONLY) } catch {
            throw fault(
                "the credential file `\(file)` for `\(origin)` cannot be read", "write the secret into it, for its owner alone", error)
        }
        guard try handle.status().mode & 0o077 == 0 else {
            throw fault("the credential file `\(file)` can be read by others than its owner", "run `chmod 600 \(file)`")
        }
        let bytes = try handle.readAll(limit: 64 << 10)
        let text = String(decoding: bytes, as: UTF8.self)
        guard let secret = text.split(whereSeparator: \.isNewline).first.map(String.init), !secret.isEmpty,
            secret.utf8.allSatisfy({ $0 > 31 && $0 != 127 })
        else { throw fault("the credential file `\(file)` holds no secret in its first line", "write it there, and nothing else") }
        guard let user else { return .bearer(secret, for: origin, below: path) }
        return .basic(user, secret, for: origin, below: path)
    }
}
