internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// The interpreters that an image brings.
enum ImageToolchains {
    /// The files behind `names`, by the names that links to them may have.
    /// - Parameter executables: the programs that make up each toolchain.
    /// - Throws: `toolchain.missing`
    static func files(
        _ names: [String], executables: [String: [String]], in system: ArtifactSystem, _ store: Store, image: String
    ) async throws -> Set<String> {
        let tree = store.trees.sourceTree(system.root)
        let folders = system.path + HostToolchains.searchPath.filter { !system.path.contains($0) }
        return try await BlockingPool.run {
            var files: Set<String> = []
            for name in names.sorted() {
                let programs = executables[name] ?? [name]
                var found: [String] = []
                for program in programs {
                    for path in folders.map({ "\($0)/\(program)" }) {
                        guard let relative = try? RelativePath(parsing: String(path.dropFirst())) else { continue }
                        // `/bin` is a link where /usr is merged.
                        guard let real = try tree.resolve(relative) else {
                            if try tree.node(at: relative) != nil { found.append(path) }
                            continue
                        }
                        guard try tree.node(at: real) != nil else { continue }
                        found += [path, "/\(real.string)"]
                    }
                }
                guard !found.isEmpty else {
                    throw ForgeError(
                        .build, "toolchain.missing", "the image `\(image)` has no `\(programs[0])`, and the project needs \(name)",
                        hint: "name an image that has it in its `PATH`")
                }
                files.formUnion(found)
            }
            return files
        }
    }
}
