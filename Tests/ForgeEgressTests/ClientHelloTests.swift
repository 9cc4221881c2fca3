import ForgeEgress
import Testing

@Suite struct ClientHelloTests {
    private static func short(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    private static func vector(_ bytes: [UInt8]) -> [UInt8] { short(bytes.count) + bytes }
    private static func name(_ text: String) -> [UInt8] { [0, 0] + vector(vector([0] + vector(Array(text.utf8)))) }
    private static let other: [UInt8] = [0, 43, 0, 3, 2, 3, 4]

    private static func message(_ extensions: [UInt8]?) -> [UInt8] {
        let body = [3, 3] + [UInt8](repeating: 7, count: 32) + [0] + vector([0x13, 0x01]) + [1, 0] + (extensions.map(vector) ?? [])
        return [1, 0] + short(body.count) + body
    }

    private static func record(_ content: [UInt8]) -> [UInt8] { [22, 3, 1] + vector(content) }

    @Test func theNameIsFoundAmongOtherExtensions() {
        let hello = Self.record(Self.message(Self.other + Self.name("registry.example") + Self.other))
        #expect(ClientHello(hello) == .names("registry.example"))
        #expect(ClientHello(hello + [22, 3, 3, 0, 1, 0]) == .names("registry.example"))
    }

    @Test func everyPrefixIsIncompleteAndNothingElse() {
        let hello = Self.record(Self.message(Self.name("registry.example")))
        for length in 0..<hello.count { #expect(ClientHello(hello[..<length]) == .incomplete) }
    }

    @Test func aHelloInSeveralRecordsIsPutTogether() {
        let message = Self.message(Self.name("registry.example"))
        #expect(ClientHello(message.flatMap { Self.record([$0]) }) == .names("registry.example"))
        #expect(ClientHello(Self.record(Array(message[..<50])) + Self.record(Array(message[50...]))) == .names("registry.example"))
        #expect(ClientHello(Self.record(Array(message[..<50]))) == .incomplete)
    }

    @Test func aHelloWithoutANameNamesNone() {
        #expect(ClientHello(Self.record(Self.message(Self.other))) == .names(nil))
        #expect(ClientHello(Self.record(Self.message(nil))) == .names(nil))
    }

    @Test(arguments: [
        Array("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".utf8), [0x80, 0x2E, 1, 3, 1], [22, 2], [23, 3, 3], [22, 3, 1, 0, 0],
        [22, 3, 1, 0xFF, 0xFF], record([2, 0, 0, 1, 0]), record([1, 0xFF, 0, 0]), record([1, 0, 0, 3, 1, 2, 3]),
        record(message(name("a.example") + name("b.example"))), record(message([0xFE, 0x0D, 0, 0] + name("a.example"))),
        record(message(name("a.example") + [0xFE, 0x0D, 0, 1, 1])), record(message(name(""))), record(message(name("a\0b"))),
        record(message([0, 0, 0, 9, 0])), record(message([0, 0, 0, 2, 0, 0])), record(message([0])),
        record(message([0, 0] + vector(vector([0] + vector(Array("a.b".utf8)) + [0] + vector(Array("c.d".utf8)))))),
    ])
    func whatIsNoHelloOrHidesItsNameIsUnacceptable(bytes: [UInt8]) {
        #expect(ClientHello(bytes) == .unacceptable)
    }

    @Test func aHelloWithoutEndIsGivenUp() {
        let endless = Self.record([1, 0, 0x7F, 0xFF] + [UInt8](repeating: 0, count: 16000))
        #expect(ClientHello(endless) == .incomplete)
        let more = Self.record([UInt8](repeating: 0, count: 16384))
        #expect(ClientHello(endless + more + Self.record([UInt8](repeating: 0, count: 400))) == .unacceptable)
    }

    @Test func randomBytesNeverTrap() {
        var generator = SystemRandomNumberGenerator()
        let hello = Self.record(Self.message(Self.other + Self.name("registry.example")))
        for _ in 0..<20_000 {
            var bytes = hello
            for _ in 0..<Int.random(in: 1...4, using: &generator) { bytes[Int.random(in: 0..<bytes.count)] = .random(in: 0...255) }
            _ = ClientHello(bytes.prefix(Int.random(in: 0...bytes.count)))
        }
    }
}
