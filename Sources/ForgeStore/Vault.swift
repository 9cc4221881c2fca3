internal import Crypto
internal import ForgeModel
internal import ForgeSystem
internal import FoundationEssentials
internal import Glibc

/// Seals what must not lie readable on the disk: AES-256-GCM with a random nonce and a key that is kept apart from what it seals.
///
/// Every sealed text is bound to a context (whose it is, and what for): moved elsewhere it does not open.
/// Source: NIST SP 800-38D; RFC 2104 for the tags.
package struct Vault: Sendable {
    private static let version = "v1."

    private let key: SymmetricKey

    /// The vault of the key at `path`, which is made (mode 0600) when there is none. Blocks.
    /// - Throws: `ForgeError` `vault.unreadable-key`
    package static func open(_ path: String) throws -> Vault {
        try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
        if let vault = try existing(path) { return vault }
        // Whoever is first gives the file its name; all others read it.
        let fresh = "\(path).\(UInt64.random(in: .min ... .max)).tmp"
        try Files.writeAtomically(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }, to: fresh, mode: 0o600)
        do { try Files.renameNew(fresh, to: path) } catch let error as SystemError where error.errno == EEXIST {
            try Files.removeTree(fresh)
        }
        guard let vault = try existing(path) else { throw damaged(path) }
        return vault
    }

    private static func existing(_ path: String) throws -> Vault? {
        guard let bytes = try Files.read(path, limit: 64) else { return nil }
        guard bytes.count == 32 else { throw damaged(path) }
        return Vault(key: SymmetricKey(data: bytes))
    }

    private static func damaged(_ path: String) -> ForgeError {
        ForgeError(
            .store, "vault.unreadable-key", "`\(path)` is not a key of Forge's",
            hint: "bring the file back: what it sealed cannot be read without it"
        )
    }

    /// `plain` for `context` only.
    package func seal(_ plain: [UInt8], for context: String) throws -> String {
        let box = try AES.GCM.seal(Data(plain), using: key, authenticating: Data(context.utf8))
        guard let combined = box.combined else { throw ForgeError(.bug, "vault.nonce", "a sealed text without its nonce") }
        return Self.version + combined.base64EncodedString()
    }

    /// What was sealed for `context`.
    /// - Throws: `ForgeError` `vault.damaged` when one bit of it, of the context or of the key is another.
    package func open(_ sealed: String, for context: String) throws -> [UInt8] {
        let text = String(sealed.dropFirst(Self.version.count))
        // Written as we write it: base 64 has several ways to say the same bytes.
        guard sealed.hasPrefix(Self.version), let combined = Data(base64Encoded: text), combined.base64EncodedString() == text,
            let box = try? AES.GCM.SealedBox(combined: combined),
            let plain = try? AES.GCM.open(box, using: key, authenticating: Data(context.utf8))
        else {
            throw ForgeError(
                .store, "vault.damaged", "the variables of \(context) cannot be opened: they or their key were changed",
                hint: "set the variables again and deploy")
        }
        return Array(plain)
    }

    /// Equal for equal bytes, and useless without the key to whoever wants to guess them.
    package func tag(_ bytes: [UInt8]) -> String {
        HMAC<SHA256>.authenticationCode(for: bytes, using: key).prefix(16).map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
