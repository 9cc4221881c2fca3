import Foundation
import ForgeModel
import Testing

private let emptyHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
private let abcHex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

@Test func digestsMatchThePublishedVectors() {
    #expect(Digest(of: "").description == "sha256:" + emptyHex)
    #expect(Digest(of: "").sizeBytes == 0)
    #expect(Digest(of: "abc").hex == abcHex)
    #expect(
        Digest(of: Array(repeating: UInt8(ascii: "a"), count: 1_000_000)).hex
            == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
}

@Test func aDigestDoesNotDependOnHowTheBytesArrive() {
    var hasher = DigestHasher()
    for piece in [[UInt8](), Array("a".utf8), Array("bc".utf8)] { piece.withUnsafeBytes { hasher.update($0) } }
    #expect(hasher.finish() == Digest(of: "abc"))
    #expect(Digest(of: "abc".utf8.lazy.map { $0 }) == Digest(of: "abc"))
    #expect(Digest(of: Array("xabcx".utf8)[1..<4]) == Digest(of: "abc"))
}

@Test(arguments: ["", "abc", emptyHex.uppercased(), String(emptyHex.dropLast()), emptyHex + "0", "g" + emptyHex.dropFirst()])
func malformedHexIsRefused(hex: String) {
    #expect(throws: DigestError.malformed(hex)) { try Digest(hex: hex, sizeBytes: 1) }
}

@Test func digitsOfOtherScriptsAreRefused() {
    let text = "٣" + emptyHex.dropFirst()
    #expect(throws: DigestError.malformed(text)) { try Digest(hex: text, sizeBytes: 1) }
}

@Test func aNegativeSizeIsRefused() {
    #expect(throws: DigestError.negativeSize(-1)) { try Digest(hex: emptyHex, sizeBytes: -1) }
}

@Test func aTypedHashNeedsItsAlgorithm() throws {
    #expect(try Digest.hash(parsing: "sha256:" + abcHex) == abcHex)
    #expect(throws: DigestError.unknownAlgorithm(abcHex)) { try Digest.hash(parsing: abcHex) }
    #expect(throws: DigestError.unknownAlgorithm("sha512:00")) { try Digest.hash(parsing: "sha512:00") }
    #expect(throws: DigestError.malformed("00")) { try Digest.hash(parsing: "sha256:00") }
}

@Test func digestsAreSavedAsOneString() throws {
    let digest = Digest(of: "abc")
    let saved = try JSONEncoder().encode([digest])
    #expect(String(decoding: saved, as: UTF8.self) == #"["sha256:\#(abcHex)\/3"]"#)
    #expect(try JSONDecoder().decode([Digest].self, from: saved) == [digest])
}

@Test(arguments: [
    "sha256:\(abcHex)", "sha256:\(abcHex)/", "sha256:\(abcHex)/3/3", "sha256:\(abcHex)/x", "sha256:\(abcHex)/-3", "\(abcHex)/3", "",
])
func aMalformedSavedDigestIsRefused(text: String) throws {
    let saved = try JSONEncoder().encode([text])
    #expect(throws: DigestError.self) { try JSONDecoder().decode([Digest].self, from: saved) }
}

@Test func digestsSortByTheirDigits() {
    #expect([Digest(of: ""), Digest(of: "abc")].sorted() == [Digest(of: "abc"), Digest(of: "")])
}
