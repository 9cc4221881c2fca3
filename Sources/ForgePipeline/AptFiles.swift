internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// What apt is to know of this machine when it runs in a step: its sources and their keys, and what is installed. Nothing secret:
/// `auth.conf` stays out.
struct AptFiles: SourceTree {
    private static let folders = ["sources.list.d", "trusted.gpg.d", "keyrings", "preferences.d"]
    private static let maximumFile = 64 << 20

    private let files: [RelativePath: [UInt8]]

    /// Reads them below `root`; blocks.
    /// - Throws: `packages.no-apt`
    init(ofMachineAt root: String = "") throws {
        var files: [RelativePath: [UInt8]] = [:]
        guard let status = try Files.read("\(root)/var/lib/dpkg/status", limit: Self.maximumFile) else {
            throw ForgeError(
                .build, "packages.no-apt", "this machine's system is none of Debian's, so `packages` cannot be added to it",
                hint: "name an image that is: `image = \"registry.example/debian@sha256:…\"` below `[build]`")
        }
        files[try RelativePath(parsing: "dpkg/status")] = status
        let folders = try Self.folders.flatMap { folder in try Files.list("\(root)/etc/apt/\(folder)").map { "\(folder)/\($0)" } }
        for name in ["sources.list", "preferences"] + folders {
            guard let path = try? RelativePath(parsing: "apt/\(name)"),
                FileSignature.of("\(root)/etc/apt/\(name)")?.isFile == true,
                let bytes = try Files.read("\(root)/etc/apt/\(name)", limit: Self.maximumFile)
            else { continue }
            files[path] = name.hasPrefix("sources") ? Self.moved(bytes) : bytes
        }
        self.files = files
    }

    /// Keys that are named by their place are named by where the step sees them.
    private static func moved(_ bytes: [UInt8]) -> [UInt8] {
        Array(String(decoding: bytes, as: UTF8.self).replacing("/etc/apt/", with: "/workspace/apt/").utf8)
    }

    var origins: Set<EgressOrigin> {
        files.filter { $0.key.name.hasPrefix("sources") || $0.key.string.hasPrefix("apt/sources.list.d/") }.reduce(into: []) {
            $0.formUnion(AptSources.origins(in: String(decoding: $1.value, as: UTF8.self), named: $1.key.name))
        }
    }

    func node(at path: RelativePath) -> SourceNode? {
        if let bytes = files[path] { return .file(executable: false, size: Int64(bytes.count)) }
        return path.isRoot || files.keys.contains { $0.isWithin(path) } ? .directory : nil
    }

    func entries(of path: RelativePath) -> [SourceEntry] {
        let names = Set(files.keys.filter { $0.isWithin(path) && $0 != path }.map { $0.components[path.components.count] })
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
            node(at: path.appending(component: name)).map { SourceEntry(name: name, node: $0) }
        }
    }

    func read(_ path: RelativePath, limit: Int) -> [UInt8]? { files[path].map { Array($0.prefix(limit)) } }
}
