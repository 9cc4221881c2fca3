import ForgeModel
import Foundation
import Testing

@Suite struct SecretMaskTests {
    private let value = "p4ss/w0rd&'x y\"+~ü-0123456789-abcdefghij-KLMNOPQRST-end"

    private func mask(_ values: String...) throws -> SecretMask {
        try #require(SecretMask(values.enumerated().map { Secret(name: "S\($0)", value: $1) }))
    }

    private func masked(_ mask: SecretMask, _ text: [UInt8], cutAt cut: Int) -> String {
        var stream = SecretMask.Stream(mask)
        return String(decoding: stream.feed(Array(text[..<cut])) + stream.feed(Array(text[cut...])) + stream.finish(), as: UTF8.self)
    }

    @Test func aValueIsHiddenWhereverItIsSplit() throws {
        let mask = try mask(value)
        let text = Array("before \(value)\(value) after".utf8)
        for cut in 0...text.count { #expect(masked(mask, text, cutAt: cut) == "before *** after") }
        var stream = SecretMask.Stream(mask)
        #expect(String(decoding: text.flatMap { stream.feed([$0]) } + stream.finish(), as: UTF8.self) == "before *** after")
    }

    @Test func whatOnlyBeginsLikeAValueIsShownAndComesAsSoonAsThatIsCertain() throws {
        let mask = try mask("abcabcabd")
        #expect(mask.masked("abcabcabcabd abcabcab") == "abc*** abcabcab")
        var stream = SecretMask.Stream(mask)
        #expect(stream.feed(Array("xabc".utf8)) == Array("x".utf8))
        #expect(stream.feed(Array("\n".utf8)) == Array("abc\n".utf8))
    }

    /// Each by the tool that people would use.
    @Test(arguments: [
        "import sys,json; print(json.dumps(sys.argv[1], ensure_ascii=False))", "import sys,urllib.parse as u; print(u.quote(sys.argv[1]))",
        "import sys,urllib.parse as u; print(u.quote(sys.argv[1], safe=''))",
        "import sys,urllib.parse as u; print(u.quote_plus(sys.argv[1]))",
        "import sys; print(''.join('%%%02x' % b for b in sys.argv[1].encode()))",
        "import sys,html; print(html.escape(sys.argv[1]).replace('&#x27;', '&#39;'))",
        "import sys,shlex; print(shlex.quote(sys.argv[1]).replace('\\'\"\\'\"\\'', \"'\\\\''\"))",
        "import sys; print(sys.argv[1].encode().hex())", "import sys; print(sys.argv[1].encode().hex().upper())",
        "import sys; print(sys.argv[1].encode().hex(' '))", "import sys; print(sys.argv[1].encode().hex(':'))",
        "import sys; print(sys.argv[1].encode().hex(' ', -2))", "import sys; print(''.join('\\\\x%02x' % b for b in sys.argv[1].encode()))",
        "import sys,base64; print(base64.b64encode(sys.argv[1].encode()).decode())",
        "import sys,base64; print(base64.b64encode(b'u:' + sys.argv[1].encode()).decode())",
        "import sys,base64; print(base64.b64encode(b'user:' + sys.argv[1].encode() + b'@x').decode())",
        "import sys,base64; print(base64.urlsafe_b64encode(b'a' + sys.argv[1].encode()).decode())",
        "import sys,base64; print(base64.encodebytes(sys.argv[1].encode()*1).decode())",
        "import sys,subprocess; print(subprocess.run(['xxd','-p'], input=sys.argv[1].encode(), stdout=subprocess.PIPE).stdout.decode()) if __import__('shutil').which('xxd') else print(sys.argv[1])",
        "import sys,subprocess; print(subprocess.run(['od','-An','-tx1'], input=sys.argv[1].encode(), stdout=subprocess.PIPE).stdout.decode())",
        "import sys,subprocess; print(subprocess.run(['openssl','base64'], input=sys.argv[1].encode(), stdout=subprocess.PIPE).stdout.decode())",
    ])
    func eachWayOfWritingAValueIsHidden(_ program: String) throws {
        for value in [value, "hunter2hunter2", String(repeating: "Abc/9+", count: 30)] {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            process.arguments = ["-c", program, value]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0 && !output.isEmpty)
            let masked = try mask(value).masked(output)
            // What may stay are the ends of lines, padding, and letters that the neighbours decide.
            let rest = masked.replacing("***", with: "").filter { $0.isLetter || $0.isNumber }
            #expect(rest.count <= 14, "\(masked) of \(output)")
        }
    }

    @Test func linesOfAValueAndThePasswordOfAnAddressAreValuesToo() throws {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----"
        #expect(try mask(key).masked("line MIIEvQIBADANBgkqhkiG9w0BAQEF.") == "line ***.")
        #expect(try mask("postgres://app:c0rrecthorse@db/x").masked("password c0rrecthorse") == "password ***")
    }

    @Test func everydayWordsAndShortValuesAreLeftAlone() {
        for value in ["", "1", "true", "3000", "prod", "production", "localhost"] {
            #expect(SecretMask([Secret(name: "SECRET_KEY", value: value)]) == nil)
        }
    }

    @Test func aSecretIsToldByItsNameOrItsShape() {
        let confidential = [
            ("STRIPE_SECRET_KEY", "aaaaaaaa"), ("DB_PASSWORD", "aaaaaaaa"), ("SESSION_TOKEN", "aaaaaaaa"),
            ("DATABASE_URL", "postgres://u:pw@db/x"),
            ("WHATEVER", "ghp_" + "0123456789abcdefghij"), ("PEM", "-----BEGIN EC PRIVATE KEY-----\nx"),
            ("AZURE_CONNECTION_STRING", "aaaaaaaa"),
        ]
        for (name, value) in confidential { #expect(Secret(name: name, value: value).isConfidential, "\(name)") }
        let open = [
            ("API_URL", "https://api.example.org/v1"), ("SUPABASE_ANON_KEY", "eyJhbGciOiJIUzI1NiJ9"),
            ("STRIPE_PUBLISHABLE_KEY", "pk_live_aaaaaaaa"),
            ("MONKEY", "a long enough value"), ("SECRET", "short"), ("KEY", "production"),
        ]
        for (name, value) in open { #expect(!Secret(name: name, value: value).isConfidential, "\(name)") }
    }
}
