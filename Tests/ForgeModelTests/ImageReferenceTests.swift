import ForgeModel
import Testing

@Suite struct ImageReferenceTests {
    private static let hex = String(repeating: "0a", count: 32)

    @Test(arguments: [
        "registry.example/base", "registry.example:5000/team/base:12", "localhost/x", "127.0.0.1:5000/a.b/c__d/e---f:V_1.0-x@sha256:\(hex)",
        "[::1]:5000/base@sha256:\(hex)",
    ])
    func aNameThatIsSoundIsWrittenAsItWasRead(_ text: String) throws {
        #expect(try ImageReference(parsing: text).description == text)
    }

    @Test(arguments: [
        "base", "base:12", "team/base", "registry.example", "registry.example/", "registry.example/Base", "registry.example/a//b",
        "registry.example/a/../b", "registry.example/-a", "registry.example/a:", "registry.example/a:b c", "registry.example/a@sha256:00",
        "registry.example/a@sha512:\(hex)", "registry.example:0/a", "registry..example/a", "user@registry.example/a",
        "registry.example/a?b", "registry.example/a%2fb", "http://registry.example/a", "0x7f.1/a",
        "registry.example/\(String(repeating: "a", count: 256))",
    ])
    func aNameThatIsNoneIsRefused(_ text: String) { #expect(throws: ImageReferenceError.self) { try ImageReference(parsing: text) } }

    @Test func thePortThatHTTPSHasAnywayIsNoPartOfARegistrysName() throws {
        #expect(try ImageReference(parsing: "Registry.Example:443/a").name == "registry.example/a")
    }
}
