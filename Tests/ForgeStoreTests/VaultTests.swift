import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

@Suite struct VaultTests {
    private func withVault(_ body: (Vault, _ key: String) throws -> Void) throws {
        let folder = try TemporaryDirectory(in: NSTemporaryDirectory() + "forge-vault-tests", prefix: "vault")
        defer { try? folder.remove() }
        let key = folder.path + "/keys/variables.key"
        try body(try Vault.open(key), key)
    }

    @Test func whatWasSealedOpensForItsContextOnly() throws {
        try withVault { vault, key in
            let sealed = try vault.seal(Array("hunter2".utf8), for: "release one")
            #expect(!sealed.contains("hunter2"))
            #expect(try vault.open(sealed, for: "release one") == Array("hunter2".utf8))
            #expect(try Vault.open(key).open(sealed, for: "release one") == Array("hunter2".utf8))
            #expect(throws: ForgeError.self) { try vault.open(sealed, for: "release two") }
        }
    }

    @Test func everyFlippedBitIsNoticed() throws {
        try withVault { vault, _ in
            let sealed = try vault.seal(Array("hunter2".utf8), for: "one")
            let bytes = try #require(Data(base64Encoded: String(sealed.dropFirst(3))))
            for bit in 0..<(bytes.count * 8) {
                var damaged = bytes
                damaged[bit / 8] ^= 1 << (bit % 8)
                #expect(throws: ForgeError.self) { try vault.open("v1." + damaged.base64EncodedString(), for: "one") }
            }
        }
    }

    @Test func theSameTextIsNeverSealedTheSameWayAndHasOneTag() throws {
        try withVault { vault, _ in
            #expect(try vault.seal([1, 2, 3], for: "one") != vault.seal([1, 2, 3], for: "one"))
            #expect(vault.tag([1, 2, 3]) == vault.tag([1, 2, 3]))
            #expect(vault.tag([1, 2, 3]) != vault.tag([1, 2, 4]))
            #expect(vault.tag([]).count == 32)
            try withVault { other, _ in #expect(other.tag([1, 2, 3]) != vault.tag([1, 2, 3])) }
        }
    }

    @Test func theKeyIsItsOwnersAloneAndADamagedOneIsNotReplaced() throws {
        try withVault { _, key in
            let attributes = try FileManager.default.attributesOfItem(atPath: key)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            try Data("short".utf8).write(to: URL(filePath: key))
            let error = #expect(throws: ForgeError.self) { try Vault.open(key) }
            #expect(error?.code == "vault.unreadable-key")
            #expect(try String(contentsOfFile: key, encoding: .utf8) == "short")
        }
    }

    @Test func aReleasesVariablesOpenForThatReleaseAndNoneNeedNoSeal() throws {
        try withVault { vault, _ in
            let sealed = try SealedVariables(sealing: ["B": "2", "A": "1"], of: "r1", in: vault)
            let same = try SealedVariables(sealing: ["A": "1", "B": "2"], of: "r2", in: vault)
            #expect(sealed.tag == same.tag)
            #expect(try SealedVariables.open(sealed.text, of: "r1", in: vault) == ["A": "1", "B": "2"])
            #expect(throws: ForgeError.self) { try SealedVariables.open(sealed.text, of: "r2", in: vault) }
            let none = try SealedVariables(sealing: [:], of: "r1", in: vault)
            #expect(none.text == nil)
            #expect(none.tag != sealed.tag)
            #expect(try SealedVariables.open(nil, of: "r1", in: vault) == [:])
        }
    }
}
