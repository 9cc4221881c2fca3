import ForgeModel
import Testing

@testable import ForgeReleases

@Suite struct EnvironmentFileTests {
    private func variables(_ text: String) throws -> [String: String] {
        try EnvironmentFile(parsing: Array(text.utf8), file: ".env").variables
    }

    private func faults(_ text: String) -> [String] {
        do { return [String(describing: try variables(text))] } catch let error as ForgeError {
            let all = [Diagnostic(error.message, at: error.location, hint: error.hint)] + error.others
            return all.map { "\($0.location?.description ?? "?"): \($0.message)" }
        } catch { return ["\(error)"] }
    }

    @Test func aLineIsANameAndAValue() throws {
        #expect(
            try variables(
                "\u{FEFF}A=1\r\nexport B = two words \t\nEMPTY=\n  # C=3\n\nexport=odd\n_x9='a' # note\nURL=http://h/#top#x # end\n") == [
                    "A": "1", "B": "two words", "EMPTY": "", "export": "odd", "_x9": "a", "URL": "http://h/#top#x",
                ])
        #expect(try variables("") == [:])
        #expect(try variables("A=#x\nA=2") == ["A": "2"])
    }

    @Test func quotesKeepWhatStandsInThem() throws {
        let text = #"""
            ONE='a # b\n "c" $HOME `x`'
            TWO="tab\there\\n \"q\" \$HOME $HOME \d '"
            KEY="-----BEGIN-----
              abc=

            -----END-----"
            TICK=`it's "so"`
            BACK=C:\new\table
            """#
        #expect(
            try variables(text) == [
                "ONE": #"a # b\n "c" $HOME `x`"#, "TWO": "tab\there\\n \"q\" $HOME $HOME \\d '",
                "KEY": "-----BEGIN-----\n  abc=\n\n-----END-----", "TICK": #"it's "so""#, "BACK": #"C:\new\table"#,
            ])
    }

    @Test func everyFaultIsToldWithItsLineAndNoneWithAValue() {
        #expect(
            faults("A=1\nhunter2 x\n1A=hunter2\nB='hunter2' hunter2\nPORT=80\nCROWDFORGE_ENV=x\nC=\"two\nlines\" x\nD=\"hunter2\n") == [
                ".env:2: the line is not `NAME=value`",
                ".env:3: what stands before `=` is not the name of a variable: \(VariableName.rule)",
                ".env:4: something follows the closing quote", ".env:5: `PORT` cannot be set: the platform tells a server its port",
                ".env:6: `CROWDFORGE_ENV` cannot be set: names with `CROWDFORGE_` are the platform's",
                ".env:8: something follows the closing quote", ".env:9: the quote that begins here has no end",
            ])
        #expect(faults("A=a\u{0}b") == [".env:1: the value of `A` holds a NUL byte, which no environment can"])
        #expect(faults("A=" + String(repeating: "x", count: (64 << 10) + 1)) == [".env:1: the value of `A` is longer than 64 KiB"])
        #expect(throws: ForgeError.self) { try EnvironmentFile(parsing: [0x41, 0x3D, 0xFF], file: ".env") }
        #expect(throws: ForgeError.self) { try EnvironmentFile(parsing: [UInt8](repeating: 0x0A, count: (1 << 20) + 1), file: ".env") }
        #expect(#expect(throws: ForgeError.self) { try EnvironmentFile.read("/nowhere/.env") }?.code == "variables.no-file")
    }

    @Test func whatIsWrittenIsReadBackAsItWas() throws {
        let values = [
            "", "plain-1.2/3", "two words", " edges ", "it's", "\"both' `", "a\nb\r\nc\td", #"back\slash \n"#, "$HOME ${X} $$", "# no",
            "é 漢 🎉",
            "\u{1B}[31m", "\u{FEFF}x", "=", "a=b",
        ]
        for value in values { #expect(try variables(EnvironmentFile.text(["X": value, "Y": "1"])) == ["X": value, "Y": "1"]) }
        #expect(EnvironmentFile.text(["B": "two words", "A": "a'b\n"]) == "A=\"a'b\\n\"\nB='two words'\n")
    }
}
