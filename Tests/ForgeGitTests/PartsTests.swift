import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

@testable import ForgeGit

@Suite struct PartsTests {
    @Test func whatIsKnownOfBlobsIsWrittenReadAndForgottenWhenDamaged() throws {
        let workshop = try Workshop()
        let path = workshop.root + "/digests"
        func id(_ number: Int) throws -> ObjectID {
            let text = String(number, radix: 16)
            return try #require(ObjectID(hex: String(repeating: "0", count: 40 - text.count) + text))
        }
        func digest(_ number: Int) -> Digest { Digest(of: String(repeating: "x", count: number)) }
        var all: [ObjectID: Digest] = [:]
        for number in stride(from: 1, to: 400, by: 3) { all[try id(number)] = digest(number) }
        try BlobDigests(at: path).adding(all, size: all.count).save(to: path)
        let more = [try id(2): digest(2), try id(4): digest(5), try id(1000): digest(7)]
        try BlobDigests(at: path).adding(more, size: 3).save(to: path)
        let read = BlobDigests(at: path)
        #expect(read.count == all.count + 2)
        for (id, digest) in all.merging(more, uniquingKeysWith: { $1 }) { #expect(read.digest(of: id) == digest) }
        #expect(try read.digest(of: id(3)) == nil)
        let bytes = try #require(try Files.read(path))
        for position in [0, 20, bytes.count / 2, bytes.count - 1] {
            var wrong = bytes
            wrong[position] ^= 1
            try Files.writeAtomically(wrong, to: path)
            #expect(BlobDigests(at: path).count == 0)
        }
        for length in [0, 5, 14, 45, 46, bytes.count - 60, bytes.count - 1] {
            try Files.writeAtomically(Array(bytes.prefix(length)), to: path)
            #expect(BlobDigests(at: path).count == 0)
        }
    }

    @Test func theLeastRecentlyUsedMirrorsGoFirstAndThoseInUseStay() async throws {
        let workshop = try Workshop()
        let mirrors = RemoteMirrors(folder: workshop.root + "/mirrors", maximumBytes: 2500)
        for (name, time) in [("a", 300), ("b", 100), ("c", 200), ("d", 50)] {
            let mirror = try await mirrors.lease(name)
            try workshop.write(["pack-1.pack": String(repeating: "x", count: 1000)], in: "mirrors/\(name)/repository/objects/pack")
            try Files.setTimes(workshop.root + "/mirrors/\(mirror.name).lock", Int64(time))
        }
        let used = try #require(try FileLock.attempt(workshop.root + "/mirrors/d.lock"))
        try await mirrors.trim()
        withExtendedLifetime(used) {}
        #expect(["a", "b", "c", "d"].filter { Files.exists("\(workshop.root)/mirrors/\($0)") } == ["a", "d"])
    }

    @Test func whoReadsARemoteIsPartOfItsMirrorsNameAndNoSecretIs() async throws {
        let workshop = try Workshop()
        let mirrors = RemoteMirrors(folder: workshop.root + "/mirrors")
        func name(_ url: String, token: String? = nil) async throws -> String {
            let (text, userinfo) = RemoteUserinfo.split(url)
            let location = try #require(try RemoteLocation(parsing: text))
            return try await mirrors.name(
                for: location, reader: RemoteCredentials(userinfo: userinfo, token: token.map(Secret.init), environment: [:]))
        }
        let plain = try await name("https://example.org/a.git")
        #expect(try await name("HTTPS://Example.org/a.git") == plain)
        #expect(try await name("https://ada@example.org/a.git") == plain)
        let others = [
            try await name("http://example.org/a.git"), try await name("https://example.org/b.git"),
            try await name("https://example.org:8443/a.git"), try await name("https://ada:x@example.org/a.git"),
            try await name("https://bob:x@example.org/a.git"), try await name("https://example.org/a.git", token: "x"),
            try await name("https://example.org/a.git", token: "y"), try await name("ssh://example.org/a.git"),
            try await name("ssh://git@example.org/a.git"), plain,
        ]
        #expect(Set(others).count == others.count)
        let elsewhere = RemoteMirrors(folder: workshop.root + "/others")
        let location = try #require(try RemoteLocation(parsing: "https://example.org/a.git"))
        let reader = RemoteCredentials(userinfo: nil, token: Secret("x"), environment: [:])
        #expect(try await elsewhere.name(for: location, reader: reader) != mirrors.name(for: location, reader: reader))
    }

    @Test(arguments: [
        ("https://h/a/b.git", "../c.git", "https://h/a/c.git"), ("https://h:1/a/b.git", "./c", "https://h:1/a/b.git/c"),
        ("ssh://git@h/a/b", "../../c/d", "ssh://git@h/c/d"), ("git@h:a/b.git", "../c.git", "git@h:a/c.git"),
        ("https://h/a", "https://other/b", "https://other/b"), ("https://h/a", "../..", nil), ("https://h/a", "/b", nil),
        ("https://h/a", "file:///b", nil), ("https://h/a", "ext::x", nil), ("https://h/a", "-x", nil), ("https://h/a", "../b\nc", nil),
    ])
    func aSubmodulesURLIsTakenAsGitTakesItOrRefused(base: String, url: String, expected: String?) throws {
        let submodule = Submodule(path: try RelativePath(parsing: "x"), commit: String(repeating: "1", count: 40), name: "x", url: url)
        let location = try #require(try RemoteLocation(parsing: base))
        let place = try? submodule.place(relativeTo: .remote(location, nil))
        if case .remote(let found, _)? = place { #expect(found.text == expected) } else { #expect(expected == nil) }
    }

    /// Held against git itself.
    @Test func configurationTextIsReadAsGitReadsIt() async throws {
        let workshop = try Workshop()
        let text = """
            \u{FEFF}# comment
            [submodule "a b\\"c\\\\d"] path = x ; comment
            \turl = "quoted ; value" # comment
              Update = one\\ttwo \\
              three   
            [Submodule "Case"]
            path=a"b  c"d
            flag
            [submodule.dotted]
            url = y\r
            """
        try workshop.write(["modules": text], in: "repository")
        let git = try await workshop.git("config", "-f", "modules", "--list", "-z")
        let theirs = Set(git.split(separator: "\0").map(String.init))
        let ours = try #require(GitConfigText.assignments(in: text))
        for line in ours where line.key != "flag" && !line.section.contains(".") {
            #expect(theirs.contains("\(line.section).\(line.subsection).\(line.key)\n\(line.value)"), "\(line)")
        }
        #expect(ours.count == 6)
        for bad in ["[x", "[x]\na = \"b\n", "[x]\na = \\q", "[x \"a\nb\"]", "[x]\n= y", "[x]\na b"] {
            try workshop.write(["bad": bad], in: "repository")
            let refused = try await workshop.shell("git config -f bad --list >/dev/null 2>&1 && echo taken || echo refused")
            #expect(GitConfigText.assignments(in: bad) == nil && refused == "refused", "\(bad)")
        }
    }

    @Test func onlyTheOneFormOfAPointerIsOne() {
        let oid = String(repeating: "ab", count: 32)
        func pointer(_ text: String) -> Digest? { LFSPointer(Array(text.utf8))?.digest }
        let head = "version https://git-lfs.github.com/spec/v1\n"
        #expect(pointer("\(head)oid sha256:\(oid)\nsize 12345\n") == (try? Digest(hex: oid, sizeBytes: 12345)))
        for text in [
            "\(head)oid sha256:\(oid)\nsize 12345", "\(head)oid sha256:\(oid)\nsize 012345\n", "\(head)oid sha256:\(oid)\nsize -1\n",
            "\(head)oid sha256:\(oid.uppercased())\nsize 1\n", "\(head)oid md5:\(oid)\nsize 1\n", "\(head)oid sha256:\(oid)\nsize 1\nx 1\n",
            "\(head)ext-0-x sha256:\(oid)\noid sha256:\(oid)\nsize 1\n", "", "oid sha256:\(oid)\nsize 1\n",
        ] { #expect(pointer(text) == nil, "\(text)") }
    }
}
