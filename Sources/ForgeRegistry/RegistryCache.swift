internal import ForgeModel
package import ForgeStore
internal import ForgeSystem
internal import Glibc
internal import NIOCore
internal import NIOSSL

/// What registries have answered on this machine: in the store, and, until their steps have ended, in files of this process. Shared by all
/// steps of a build.
package actor RegistryCache {
    /// An answer that is not stored yet.
    private struct Pending {
        let entry: RegistryEntry
        let file: String
    }

    private let store: Store
    private let caBundle: String?
    private var folder: TemporaryDirectory?
    private var pending: [RegistryEntryKey: Pending] = [:]
    /// Files that bodies are being written to.
    private var growing: Set<String> = []
    private var used: Set<RegistryEntryKey> = []
    private var count = 0
    private var tls: NIOSSLContext?

    /// - Parameter caBundle: the operator's certificates, which registries may be signed by besides the system's.
    package init(store: Store, caBundle: String?) {
        self.store = store
        self.caBundle = caBundle
    }

    /// An answer and its body, verified, from the first byte on.
    struct Found: Sendable {
        let entry: RegistryEntry
        let body: Descriptor
    }

    /// What there is under the first of `keys` that has something.
    func find(_ keys: [RegistryEntryKey]) async throws -> Found? {
        for key in keys {
            if let pending = pending[key], let body = try? Descriptor.open(pending.file, O_RDONLY | O_NOFOLLOW) {
                return Found(entry: pending.entry, body: body)
            }
        }
        guard let entry = try await store.registries.find(keys), let body = try await store.registries.body(of: entry) else { return nil }
        used.insert(entry.key)
        return Found(entry: entry, body: body)
    }

    /// A new file of this process, for a body to be written to.
    func newFile() async throws -> String {
        let folder = try folder ?? TemporaryDirectory(in: store.temporary, prefix: "registry")
        self.folder = folder
        count += 1
        let file = "\(folder.path)/\(count)"
        growing.insert(file)
        return file
    }

    /// Takes over the file `newFile` named. Found from now on; stored by `flush`.
    func keep(_ entry: RegistryEntry, in file: String) {
        growing.remove(file)
        if let older = pending.updateValue(Pending(entry: entry, file: file), forKey: entry.key) { unlink(older.file) }
    }

    /// Nothing came of the file.
    func discard(_ file: String) {
        growing.remove(file)
        unlink(file)
    }

    /// Stores what was kept; durable on return.
    func flush() async throws {
        let batch = pending
        let touched = used
        used = []
        try await store.registries.add(batch.values.map { ($0.entry, $0.file) })
        for (key, item) in batch {
            if pending[key]?.file == item.file { pending[key] = nil }
            unlink(item.file)
        }
        try await store.registries.touch(touched)
        if pending.isEmpty, growing.isEmpty, let folder {
            self.folder = nil
            try await BlockingPool.run { try folder.remove() }
        }
    }

    /// How registries are talked to: the system's and the operator's authorities, and the right name.
    /// - Throws: `ForgeError` `egress.no-ca-bundle`
    func clientTLS() async throws -> NIOSSLContext {
        if let tls { return tls }
        let made = try await BlockingPool.run { [caBundle] in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.applicationProtocols = ["http/1.1"]
            // Who closes need not wait for the other side's word (RFC 8446, 6.1), and some servers never send it: five seconds for each install.
            configuration.shutdownTimeout = .milliseconds(10)
            do {
                if let caBundle { configuration.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(caBundle))] }
                return try NIOSSLContext(configuration: configuration)
            } catch {
                throw ForgeError(
                    .configuration, "egress.no-ca-bundle", "the CA bundle `\(caBundle ?? "of the system")` cannot be read",
                    hint: "name a PEM file", cause: error)
            }
        }
        tls = made
        return made
    }
}
