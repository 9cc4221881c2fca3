internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Where this copy of Forge has its presets, plugins and helper program: `$FORGE_DATA`, else beside the executable, else
/// the checkout that the executable was built in.
package struct Installation: Sendable, Hashable {
    package let presets: String
    /// Folders with one sub-folder a plugin.
    package let plugins: String
    /// Where plugins' executables are looked up.
    package let executables: String
    package let sandboxHelper: String

    /// - Throws: `ForgeError` when no presets are found anywhere.
    package static func find(environment: [String: String]) throws -> Installation {
        let executable = try ownPath()
        let beside = Files.parent(of: executable)
        var roots: [(data: String, programs: String)] = []
        if let data = environment["FORGE_DATA"], !data.isEmpty { roots.append((data, beside)) }
        roots.append(("\(beside)/../share/forge", "\(beside)/../libexec/forge"))
        if let build = executable.firstRange(of: "/.build") { roots.append((String(executable[..<build.lowerBound]), beside)) }
        for root in roots where Files.isDirectory("\(root.data)/Presets") {
            let programs = Files.exists("\(root.programs)/forge-sandbox") ? root.programs : beside
            return Installation(
                presets: "\(root.data)/Presets", plugins: "\(root.data)/Plugins", executables: programs,
                sandboxHelper: "\(programs)/forge-sandbox")
        }
        throw ForgeError(
            .configuration, "install.no-presets", "no `Presets` folder found in \(roots.map { "`\($0.data)`" }.joined(separator: ", "))",
            hint: "set `FORGE_DATA` to the folder that holds `Presets`")
    }

    private static func ownPath() throws -> String {
        guard let path = realpath("/proc/self/exe", nil) else { throw SystemError.last("realpath", "/proc/self/exe") }
        defer { free(path) }
        return String(cString: path)
    }
}
