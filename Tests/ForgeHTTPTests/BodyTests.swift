import ForgeHTTP
import NIOCore
import Testing

@Suite struct BodyTests {
    /// The body's bytes and what was left over, when `text` arrives in pieces of `size`.
    private func read(_ text: String, _ framing: BodyFraming, pieces size: Int) throws -> (body: String, rest: String)? {
        var reader = BodyReader(framing)
        var input = ByteBuffer()
        var body = ""
        var rest = Array(text.utf8)[...]
        while true {
            switch try reader.next(&input) {
            case .bytes(let piece): body += String(buffer: piece)
            case .end: return (body, String(buffer: input) + String(decoding: rest, as: UTF8.self))
            case .more:
                if rest.isEmpty { return nil }
                input.writeBytes(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
        }
    }

    @Test func aChunkedBodyIsTheSameHoweverItsBytesArrive() throws {
        let text = "5\r\nhello\r\n6;name=\"v\"\r\n world\r\n0\r\nX: y\r\n\r\nGET"
        for size in 1...text.utf8.count {
            let found = try #require(try read(text, .chunked, pieces: size))
            #expect(found == ("hello world", "GET"))
        }
    }

    @Test func aBodyOfKnownLengthEndsThere() throws {
        for size in 1...8 { #expect(try #require(try read("helloGET", .length(5), pieces: size)) == ("hello", "GET")) }
        #expect(try read("hell", .length(5), pieces: 2) == nil)
        #expect(try #require(try read("GET", .none, pieces: 1)) == ("", "GET"))
    }

    @Test(arguments: [
        "5\nhello\r\n", "5\r\nhello\n", "5\r\nhelloX", "\r\n", "x\r\n", "-1\r\n", " 5\r\n", "5 \r\n", "0x5\r\n", "5;a\u{1}\r\n",
        "FFFFFFFFFFFFFFFF\r\n", "00000000000000000000005\r\n", "0\r\nX : y\r\n\r\n", "0\r\nX\r\n\r\n", "0\r\n y\r\n\r\n", "0\r\n\n",
    ])
    func framingThatIsNotExactIsRefused(_ text: String) {
        #expect(throws: WireFault.self) { try read(text + "xxxxxxxxxxxxxxxxxxxxx", .chunked, pieces: 64) }
    }

    @Test func theFramesOfAWebSocketEndWhereTheyEndHoweverTheyArrive() {
        let small: [UInt8] = [0x81, 0x02, 0x68, 0x69]
        let masked: [UInt8] = [0x82, 0x81, 1, 2, 3, 4, 9]
        let middle: [UInt8] = [0x82, 126, 1, 0] + [UInt8](repeating: 7, count: 256)
        let large: [UInt8] = [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0] + [UInt8](repeating: 7, count: 65536)
        let all = [small, masked, middle, large]
        let stream = all.flatMap { $0 }
        var ends: [Int] = []
        var frames = WebSocketFrames()
        for index in stream.indices {
            _ = stream[index...index].withUnsafeBytes { frames.follow($0) }
            if frames.isAtBoundary { ends.append(index + 1) }
        }
        #expect(ends == all.indices.map { all[...$0].reduce(0) { $0 + $1.count } })
        var whole = WebSocketFrames()
        #expect(stream.withUnsafeBytes { whole.follow($0) } == stream.count)
        #expect(whole.isAtBoundary && !whole.isClosing)
        #expect(stream.withUnsafeBytes { whole.follow(UnsafeRawBufferPointer(rebasing: $0[..<2])) } == 2)
        #expect(stream.withUnsafeBytes { whole.follow(UnsafeRawBufferPointer(rebasing: $0[2...]), toBoundary: true) } == 2)
    }
}
