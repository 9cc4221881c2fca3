import ForgeModel
import Testing

@testable import ForgeGit

@Suite struct RemoteLocationTests {
    private func parsed(_ text: String) -> String? {
        guard let location = try? RemoteLocation(parsing: text) else { return nil }
        let port = location.port.map(String.init) ?? "-"
        return "\(location.transport) \(location.user ?? "-") \(location.host) \(port) \(location.path) \(location.name)"
    }

    @Test func everyFormOfAURLIsUnderstood() {
        #expect(parsed("https://example.org/team/site.git") == "https - example.org - /team/site.git site")
        #expect(parsed("HTTP://example.org:8080/site") == "http - example.org 8080 /site site")
        #expect(parsed("ssh://git@example.org:2222/team/site.git") == "ssh git example.org 2222 /team/site.git site")
        #expect(parsed("ssh://ada@example.org/~ada/site") == "ssh ada example.org - ~ada/site site")
        #expect(parsed("git@example.org:team/site.git") == "ssh git example.org - team/site.git site")
        #expect(parsed("example.org:/srv/site.git") == "ssh - example.org - /srv/site.git site")
        #expect(parsed("git://[::1]:9418/a%20b.git") == "git - ::1 9418 /a b.git a b")
    }

    @Test(arguments: ["site", "./site:1", "/srv/a:b", "..", "file:///srv/site", "C", ":x", "a:"])
    func whatLiesOnThisMachineIsNoRemote(text: String) throws {
        #expect(try RemoteLocation(parsing: text) == nil)
    }

    @Test(arguments: [
        ("ftp://example.org/x", "source.unsupported-url"), ("ext::sh", "source.unsupported-url"),
        ("git+ssh://h/x", "source.unsupported-url"),
        ("https://", "source.malformed-url"), ("https://example.org", "source.malformed-url"),
        ("https://example.org/", "source.malformed-url"),
        ("https://example.org:0/x", "source.malformed-url"), ("https://example.org:99999/x", "source.malformed-url"),
        ("https://exa mple.org/x", "source.malformed-url"), ("ssh://-oProxyCommand=x/y", "source.malformed-url"),
        ("-oProxyCommand=x@example.org:y", "source.malformed-url"), ("ssh://-x@example.org/y", "source.malformed-url"),
        ("ssh://example.org/a%0ab", "source.malformed-url"), ("example.org:-x", "source.malformed-url"),
        ("https://example.org/x\ny", "source.malformed-url"), ("git://example.org/%zz", "source.malformed-url"),
        ("git://example.org/a%+1", "source.malformed-url"),
    ])
    func whatIsNoURLOfARepositoryIsRefused(text: String, code: String) {
        #expect(throws: ForgeError.self) { try RemoteLocation(parsing: text) }
        do { _ = try RemoteLocation(parsing: text) } catch { #expect(error.code == code) }
    }

    @Test func secretsAreSplitOffBeforeAnythingElseAndNeverShowThemselves() {
        func split(_ text: String) -> String {
            let (location, userinfo) = RemoteUserinfo.split(text)
            return "\(location) \(userinfo?.user ?? "-") \(userinfo?.password?.text ?? "-")"
        }
        #expect(split("https://ada:s%40cret@example.org/x") == "https://example.org/x ada s@cret")
        #expect(split("https://t@ken@example.org/x") == "https://example.org/x t@ken -")
        #expect(split("ssh://git:secret@example.org/x") == "ssh://git@example.org/x git secret")
        #expect(split("https://example.org/a@b") == "https://example.org/a@b - -")
        #expect(split("git@example.org:x") == "git@example.org:x - -")
        #expect(split("nonsense://a:b@c") == "nonsense://a@c a b")
        #expect(split("https://a:b@exa mple/x") == "https://exa mple/x a b")
        let userinfo = RemoteUserinfo.split("https://ada:secret@example.org/x").userinfo
        var dumped = ""
        dump(userinfo, to: &dumped)
        #expect(!"\(userinfo as Any) \(String(reflecting: userinfo)) \(dumped)".contains("secret\""))
        #expect("\(userinfo?.password as Any)" == "Optional((secret))")
    }

    @Test func thePathIsOneWordToTheShellOverThere() throws {
        func command(_ text: String) throws -> [String] {
            Array(SSHCommand(try #require(try RemoteLocation(parsing: text)), connectSeconds: 9).arguments.suffix(5))
        }
        #expect(
            try command("ssh://git@example.org:22/it's; rm -rf x") == [
                "-p", "22", "--", "git@example.org", "git-upload-pack '/it'\\''s; rm -rf x'",
            ])
        #expect(try command("ssh://h:1/~ada/my site").last == "git-upload-pack ~ada'/my site'")
        #expect(try command("ssh://h:1/~a$(x)/y").last == "git-upload-pack '~a$(x)/y'")
        #expect(SSHCommand.options(connectSeconds: 9).contains("BatchMode=yes"))
        #expect(SSHCommand.options(connectSeconds: 9).contains("StrictHostKeyChecking=yes"))
    }
}
