internal import ForgeModel

/// How a person names a repository on this machine.
enum GitLocation {
    /// The path behind a path or a `file://` URL.
    /// - Throws: `source.unsupported-url`
    static func path(of location: String) throws -> String {
        guard let colon = location.firstIndex(of: ":"), location[colon...].hasPrefix("://") else { return location }
        let rest = location[colon...].dropFirst(3)
        guard location[..<colon].lowercased() == "file", let slash = rest.firstIndex(of: "/"),
            ["", "localhost"].contains(rest[..<slash]), let path = PercentEncoding.decoded(rest[slash...])
        else {
            throw ForgeError(
                .usage, "source.unsupported-url", "`\(location)` is not a repository on this machine",
                hint: "clone it and name the folder, or write `file:///…`")
        }
        return path
    }
}
