package import ForgeModel
internal import ForgePresets
package import ForgeStore
internal import ForgeSystem
internal import Foundation

/// The toolchains that lie in the store as trees. One that does not is fetched, held against its SHA-256 and unpacked, once a machine.
package struct ToolchainShelf: Sendable {
    private let store: Store
    private let folder: String
    private let download: ToolchainDownload
    private let isOffline: Bool

    /// - Parameters:
    ///   - folder: for what is being fetched, and for which tree came of which file.
    ///   - environment: the operator's, in which `pip` and `curl` are run.
    ///   - isOffline: whether only what is in the store counts.
    package init(store: Store, folder: String, environment: [String: String], isOffline: Bool = false) {
        self.store = store
        self.folder = folder
        self.isOffline = isOffline
        download = ToolchainDownload(environment: environment)
    }

    /// The tree of `pin`, whole in the store and safe from the collector while this process lives.
    /// `fetching` is called before anything is asked of the network.
    /// - Throws: `toolchain.offline`, `toolchain.unavailable`, `toolchain.digest`, `toolchain.layout`, and what archives throw.
    package func tree(of pin: ToolchainPin, fetching: @Sendable () -> Void) async throws -> Digest {
        let memo = "\(folder)/\(try pin.key.hex).json"
        if let tree = try await known(memo) { return tree }
        guard !isOffline else {
            throw ForgeError(
                .build, "toolchain.offline", "\(pin.name) \(pin.version) is not in the store, and nothing is fetched",
                hint: "build once without `--offline`")
        }
        try await BlockingPool.run { [folder] in try Files.makeDirectory(folder, mode: 0o700) }
        // Of several builds that want it, one fetches it.
        let turn = try await FileLock.acquire("\(memo).lock")
        defer { withExtendedLifetime(turn) {} }
        if let tree = try await known(memo) { return tree }
        fetching()
        let tree = try await fetch(pin)
        try await BlockingPool.run { try Files.writeAtomically(CanonicalJSON.encode(tree), to: memo, mode: 0o600) }
        try await store.sources.note(tree)
        return tree
    }

    private func known(_ memo: String) async throws -> Digest? {
        let tree = try await BlockingPool.run {
            try Files.read(memo, limit: 4096).flatMap { try? CanonicalJSON.decode(Digest.self, from: $0) }
        }
        guard let tree, try await store.trees.acquire(tree) else { return nil }
        try await store.sources.note(tree)
        return tree
    }

    private func fetch(_ pin: ToolchainPin) async throws -> Digest {
        let home = try await BlockingPool.run { [folder] in try TemporaryDirectory(in: folder, prefix: "fetch") }
        do {
            let path = try await download.file(of: pin, into: home.path)
            let tree = try await unpacked(path, pin)
            try await BlockingPool.run { try home.remove() }
            return tree
        } catch {
            try? await BlockingPool.run { try home.remove() }
            throw error
        }
    }

    private func unpacked(_ path: String, _ pin: ToolchainPin) async throws -> Digest {
        let (file, found) = try await BlockingPool.run {
            let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
            return (file, try Self.sha256(of: file))
        }
        guard found == pin.sha256 else {
            throw ForgeError(
                .build, "toolchain.digest",
                "\(pin.name) \(pin.version) of \(pin.origin) is not what it should be: expected SHA-256 \(pin.sha256), found \(found)",
                hint: "whoever serves it here serves another file; nothing of it was kept")
        }
        let name = path.split(separator: "/").last.map(String.init) ?? pin.name
        let whole = try await ArchiveImporter(trees: store.trees).importArchive(
            Descriptor.open(path, O_RDONLY | O_NOFOLLOW), named: name, rules: .package)
        let root = try pin.source.root(pin.version)
        guard let part = try await store.trees.subtree(whole.root, at: root) else {
            throw ForgeError(
                .build, "toolchain.layout", "`\(name)` has no folder `\(root)`", hint: "correct `root` in the toolchain's descriptor")
        }
        return try await store.trees.link(part, pin.source.links(pin.version).map { ($0.path, $0.target) }, named: name)
    }

    private static func sha256(of file: Descriptor) throws -> String {
        var hasher = DigestHasher()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { return hasher.finish().hex }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
