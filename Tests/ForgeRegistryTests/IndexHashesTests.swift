import Testing

@testable import ForgeRegistry

/// What the documents of registries say of the files they lead to.
@Suite struct IndexHashesTests {
    private static let hex = String(repeating: "ab", count: 32)

    private func texts(_ index: IndexHashes, _ path: String) throws -> [String]? {
        index.hashes(of: try #require(PackageFile(path: path)))?.map(\.text)
    }

    @Test func npmsDocumentAlsoWhereItIsCoded() throws {
        // {"versions":{"1.0.0":{"dist":{"tarball":"https://r.example/a/-/a-1.0.0.tgz","shasum":"0123456789012345678901234567890123456789"}}}}
        let coded = try #require(Base64.decode(Self.gzip))
        let index = IndexHashes(coded, coding: "gzip")
        #expect(try texts(index, "/a/-/a-1.0.0.tgz") == ["sha1:0123456789012345678901234567890123456789"])
        #expect(try texts(index, "/a/-/a-1.0.1.tgz") == nil)
        #expect(try texts(IndexHashes(Array(coded.dropLast(12)), coding: "gzip"), "/a/-/a-1.0.0.tgz") == nil)
        #expect(try texts(IndexHashes(coded, coding: "br"), "/a/-/a-1.0.0.tgz") == nil)
    }

    @Test func pythonsDocumentsInBothForms() throws {
        let json =
            #"{"versions": ["1.0"], "files": [{"filename": "a-1.0-py3-none-any.whl", "url": "x", "hashes": {"sha256": "\#(Self.hex)"}}]}"#
        #expect(try texts(IndexHashes(Array(json.utf8), coding: nil), "/x/a-1.0-py3-none-any.whl") == ["sha256:\(Self.hex)"])
        let page = "<html><a href=\"../../files/a-1.0-py3-none-any.whl#sha256=\(Self.hex)\" data-x>a</a><a href='b-1.0.tar.gz'>b</a></html>"
        #expect(try texts(IndexHashes(Array(page.utf8), coding: nil), "/files/a-1.0-py3-none-any.whl") == ["sha256:\(Self.hex)"])
        #expect(try texts(IndexHashes(Array(page.utf8), coding: nil), "/files/b-1.0.tar.gz") == nil)
    }

    private static let gzip =
        "H4sIAAAAAAACA32LyQ2AMAwEe/Eb4nBDujEiAqRwKDYIEdE7RwHMZ+exE2C3nsdlZjABEqWVfqUbWd4V8i05BwYGkZ"
        + "UNolf2oGl1FgljpPhLlPQnRMAD8TY9Z52kWV6UVd38G1wPN34vQgaDAAAA"
}
