import ForgeModel
import ForgeTerminal
import Testing

private let plain = ErrorRenderer(isTerminal: false, environment: [:])

private let full = ForgeError(
    .configuration, "config.unknown-key", "unknown key `biuld`", at: SourceLocation(file: "crowdforge.toml", line: 3, column: 1),
    hint: "did you mean `build`?", others: [Diagnostic("`output` is absolute", at: SourceLocation(file: "crowdforge.toml", line: 4))],
    cause: DigestError.negativeSize(-1))

@Test func anErrorSaysWhatWhereWhyAndWhatToDo() {
    #expect(
        plain.text(for: full) == """
            error: unknown key `biuld`
              --> crowdforge.toml:3:1
            cause: a digest's size cannot be -1
            hint: did you mean `build`?

            error: `output` is absolute
              --> crowdforge.toml:4

            """)
    #expect(plain.text(for: ForgeError(.usage, "usage", "no such flag")) == "error: no such flag\n")
}

@Test func aStrangersTextInAnErrorIsEscaped() {
    let error = ForgeError(.build, "x", "bad \u{1B}[2J\nerror: fake", at: SourceLocation(file: "a\u{202E}b"))
    #expect(plain.text(for: error) == "error: bad ^[[2J\n  error: fake\n  --> a<U+202E>b\n")
}

@Test func coloursAreForTerminalsThatWantThem() {
    let error = ForgeError(.usage, "usage", "no such flag", hint: "try `--help`")
    let coloured = "\u{1B}[31merror:\u{1B}[0m no such flag\n\u{1B}[36mhint:\u{1B}[0m try `--help`\n"
    #expect(ErrorRenderer(isTerminal: true, environment: [:]).text(for: error) == coloured)
    #expect(ErrorRenderer(isTerminal: true, environment: ["NO_COLOR": ""]).text(for: error) == coloured)
    for environment in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
        #expect(ErrorRenderer(isTerminal: true, environment: environment).text(for: error) == plain.text(for: error))
    }
}

@Test func aReportHasEveryKeyOfTheContract() {
    #expect(
        ErrorReport(ForgeError(.usage, "usage.flag", "no such \"flag\"")).json
            == #"{"error":{"code":"usage.flag","message":"no such \"flag\"","file":null,"line":null,"column":null,"hint":null}}"#)
}

@Test func aReportListsFurtherFindings() {
    #expect(
        ErrorReport(full).json
            == #"{"error":{"code":"config.unknown-key","message":"unknown key `biuld`: a digest's size cannot be -1","#
            + #""file":"crowdforge.toml","line":3,"column":1,"hint":"did you mean `build`?"},"#
            + #""others":[{"message":"`output` is absolute","file":"crowdforge.toml","line":4,"column":null,"hint":null}]}"#)
}
