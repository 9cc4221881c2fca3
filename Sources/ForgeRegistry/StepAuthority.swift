internal import Crypto
internal import Foundation
internal import ForgeModel
internal import Glibc
internal import NIOSSL
internal import SwiftASN1
internal import Synchronization
internal import X509

/// The certificate authority of one step: trusted by nobody else, for no other server than the step's registries, for a day at most. Its key
/// and the servers' stay in memory.
/// Source: RFC 5280 sections 4.2.1.6 (names), 4.2.1.9 and 4.2.1.10 (constraints).
struct StepAuthority: Sendable {
    /// The certificate; PEM.
    let certificate: String
    private let key: P256.Signing.PrivateKey
    private let name: DistinguishedName
    private let contexts = Made()

    /// The TLS of each server, made when it is first asked for.
    private final class Made: Sendable {
        let table = Mutex<[EgressOrigin: NIOSSLContext]>([:])
    }

    /// - Parameter lifetime: seconds, from now on.
    init(for origins: Set<EgressOrigin>, lifetime: TimeInterval = 86400) throws {
        key = P256.Signing.PrivateKey()
        name = try DistinguishedName { CommonName("Forge, for one step") }
        let hosts = Set(origins.map(\.host)).sorted()
        let addresses = hosts.compactMap(Self.bytes(ofAddress:)).map { ASN1OctetString(contentBytes: ($0 + $0.map { _ in 0xFF })[...]) }
        // Where one kind of name is not needed, none of it is permitted.
        let names = hosts.filter { Self.bytes(ofAddress: $0) == nil }
        let constraints = NameConstraints(
            permittedDNSDomains: NameConstraints.DNSNames(names.isEmpty ? ["invalid"] : names),
            permittedIPRanges: NameConstraints.IPRanges(
                addresses.isEmpty ? [ASN1OctetString(contentBytes: [255, 255, 255, 255, 255, 255, 255, 255])] : addresses))
        let issued = Certificate.PrivateKey(key)
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: issued.publicKey, notValidBefore: Date(timeIntervalSinceNow: -3600),
            notValidAfter: Date(timeIntervalSinceNow: lifetime), issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                Critical(constraints)
                SubjectKeyIdentifier(hash: issued.publicKey)
            }, issuerPrivateKey: issued)
        self.certificate = try certificate.serializeAsPEM().pemString + "\n"
    }

    /// What TLS presents for `origin`.
    func context(for origin: EgressOrigin) throws -> NIOSSLContext {
        try contexts.table.withLock { table in
            if let known = table[origin] { return known }
            let context = try make(origin)
            table[origin] = context
            return context
        }
    }

    private func make(_ origin: EgressOrigin) throws -> NIOSSLContext {
        let own = P256.Signing.PrivateKey()
        let host: GeneralName =
            Self.bytes(ofAddress: origin.host).map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) } ?? .dnsName(origin.host)
        let publicKey = Certificate.PrivateKey(own).publicKey
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: Date(timeIntervalSinceNow: -3600),
            notValidAfter: Date(timeIntervalSinceNow: 86400), issuer: name, subject: try DistinguishedName { CommonName("Forge's proxy") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([host])
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: Certificate.PrivateKey(key).publicKey).keyIdentifier)
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        var serializer = DER.Serializer()
        try serializer.serialize(leaf)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(own.derRepresentation), format: .der)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    /// nil for a name.
    private static func bytes(ofAddress host: String) -> [UInt8]? {
        var four = [UInt8](repeating: 0, count: 4)
        var six = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &four) == 1 { return four }
        return inet_pton(AF_INET6, host, &six) == 1 ? six : nil
    }
}
