internal import Crypto
internal import ForgeModel

/// What `packageManager` says of the file besides its version: `pnpm@9.1.0+sha512.…`.
///
/// Source: Node.js' documentation of Corepack, "Configuring a package".
struct ToolchainIntegrity: Hashable, Sendable {
    let algorithm: String
    let hex: String

    /// Nil when the requirement says none.
    init?(ofRequirement text: String) {
        guard let match = text.firstMatch(of: /\+(sha1|sha224|sha256|sha384|sha512)\.([0-9a-f]{40,128})\s*$/) else { return nil }
        (algorithm, hex) = (String(match.output.1), String(match.output.2))
    }

    /// Nil for an algorithm that nobody computes here.
    func digest(of bytes: [UInt8]) -> String? {
        switch algorithm {
        case "sha512": Self.hex(SHA512.hash(data: bytes))
        case "sha384": Self.hex(SHA384.hash(data: bytes))
        case "sha256": Self.hex(SHA256.hash(data: bytes))
        case "sha1": Self.hex(Insecure.SHA1.hash(data: bytes))
        default: nil
        }
    }

    private static func hex(_ digest: some Sequence<UInt8>) -> String {
        digest.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}
