import ForgeModel
import Foundation
import Testing

@Test(arguments: [
    ("https://registry.example", "https://registry.example"), ("HTTPS://Registry.Example", "https://registry.example"),
    ("https://registry.example:443", "https://registry.example"), ("http://registry.example:80", "http://registry.example"),
    ("http://registry.example:443", "http://registry.example:443"), ("https://mirror.example:8443", "https://mirror.example:8443"),
    ("http://localhost:4873", "http://localhost:4873"), ("http://127.0.0.1:4873", "http://127.0.0.1:4873"),
    ("http://[::1]:4873", "http://[::1]:4873"), ("https://[2001:DB8:0:0::1]", "https://[2001:db8::1]"),
    ("https://[::ffff:7f00:1]", "https://[::ffff:127.0.0.1]"), ("https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
    ("https://a-b.1x.example", "https://a-b.1x.example"), ("https://0x7g.example", "https://0x7g.example"),
    ("https://mirror", "https://mirror"),
])
func anEntryHasOneText(text: String, canonical: String) throws {
    let origin = try EgressOrigin(parsing: text)
    #expect(origin.description == canonical)
    #expect(try EgressOrigin(parsing: canonical) == origin)
    #expect(try JSONDecoder().decode(EgressOrigin.self, from: JSONEncoder().encode(origin)) == origin)
}

@Test(arguments: [
    "", "registry.example", "https://", "https://:443", "ftp://registry.example", "file:///etc/passwd", "https:/registry.example",
    "https://registry.example/", "https://registry.example/npm", "https://registry.example?x", "https://registry.example#x",
    "https://*.example", "https://*", "https://user@registry.example", "https://user:word@registry.example", "https://registry.example.",
    "https://registry..example", "https://.example", "https://-a.example", "https://a-.example", "https://a_b.example",
    "https://a b.example",
    " https://registry.example", "https://registry.example ", "https://registry.example\n", "https://registry.example:",
    "https://registry.example:0",
    "https://registry.example:65536", "https://registry.example:08443", "https://registry.example:+1", "https://registry.example:٤",
    "https://registry.example:80:80", "https://2130706433", "https://0x7f000001", "https://0x7f.1", "https://017700000001", "https://127.1",
    "https://127.0.0.01", "https://0177.0.0.1", "https://127.0.0.1.", "https://1.2.3", "https://1.2.3.4.5", "https://256.1.1.1",
    "https://1.2.3.0x4", "https://a.0x", "https://[127.0.0.1]", "https://[::1", "https://::1", "https://[::1%lo]", "https://[::1%25lo]",
    "https://[fe80::1%eth0]:443", "https://[]", "https://[::1]x", "https://[::1]:", "https://bücher.example", "https://１２７.0.0.1",
    "https://registry%2eexample", "https://registry.example\\@evil.example", "https://registry\0.example", "https://ⓛocalhost",
    "https://" + String(repeating: "a", count: 64) + ".example", "https://" + String(repeating: "a.", count: 127) + "example",
])
func anythingButAnExactServerIsRefused(text: String) {
    #expect {
        try EgressOrigin(parsing: text)
    } throws: {
        let error = $0 as? ForgeError
        return error?.code == "config.egress-entry" && error?.message == "`\(text)` is not a server's exact address"
    }
}

@Test(arguments: [
    ("https://registry.example/npm/", "https://registry.example"), ("https://user:word@registry.example/x", "https://registry.example"),
    ("http://registry.example:8080?x=1", "http://registry.example:8080"), ("https://registry.example#f", "https://registry.example"),
    ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443"), ("https://evil.example/@registry.example", "https://evil.example"),
])
func theServerOfAURLIsFound(url: String, origin: String) {
    #expect(EgressOrigin(url: url)?.description == origin)
}

@Test(arguments: [
    "", "registry.example", "git+https://registry.example/x", "ssh://registry.example", "https://a@b@registry.example/",
    "https://registry.example\\@evil.example/", "https://127.1/", "https://registry.example:x/", "https:///x", "//registry.example/x",
])
func aURLThatCouldBeReadInTwoWaysHasNoServer(url: String) {
    #expect(EgressOrigin(url: url) == nil)
}

@Test func recordsSortByServerThenVerdictAndSurviveSaving() throws {
    func record(_ text: String?, _ verdict: EgressRecord.Verdict, _ reason: String? = nil) throws -> EgressRecord {
        EgressRecord(origin: try text.map(EgressOrigin.init(parsing:)), verdict: verdict, reason: reason, connections: 1, bytesSent: 2)
    }
    let sorted = [
        try record("https://a.example", .allowed), try record("https://a.example", .failed, "x"),
        try record("https://a.example", .refused, "a"),
        try record("https://a.example", .refused, "b"), try record("http://b.example", .allowed), try record("https://b.example", .allowed),
        try record(nil, .refused, "x"),
    ]
    #expect(sorted.reversed().sorted() == sorted)
    #expect(try JSONDecoder().decode([EgressRecord].self, from: JSONEncoder().encode(sorted)) == sorted)
}
