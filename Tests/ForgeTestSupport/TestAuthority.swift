import Foundation

/// A certificate authority of a test's own, and a certificate of 127.0.0.1 that it has signed.
package struct TestAuthority: Sendable {
    /// PEM files.
    package let certificate: String
    package let server: String
    package let key: String

    package static func make(in home: ForgeHome) async throws -> TestAuthority {
        let folder = "\(home.folder)/authority"
        try Folder.make(folder)
        let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        try await openssl(
            home, ["req", "-x509", "-subj", "/CN=Authority of a test", "-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.pem"] + ec)
        try await openssl(
            home,
            [
                "req", "-x509", "-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key", "-subj", "/CN=registry", "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:registry.test", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout",
                "\(folder)/server.key", "-out", "\(folder)/server.pem",
            ] + ec)
        return TestAuthority(certificate: "\(folder)/ca.pem", server: "\(folder)/server.pem", key: "\(folder)/server.key")
    }

    private static func openssl(_ home: ForgeHome, _ arguments: [String]) async throws {
        let run = try await home.start(program: "/usr/bin/openssl", arguments).finish()
        guard run.exitCode == 0 else { throw TestSupportError("openssl failed: \(run.error)") }
    }
}
