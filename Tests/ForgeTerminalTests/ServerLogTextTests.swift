import ForgeTerminal
import Testing

@Test(arguments: [
    ("listening on 3000", "2026-11-22T22:48:01.123Z | listening on 3000"), ("", "2026-11-22T22:48:01.123Z |"),
    ("windows\r", "2026-11-22T22:48:01.123Z | windows"), ("over\rwritten", "2026-11-22T22:48:01.123Z | over^Mwritten"),
    ("\u{1B}]52;c;AAAA\u{7}\u{1B}[31mred\u{1B}[0m", "2026-11-22T22:48:01.123Z | ^[]52;c;AAAA^Gred"),
    ("\u{9B}2J\u{202E}", "2026-11-22T22:48:01.123Z | <U+009B>2J<U+202E>"),
])
func aServersLineStaysOneLineThatATerminalOnlyShows(text: String, line: String) {
    #expect(ServerLogText.line(time: 1_795_387_681_123, .server, Array(text.utf8)) == line)
}

@Test func thePlatformsWordsCannotBeTakenForTheServersOwn() {
    let imitation = "* exited with 0"
    #expect(ServerLogText.line(time: 0, .server, Array(imitation.utf8)) == "1970-01-01T00:00:00.000Z | * exited with 0")
    #expect(ServerLogText.line(time: 0, .platform, Array("exited with 1".utf8)) == "1970-01-01T00:00:00.000Z * exited with 1")
    #expect(ServerLogText.line(time: 5, .server, [0xFF, 0x41], isCut: true) == "1970-01-01T00:00:00.005Z | \u{FFFD}A…")
}
