/// What generators write among installed packages, and a server needs as much as these (`[generated]` of a package manager).
package struct GeneratedFiles: Hashable, Sendable {
    /// A project that lists one of these has such a generator.
    package let packages: [String]
    /// Paths or globs below the folder that is installed in.
    package let paths: [String]

    init?(_ reader: TableReader) {
        let before = reader.faults.faults.count
        packages = (reader.strings("packages") ?? []).map(\.value)
        paths = PackageManager.paths(reader, "paths")
        for (key, values, example) in [("packages", packages, "@prisma/client"), ("paths", paths, "node_modules/.prisma")]
        where values.isEmpty {
            reader.faults.add("`[generated]` has no `\(key)`", at: reader.location, hint: "write `\(key) = [\"\(example)\"]`")
        }
        reader.finish()
        guard reader.faults.faults.count == before else { return nil }
    }
}
