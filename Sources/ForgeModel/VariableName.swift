/// Rules for names of environment variables.
package enum VariableName {
    /// How a name looks, for the end of a sentence.
    package static let rule = "use letters, digits and `_`, not first a digit"

    package static func isValid(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95 }
    }

    /// Why a project cannot set the variable `name`, as the end of a sentence; nil when it can.
    package static func platform(_ name: String) -> String? {
        if name == "PORT" { return "the platform tells a server its port" }
        return name.hasPrefix(PlatformVariable.prefix) ? "names with `\(PlatformVariable.prefix)` are the platform's" : nil
    }
}
