import ForgeModel
import Testing

@testable import ForgeRegistry

/// Who is told what, and who is not.
@Suite struct CredentialTests {
    private static let registries = Set(
        ["https://npm.example", "https://other.example:8443", "http://127.0.0.1:4873"].compactMap { EgressOrigin(url: $0) })

    private func said(_ credentials: [RegistryCredential], _ url: String) throws -> String? {
        let origin = try #require(EgressOrigin(url: url))
        let path = url.dropFirst(origin.scheme.rawValue.count + 3).drop { $0 != "/" }
        return credentials.credential(for: origin, String(path))?.authorization
    }

    @Test func npmsLinesAreForTheServerAndTheFolderTheyName() throws {
        let found = CredentialText.npm(
            """
            registry=https://npm.example/
            _authToken=for-nobody
            //npm.example/:_authToken=wide
            //npm.example/team/:_authToken="${TOKEN}"
            //npm.example/gone/:_authToken=${MISSING}
            //other.example:8443/:_auth=YWRhOndvcmQ=
            //127.0.0.1:4873/:username = ada
            //127.0.0.1:4873/:_password = d29yZA==
            //elsewhere.example/:_authToken=elsewhere
            """, for: Self.registries, environment: ["TOKEN": "narrow"])
        #expect(try said(found, "https://npm.example/express") == "Bearer wide")
        #expect(try said(found, "https://npm.example/team/express") == "Bearer narrow")
        #expect(try said(found, "https://npm.example/team/../express") == "Bearer wide")
        #expect(try said(found, "https://npm.example/team/%2e%2e/express") == "Bearer wide")
        #expect(try said(found, "https://npm.example/gone/express") == "Bearer wide")
        #expect(try said(found, "https://other.example:8443/x") == "Basic YWRhOndvcmQ=")
        #expect(try said(found, "http://127.0.0.1:4873/x") == "Basic YWRhOndvcmQ=")
        #expect(try said(found, "https://other.example/x") == nil)
        #expect(try said(found, "http://npm.example/x") == nil)
        #expect(try said(found, "https://elsewhere.example/x") == nil)
    }

    @Test func netrcIsForTLSAndThisMachineAndItsDefaultForNobody() throws {
        let plain = try #require(EgressOrigin(url: "http://npm.example"))
        let found = CredentialText.netrc(
            "# all\nmachine npm.example\n  login ada\n  password word\nmachine 127.0.0.1 login a password b\ndefault login x password y\n",
            for: Self.registries.union([plain]))
        #expect(try said(found, "https://npm.example/x") == "Basic YWRhOndvcmQ=")
        #expect(try said(found, "http://127.0.0.1:4873/x") == "Basic YTpi")
        #expect(try said(found, "http://npm.example/x") == nil)
        #expect(try said(found, "https://other.example:8443/x") == nil)
    }

    @Test func aURLsUserAndPasswordAreReadAsTheyAreMeant() throws {
        let credential = try #require(CredentialText.url("https://a%40b:p%3Aw@npm.example/simple"))
        #expect(credential.authorization == "Basic " + Base64.encode(Array("a@b:p:w".utf8)))
        #expect(try said([credential], "https://npm.example/files/x") == credential.authorization)
        #expect(CredentialText.url("https://npm.example/simple") == nil)
    }
}
