import Testing

@testable import ForgeRegistry

/// What lockfiles say of the files of packages.
@Suite struct LockedHashesTests {
    private static let sha512 = "sha512-" + Base64.encode([UInt8](repeating: 7, count: 64))
    private static let hex = String(repeating: "ab", count: 32)

    private func found(_ name: String, _ text: String, _ url: String) throws -> [String]? {
        let path = url.drop { $0 != "/" }.dropFirst(2).drop { $0 != "/" }
        let file = try #require(PackageFile(path: String(path)))
        return LockedHashes(name, Array(text.utf8))?.hashes(of: file, url: url)?.map(\.text)
    }

    @Test func npmsOfEveryVersion() throws {
        let new = """
            {"packages": {"": {"dependencies": {"a": "^1"}},
              "node_modules/a": {"version": "1.2.3", "resolved": "https://r.example/a/-/a-1.2.3.tgz", "integrity": "\(Self.sha512)"},
              "node_modules/x/node_modules/@s/b": {"version": "2.0.0-rc.1", "integrity": "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA= \(Self.sha512)"},
              "node_modules/alias": {"name": "real", "version": "3.0.0", "integrity": "\(Self.sha512)"}}}
            """
        #expect(try found("package-lock.json", new, "https://r.example/a/-/a-1.2.3.tgz") == [Self.sha512])
        #expect(try found("package-lock.json", new, "https://mirror.example/npm/a/-/a-1.2.3.tgz") == [Self.sha512])
        #expect(try found("package-lock.json", new, "https://r.example/@s/b/-/b-2.0.0-rc.1.tgz") == [Self.sha512])
        #expect(try found("package-lock.json", new, "https://r.example/@s%2fb/-/b-2.0.0-rc.1.tgz") == [Self.sha512])
        #expect(try found("package-lock.json", new, "https://r.example/real/-/real-3.0.0.tgz") == [Self.sha512])
        #expect(try found("package-lock.json", new, "https://r.example/a/-/a-1.2.4.tgz") == nil)
        let old =
            #"{"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0", "integrity": "\#(Self.sha512)"}}}}}"#
        #expect(try found("package-lock.json", old, "https://r.example/b/-/b-2.0.0.tgz") == [Self.sha512])
        #expect(LockedHashes("package-lock.json", Array("{".utf8)) == nil)
    }

    @Test func yarnsAndPnpms() throws {
        let yarn = """
            # yarn lockfile v1

            "@s/b@^1.0.0", "@s/b@^1.1.0":
              version "1.1.0"
              resolved "https://r.example/@s/b/-/b-1.1.0.tgz#0123456789012345678901234567890123456789"
              integrity \(Self.sha512)

            old@1:
              version "1.0.0"
              resolved "https://r.example/old/-/old-1.0.0.tgz#0123456789012345678901234567890123456789"
            """
        #expect(try found("yarn.lock", yarn, "https://r.example/@s/b/-/b-1.1.0.tgz") == [Self.sha512])
        #expect(
            try found("yarn.lock", yarn, "https://r.example/old/-/old-1.0.0.tgz") == ["sha1:0123456789012345678901234567890123456789"])
        let pnpm = """
            packages:

              '@s/b@1.1.0(peer@2.0.0)':
                resolution: {integrity: \(Self.sha512)}

              /c/2.0.0:
                resolution: {integrity: \(Self.sha512), tarball: https://r.example/c.tgz}
            """
        #expect(try found("pnpm-lock.yaml", pnpm, "https://r.example/@s/b/-/b-1.1.0.tgz") == [Self.sha512])
        #expect(try found("pnpm-lock.yaml", pnpm, "https://r.example/c/-/c-2.0.0.tgz") == [Self.sha512])
    }

    @Test func pythons() throws {
        let list =
            "Tide_Tables[fast]==1.0 ; python_version > '3' \\\n    --hash=sha256:\(Self.hex) \\\n    --hash=sha256:\(Self.hex.reversed().map(String.init).joined())\n"
        let both = ["sha256:\(Self.hex)", "sha256:" + String(repeating: "ba", count: 32)]
        #expect(try found("requirements.txt", list, "https://f.example/x/tide_tables-1.0-py3-none-any.whl") == both)
        #expect(try found("requirements.txt", list, "https://f.example/x/tide-tables-1.0.tar.gz") == both)
        #expect(try found("requirements.txt", list, "https://f.example/x/tide_tables-1.1-py3-none-any.whl") == nil)
        let uv = """
            [[package]]
            name = "tide-tables"
            version = "1.0"
            sdist = { url = "https://f.example/tide-tables-1.0.tar.gz", hash = "sha256:\(Self.hex)", size = 1 }
            wheels = [{ url = "https://f.example/tide_tables-1.0-py3-none-any.whl", hash = "sha256:\(Self.hex)" }]
            """
        #expect(try found("uv.lock", uv, "https://f.example/tide-tables-1.0.tar.gz") == ["sha256:\(Self.hex)"])
        #expect(try found("uv.lock", uv, "https://f.example/tide_tables-1.0-py3-none-any.whl") == ["sha256:\(Self.hex)"])
        let poetry = """
            [[package]]
            name = "tide-tables"
            version = "1.0"
            files = [{ file = "tide_tables-1.0-py3-none-any.whl", hash = "sha256:\(Self.hex)" }]
            """
        #expect(try found("poetry.lock", poetry, "https://any.example/a/b/tide_tables-1.0-py3-none-any.whl") == ["sha256:\(Self.hex)"])
    }

    @Test(arguments: [
        ("bytes=0-0", ByteRange.part(0..<1)), ("bytes=2-", .part(2..<10)), ("bytes=-3", .part(7..<10)), ("bytes=-30", .part(0..<10)),
        ("bytes=5-100", .part(5..<10)), ("bytes=10-", .unsatisfiable), ("bytes=7-3", .unsatisfiable), ("bytes=-0", .unsatisfiable),
        ("bytes=0-1,3-4", .whole), ("lines=1-2", .whole), ("bytes=a-b", .whole), ("bytes=-", .whole),
    ]) func aRangeIsThePartItNames(header: String, range: ByteRange) { #expect(ByteRange(header, of: 10) == range) }

    @Test(arguments: ["/express", "/@scope%2fname", "/simple/flask/", "/-/ping", "/", "/files/flask-3.0.whl.metadata"])
    func whatLeadsToFilesIsADocument(path: String) { #expect(PackageFile(path: path) == nil) }
}
