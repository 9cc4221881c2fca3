internal import ForgeModel
internal import ForgePresets
internal import ForgeStore
internal import ForgeSystem
internal import Foundation

/// Makes of unpacked packages a folder with programs in its `bin`: each is a few lines of shell that start the package's own file.
///
/// Sources: npm's documentation of `package.json`, "bin"; the Python packaging guide, "Entry points specification", console_scripts;
/// "Binary distribution format" for the folders of a wheel.
struct ToolchainWrapping: Sendable {
    /// Of what the wrappers say: raised when that changes.
    static let version = 1

    let trees: TreeStore
    /// Where the folder will be.
    let place: String

    private static let bin = RelativePath.root.appending(component: "bin")

    // MARK: npm

    /// - Parameter archive: as it was packed, everything below one folder.
    /// - Throws: `toolchain.layout`
    func npm(_ archive: Digest, _ pin: ToolchainPin) async throws -> Digest {
        let whole = trees.sourceTree(archive)
        let tops = try await BlockingPool.run { try whole.entries(of: .root).map(\.name) }
        guard tops.count == 1, let package = try await trees.subtree(archive, at: RelativePath(parsing: tops[0])) else {
            throw layout(pin, "holds \(tops.count) folders where npm's have one")
        }
        let tree = trees.sourceTree(package)
        let manifest = try await BlockingPool.run { try tree.read(RelativePath(parsing: "package.json"), limit: 4 << 20) }
        let programs = Self.programs(ofManifest: manifest ?? [], named: pin.source.origin)
        guard !programs.isEmpty else { throw layout(pin, "names no programs in `bin` of its package.json") }
        let folder = RelativePath.root.appending(component: "package")
        let wrappers = try programs.sorted { $0.key < $1.key }.map { name, file in
            let path = try RelativePath(parsing: file)
            return TreePart.file(
                Array("#!/bin/sh\nexec node \(place)/\(folder)/\(path) \"$@\"\n".utf8), isExecutable: true,
                at: Self.bin.appending(component: try Self.checked(name)))
        }
        return try await trees.assemble([.tree(package, at: folder)] + wrappers)
    }

    /// Program → file. A single file is named after the package.
    static func programs(ofManifest bytes: [UInt8], named package: String) -> [String: String] {
        guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else { return [:] }
        if let file = object["bin"] as? String { return [package.split(separator: "/").last.map(String.init) ?? package: file] }
        return (object["bin"] as? [String: Any] ?? [:]).compactMapValues { $0 as? String }
    }

    // MARK: Python

    /// - Parameter wheels: as they were packed, the one with the programs first.
    /// - Throws: `toolchain.layout`
    func python(_ wheels: [Digest], _ pin: ToolchainPin) async throws -> Digest {
        guard let main = wheels.first else { throw layout(pin, "holds nothing") }
        let programs = try await entryPoints(of: main)
        guard !programs.isEmpty else { throw layout(pin, "names no console_scripts") }
        var libraries: [TreePart] = []
        for wheel in wheels.reversed() { libraries += try await parts(of: wheel) }
        let wrappers = try programs.sorted { $0.key < $1.key }.map { name, entry in
            TreePart.file(Array(wrapper(name, entry).utf8), isExecutable: true, at: Self.bin.appending(component: try Self.checked(name)))
        }
        return try await trees.assemble(libraries + wrappers)
    }

    /// The system's interpreter, not that of a project's environment that happens to be active; and nothing of that environment in it.
    private func wrapper(_ name: String, _ entry: EntryPoint) -> String {
        """
        #!/bin/sh
        for python in /opt/forge/python/bin/python3 /usr/local/bin/python3 /usr/bin/python3; do
            [ ! -x "$python" ] || exec "$python" -I -c 'import sys
        sys.argv[0] = "\(name)"
        sys.path.insert(0, "\(place)/lib")
        from \(entry.module) import \(entry.object.prefix { $0 != "." })
        sys.exit(\(entry.object)())' "$@"
        done
        echo "\(name): there is no python3 below /usr" >&2
        exit 127

        """
    }

    /// What a wheel's installation puts into the library's folder.
    private func parts(of wheel: Digest) async throws -> [TreePart] {
        let tree = trees.sourceTree(wheel)
        let folders = try await BlockingPool.run { try tree.entries(of: .root).map(\.name).filter { $0.hasSuffix(".data") } }
        let library = RelativePath.root.appending(component: "lib")
        var parts = [TreePart.tree(wheel, at: library)]
        for folder in folders {
            for kind in ["purelib", "platlib"] {
                let path = RelativePath.root.appending(component: folder).appending(component: kind)
                if let inner = try await trees.subtree(wheel, at: path) { parts.append(.tree(inner, at: library)) }
            }
        }
        return parts
    }

    private func entryPoints(of wheel: Digest) async throws -> [String: EntryPoint] {
        let tree = trees.sourceTree(wheel)
        return try await BlockingPool.run {
            guard let info = try tree.entries(of: .root).map(\.name).first(where: { $0.hasSuffix(".dist-info") }) else { return [:] }
            let path = RelativePath.root.appending(component: info).appending(component: "entry_points.txt")
            return EntryPoint.consoleScripts(String(decoding: try tree.read(path, limit: 1 << 20) ?? [], as: UTF8.self))
        }
    }

    // MARK: Both

    private static func checked(_ name: String) throws -> String {
        guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*/) != nil else {
            throw ForgeError(.build, "toolchain.layout", "`\(name)` is no program's name")
        }
        return name
    }

    private func layout(_ pin: ToolchainPin, _ what: String) -> ForgeError {
        ForgeError(
            .build, "toolchain.layout", "\(pin.name) \(pin.version) of \(pin.origin) \(what)",
            hint: "correct `package` in the toolchain's descriptor")
    }
}

/// `module:object` of a console script.
struct EntryPoint: Hashable {
    let module: String
    let object: String

    init?(_ text: some StringProtocol) {
        guard let match = String(text).wholeMatch(of: /\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(\[.*\])?\s*/) else { return nil }
        (module, object) = (String(match.output.1), String(match.output.2))
    }

    /// Of an `entry_points.txt`.
    static func consoleScripts(_ text: String) -> [String: EntryPoint] {
        var isScripts = false
        var found: [String: EntryPoint] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("[") {
                isScripts = line.hasPrefix("[console_scripts]")
                continue
            }
            guard isScripts, let equals = line.firstIndex(of: "="), let entry = EntryPoint(line[line.index(after: equals)...]) else {
                continue
            }
            found[line[..<equals].filter { !$0.isWhitespace }] = entry
        }
        return found
    }
}
