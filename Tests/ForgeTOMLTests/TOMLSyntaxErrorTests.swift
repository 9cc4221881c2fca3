import ForgeTOML
import Testing

/// What stops a parse, as `line:column: message`; nil when nothing does.
private func error(_ bytes: [UInt8]) -> String? {
    do {
        _ = try TOML.parse(bytes)
        return nil
    } catch {
        return error.description
    }
}

private func error(_ text: String) -> String? { error(Array(text.utf8)) }

@Test(arguments: [
    ("a =", "1:4: malformed key-value pair: encountered end-of-file"),
    ("a = 1\na = 2", "2:5: malformed key-value pair: cannot redefine existing integer 'a'"),
    ("[build]\ncommand = yes", "2:11: malformed value: could not determine value type"),
    ("a = 1 2", "1:7: malformed key-value pair: expected a comment or whitespace, saw '2'"),
    ("a = \"x", "1:7: malformed string: encountered end-of-file"),
    ("[x", "1:3: malformed table header: encountered end-of-file"),
    ("= 1", "1:1: malformed root table: expected keys, tables, whitespace or comments, saw '='"),
    ("a = 99999999999999999999", "1:25: malformed decimal integer: '99999999999999999999' is not representable in 64 bits"),
    ("ok = 1\n[ = ]", "2:3: unexpected character"),
    ("d = 2026-07-01T:", "1:16: unexpected character"),
])
func anErrorSaysWhatAndWhere(text: String, expected: String) {
    #expect(error(text) == expected)
}

@Test func aNULByteIsAnErrorAtItsPlace() {
    #expect(error("a = 1\nb = \"x\0\"")?.hasPrefix("2:7: malformed string: unescaped control characters") == true)
    #expect(error("a = 1\0")?.hasPrefix("1:6: ") == true)
    #expect(error([0])?.hasPrefix("1:1: ") == true)
}

@Test(arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]])
func invalidUTF8IsAnErrorAtItsPlace(bytes: [UInt8]) {
    #expect(error(Array("a = 1\ns = \"é".utf8) + bytes + Array("\"".utf8)) == "2:7: invalid UTF-8")
}

@Test(arguments: [
    ("[", "", "1:3: unexpected character"),
    ("[", "a = ", "1:37: values are nested more than 32 deep"),
    ("{ a = ", "a = ", "1:197: values are nested more than 32 deep"),
    ("a.", "", "1:64: a key has more than 32 parts"),
    ("'a' . ", "x = 1\n[", "2:192: a key has more than 32 parts"),
    ("\"\\\"\".", "s = '''\n'''\n", "3:160: a key has more than 32 parts"),
])
func depthIsBoundedWhereverItComesFrom(piece: String, start: String, expected: String) {
    #expect(error(start + String(repeating: piece, count: 100_000)) == expected)
}

@Test func keyPartsInAllTheirPlacesAddUpToABoundedDepth() {
    let key = Array(repeating: "k", count: 30).joined(separator: ".")
    #expect(error("[\(key)]\n\(key) = 1") == nil)
    #expect(error("[\(key)]\n\(key) = { \(key) = 1 }") == "2:73: values are nested too deeply")
}

@Test func dotsInStringsAndCommentsAreNotKeyParts() {
    let dots = String(repeating: ".", count: 100)
    #expect(error("a = \"\(dots)\" # \(dots)\nb = '\(dots)'\nc = \"\"\"\n\(dots)\\\"\"\"\" # \(dots)\nd = '''\(dots)''''") == nil)
}

@Test func aHugeFileIsRefusedBeforeItIsParsed() {
    #expect(error(Array(repeating: 0xFF, count: TOML.maximumBytes + 1)) == "1:1: the file is larger than 4 MiB")
}

@Test func manyValuesAreRefused() {
    #expect(error("a = [" + String(repeating: "1,", count: 600_000) + "]")?.hasSuffix(": the file holds too many values") == true)
}

@Test func manyTablesAreRefused() {
    let headers = (0..<20_001).map { "[a\($0)]\n" }.joined()
    #expect(error(headers) == "20001:1: the file holds too many tables")
    let dotted = (0..<10_001).map { "a\($0).b.c = 1.5\n" }.joined()
    #expect(error(dotted) == "10001:12: the file holds too many tables")
    #expect(error("a = [\n" + String(repeating: "1.5, '.', ", count: 50_000) + "]") == nil)
}

@Test func noPrefixOrMutationOfADocumentCrashes() {
    let text = Array("[a.b]\nx = [1, 'two', {y = 2026-07-01T10:00:00Z}]\n[[c]]\nd.\"e\" = \"\"\"\n\\u00e9\"\"\"\n".utf8)
    for length in text.indices {
        _ = error(Array(text[..<length]))
        for byte: UInt8 in [0, 9, 10, 13, 34, 39, 45, 46, 58, 61, 91, 92, 93, 123, 125, 128, 255] {
            var mutated = text
            mutated[length] = byte
            _ = error(mutated)
        }
    }
    #expect(error(text) == nil)
}
