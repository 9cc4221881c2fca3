internal import ForgeManifests
internal import ForgeModel
internal import ForgePresets

/// What a native build did not find on its system, as its log tells it.
struct MissingPart: Hashable, Sendable {
    enum Kind: String, Sendable { case header, library, module, program }

    let kind: Kind
    let name: String

    /// Those that the log names, in order, at most `limit`: compilers and linkers go on after the first, but what follows is its fault.
    static func all(in log: String, limit: Int = 32) -> [MissingPart] {
        Array(log.split(whereSeparator: \.isNewline).lazy.compactMap { part(in: String($0.suffix(2000))) }.prefix(limit))
    }

    private static func part(in line: String) -> MissingPart? {
        // gcc and clang.
        if let match = line.firstMatch(of: /fatal error: ([^\s:']+\.(?:h|hh|hpp)): No such file or directory/) {
            return MissingPart(kind: .header, name: String(match.1))
        }
        if let match = line.firstMatch(of: /fatal error: '([^'\s]+)' file not found/) {
            return MissingPart(kind: .header, name: String(match.1))
        }
        if let match = line.firstMatch(of: /cannot find -l([A-Za-z0-9_.+-]+)/) {
            return MissingPart(kind: .library, name: library(match.1))
        }
        if let match = line.firstMatch(of: /unable to find library -l([A-Za-z0-9_.+-]+)/) {
            return MissingPart(kind: .library, name: library(match.1))
        }
        // pkg-config, CMake and meson.
        if let match = line.firstMatch(of: /Package '?([A-Za-z0-9_.+-]+)'?(?:, required by '[^']*',)? (?:was )?not found/) {
            return MissingPart(kind: .module, name: String(match.1))
        }
        if let match = line.firstMatch(of: /No package '([A-Za-z0-9_.+-]+)' found/) {
            return MissingPart(kind: .module, name: String(match.1))
        }
        if let match = line.firstMatch(of: /Dependency "([A-Za-z0-9_.+-]+)" not found/) {
            return MissingPart(kind: .module, name: String(match.1))
        }
        // Build scripts that look for a program first, distutils and shells.
        if let match = line.firstMatch(of: /\b([a-z0-9_+-]*config) (?:executable )?(?:was )?not found/) {
            return MissingPart(kind: .program, name: String(match.1))
        }
        if let match = line.firstMatch(of: /command '([A-Za-z0-9_.+\/-]+)' failed: No such file or directory/) {
            return MissingPart(kind: .program, name: match.1.split(separator: "/").last.map(String.init) ?? String(match.1))
        }
        if let match = line.firstMatch(of: /(?:^|: )([A-Za-z0-9_.+-]+): (?:command )?not found$/) {
            return MissingPart(kind: .program, name: String(match.1))
        }
        return nil
    }

    /// Without the colon and full stop that a linker may write after it.
    private static func library(_ text: Substring) -> String {
        var name = text
        while name.last == "." || name.last == ":" { name = name.dropLast() }
        return String(name)
    }

    /// The package that has it, where the table knows.
    func package(in packages: SystemPackages) -> String? {
        switch kind {
        case .header: packages.headers[name] ?? packages.headers.first { name.hasSuffix("/\($0.key)") }?.value
        case .library: packages.libraries[name]
        case .module: packages.modules[name]
        case .program: packages.programs[name]
        }
    }

    /// As a person calls it.
    var title: String {
        switch kind {
        case .header: "the header `\(name)`"
        case .library: "the library `lib\(name)`"
        case .module: "`\(name)`, which pkg-config was asked for,"
        case .program: "the program `\(name)`"
        }
    }

    /// Nil for a program that the table does not know: scripts try out many.
    func advice(_ packages: SystemPackages, installed: String?, present: [String]) -> String? {
        let found = package(in: packages) ?? installed
        if kind == .program, found == nil { return nil }
        let line = (present + [found ?? "…"]).map { "\"\($0)\"" }.joined(separator: ", ")
        let which = found == nil ? ", with the package that has it" : ""
        return "\(title) is missing: write `packages = [\(line)]` below `[build]` in crowdforge.toml\(which)"
    }
}
