internal import ForgeModel
internal import ForgeSystem

/// What this machine's own /usr is, as far as a step can see.
///
/// Keys hold the release alone (`debian 12`): what is built on one need not run on another. They do not hold the packages' state, though
/// it is recorded: nearly each change of it (an editor, a security update) has nothing to do with the build, the toolchains are in the
/// keys by their bytes, and who wants every byte of the system in them names an image.
struct HostSystem: Sendable {
    /// `debian 12`; `linux` where the machine does not say.
    let release: String
    /// Of the package manager's list of what is installed; nil where it is none that is known.
    let packages: Digest?

    /// Where package managers keep their lists: dpkg, apk, pacman's and rpm's.
    private static let lists = [
        "/var/lib/dpkg/status", "/lib/apk/db/installed", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite",
    ]

    /// Blocks for some milliseconds.
    static func identify(root: String = "") throws -> HostSystem {
        let text = try Files.read("\(root)/etc/os-release", limit: 1 << 16) ?? Files.read("\(root)/usr/lib/os-release", limit: 1 << 16)
        let list = try lists.lazy.compactMap { try Files.read(root + $0, limit: 256 << 20) }.first
        return HostSystem(release: release(String(decoding: text ?? [], as: UTF8.self)), packages: list.map { Digest(of: $0) })
    }

    /// Source: os-release(5).
    static func release(_ text: String) -> String {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            guard let mark = line.firstIndex(of: "=") else { continue }
            values[line[..<mark]] = line[line.index(after: mark)...].trimmingPrefix(/["']/).filter { $0 != "\"" && $0 != "'" }
        }
        guard let id = values["ID"] else { return "linux" }
        return values["VERSION_ID"].map { "\(id) \($0)" } ?? id
    }
}
