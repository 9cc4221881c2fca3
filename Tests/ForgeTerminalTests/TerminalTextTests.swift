import ForgeTerminal
import Testing

@Test(arguments: [
    ("plain é 生成 👩‍👩‍👧", "plain é 生成 👩‍👩‍👧"), ("a\tb", "a    b"), ("\u{1B}[1;32mgreen\u{1B}[0m\u{1B}[m", "green"),
    ("\u{1B}[38:2:1:2:3mx", "x"), ("\u{1B}[2J", "^[[2J"), ("\u{1B}[31", "^[[31"), ("\u{1B}]52;c;AAAA\u{7}", "^[]52;c;AAAA^G"),
    ("\u{1B}]8;;http://x\u{1B}\\link", "^[]8;;http://x^[\\link"), ("a\rb", "a^Mb"), ("a\r\nb", "a^M^Jb"), ("\0\u{7F}\u{8}", "^@^?^H"),
    ("\u{9B}31m", "<U+009B>31m"), ("a\u{202E}b\u{2066}c", "a<U+202E>b<U+2066>c"), ("\u{2028}\u{FEFF}", "<U+2028><U+FEFF>"),
    ("\u{E0041}", "<U+E0041>"), ("\u{1B}[3\u{1B}[31mx", "^[[3x"),
])
func nothingThatATerminalActsOnGetsThrough(text: String, expected: String) {
    #expect(TerminalText.escaped(text) == expected)
}

@Test(arguments: [("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("生成", 4), ("👍", 2), ("❤\u{FE0F}", 2), ("👩‍👩‍👧", 2), ("ｱ", 1), ("한", 2)])
func columnsAreWhatATerminalShows(text: String, columns: Int) {
    #expect(TerminalText.columns(text) == columns)
}

@Test(arguments: [
    ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("生成中", 6, "生成中"), ("生成中", 5, "生成…"), ("生成中", 4, "生…"), ("abc", 1, "…"), ("abc", 0, ""),
    ("", 0, ""), ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
])
func aCutCountsColumnsAndShows(text: String, width: Int, expected: String) {
    #expect(TerminalText.fitted(text, to: width) == expected)
}

@Test func paddingFillsColumns() {
    #expect(TerminalText.padded("生", to: 4) + "|" == "生  |")
    #expect(TerminalText.padded("abcdef", to: 4) + "|" == "abc…|")
}
