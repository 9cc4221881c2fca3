package import ForgeModel
package import ForgeStore
internal import ForgeSystem

/// Brings the root file systems of images into the store, each once.
package struct ImagePuller: Sendable {
    private static let maximumBytes: Int64 = 16 << 30
    private static let downloads = 3
    private static let pause = Duration.milliseconds(50)

    private let store: Store
    private let home: String
    private let endpoints: RegistryEndpoints
    private let credentials: RegistryCredentials
    private let caBundle: String?
    private let isOffline: Bool

    /// - Parameters:
    ///   - home: a folder for what is under way.
    ///   - caBundle: certificates that count besides the system's.
    ///   - isOffline: whether only what is in the store counts.
    package init(
        store: Store, home: String, endpoints: RegistryEndpoints, credentials: RegistryCredentials, caBundle: String?,
        isOffline: Bool = false
    ) {
        self.store = store
        self.home = home
        self.endpoints = endpoints
        self.credentials = credentials
        self.caBundle = caBundle
        self.isOffline = isOffline
    }

    /// The image, from the store or from its registry; several that ask at once pull it once. `progress` gets words for people.
    /// - Precondition: `reference` has a digest.
    /// - Throws: `image.…`, `archive.…`
    package func image(_ reference: ImageReference, progress: @escaping @Sendable (String) -> Void = { _ in }) async throws -> StoredImage {
        guard let digest = reference.digest else { preconditionFailure("an image without digest") }
        let platform = Platform.current
        if let image = try await store.images.load(digest, for: platform) { return image }
        guard !isOffline else {
            throw ForgeError(
                .build, "image.offline", "`\(reference)` is not in the store, and nothing is to be fetched",
                hint: "build once with the network")
        }
        let lock = try await turn(digest, progress)
        // Whoever had the turn before may have left it.
        if let image = try await store.images.load(digest, for: platform) { return image }
        let image = try await pull(reference, digest, platform, progress)
        withExtendedLifetime(lock) {}
        return image
    }

    /// The reference with the digest that its tag has now.
    /// - Throws: `image.…`
    package func pinned(_ reference: ImageReference) async throws -> ImageReference {
        try await working { folder in
            let client = try client(reference, folder)
            return reference.pinned(to: try await client.manifest(reference.tag ?? "latest").digest.hex)
        }
    }

    private func turn(_ digest: String, _ progress: @Sendable (String) -> Void) async throws -> FileLock {
        let path = "\(home)/turns/\(digest)"
        try await BlockingPool.run { try Files.makeDirectory(Files.parent(of: path), mode: 0o700) }
        var isTold = false
        while true {
            if let lock = try await BlockingPool.run({ try FileLock.attempt(path) }) { return lock }
            if !isTold { progress("another build is pulling this image: waiting for it") }
            isTold = true
            try await Task.sleep(for: Self.pause)
        }
    }

    private func client(_ reference: ImageReference, _ folder: String) throws -> RegistryClient {
        try RegistryClient(reference, endpoints: endpoints, credentials: credentials, caBundle: caBundle, home: folder)
    }

    private func working<Value: Sendable>(_ body: (String) async throws -> Value) async throws -> Value {
        let folder = try await BlockingPool.run { [home] in
            try Files.makeDirectory(home, mode: 0o700)
            try TemporaryDirectory.sweep(home, prefix: "pull")
            return try TemporaryDirectory(in: home, prefix: "pull")
        }
        do {
            let value = try await body(folder.path)
            try? await BlockingPool.run { try folder.remove() }
            return value
        } catch {
            try? await BlockingPool.run { try folder.remove() }
            throw error
        }
    }

    private func pull(
        _ reference: ImageReference, _ digest: String, _ platform: Platform, _ progress: @escaping @Sendable (String) -> Void
    ) async throws -> StoredImage {
        try await working { folder in
            let client = try client(reference, folder)
            let manifest = try await manifest(reference, digest, platform, client)
            let bytes = try await client.document(manifest.config, in: folder)
            let configuration = try ImageManifest.configuration(bytes, layers: manifest.layers.count, of: reference)
            if let its = configuration.platform, its != platform { throw wrongPlatform(reference, ["\(its)"], platform) }
            let documents = manifest.documents + [try await store.content.write(bytes)]
            let root = try await root(of: manifest.layers, reference, client, folder, progress)
            let image = StoredImage(
                digest: digest, platform: platform, root: root, path: configuration.path, name: reference.name, documents: documents)
            try await store.images.save(image)
            return image
        }
    }

    private struct Manifest {
        let config: Digest
        let layers: [Digest]
        let documents: [Digest]
    }

    private func manifest(
        _ reference: ImageReference, _ digest: String, _ platform: Platform, _ client: RegistryClient
    ) async throws -> Manifest {
        var name = digest
        var documents: [Digest] = []
        for _ in 0..<2 {
            let (bytes, _) = try await client.manifest("sha256:\(name)")
            documents.append(try await store.content.write(bytes))
            switch try ImageManifest.parse(bytes, of: reference) {
            case .image(let config, let layers): return Manifest(config: config, layers: layers, documents: documents)
            case .index(let entries):
                guard let entry = entries.first(where: { $0.platform.runs(on: platform) }) else {
                    throw wrongPlatform(reference, entries.map(\.platform.description), platform)
                }
                name = entry.digest
            }
        }
        throw ImageManifest.malformed(reference, "its index names another index for \(platform)")
    }

    private func wrongPlatform(_ reference: ImageReference, _ found: [String], _ platform: Platform) -> ForgeError {
        ForgeError(
            .build, "image.platform", "`\(reference)` is not for \(platform), only for \(Set(found).sorted().joined(separator: ", "))",
            hint: "name an image that is, or the index of one")
    }

    /// Downloads run ahead of the unpacking, which has its order.
    private func root(
        of layers: [Digest], _ reference: ImageReference, _ client: RegistryClient, _ folder: String,
        _ progress: @escaping @Sendable (String) -> Void
    ) async throws -> Digest {
        let total = layers.reduce(0) { $0 + $1.sizeBytes }
        let distinct = layers.enumerated().filter { layers.firstIndex(of: $1) == $0 }.map(\.element)
        return try await withThrowingTaskGroup(of: Digest.self) { group in
            var waiting = distinct[...]
            func startNext() {
                guard let layer = waiting.popFirst() else { return }
                group.addTask {
                    try await client.blob(layer, to: "\(folder)/\(layer.hex)")
                    return layer
                }
            }
            for _ in 0..<Self.downloads { startNext() }
            var assembly = try await ImageAssembly(trees: store.trees, maximumBytes: Self.maximumBytes)
            var here: Set<Digest> = []
            for (index, layer) in layers.enumerated() {
                progress("pulling \(reference.name): layer \(index + 1) of \(layers.count), \(total >> 20) MiB in all")
                while !here.contains(layer), let done = try await group.next() {
                    here.insert(done)
                    startNext()
                }
                let isLast = !layers[(index + 1)...].contains(layer)
                try await assembly.add("\(folder)/\(layer.hex)", named: "layer \(index + 1) of \(reference.name)", thenRemove: isLast)
            }
            return try await assembly.finished()
        }
    }
}

extension RegistryClient {
    /// A small blob, whole.
    fileprivate func document(_ digest: Digest, in folder: String) async throws -> [UInt8] {
        let limit: Int64 = 8 << 20
        guard digest.sizeBytes <= limit else {
            throw ForgeError(.build, "image.too-large", "the configuration of an image has \(digest.sizeBytes) bytes, more than \(limit)")
        }
        let path = "\(folder)/config"
        try await blob(digest, to: path)
        return try await BlockingPool.run { try Files.read(path) ?? [] }
    }
}
