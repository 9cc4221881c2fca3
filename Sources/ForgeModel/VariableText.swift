/// Text in which `$NAME` and `${NAME}` stand for values that are known only later; `$$` is a dollar sign.
package enum VariableText {
    package enum Meaning: Hashable, Sendable {
        case value(String)
        /// Not a variable of ours: stays as written.
        case literal
    }

    /// `text` with every name replaced as `meaning` says.
    package static func expand(_ text: String, _ meaning: (String) -> Meaning) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...].dropFirst()
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
            } else if let (name, after) = reference(rest), case .value(let value) = meaning(name) {
                result += value
                rest = after
            } else {
                result += "$"
            }
        }
        return result + rest
    }

    /// The variable that `text`, which follows a `$`, names as `NAME` or `{NAME}`, and what comes after it.
    private static func reference(_ text: Substring) -> (name: String, after: Substring)? {
        let braced = text.first == "{"
        let body = braced ? text.dropFirst() : text
        let name = body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let after = body.dropFirst(name.count)
        guard let first = name.first, !first.isNumber, !braced || after.first == "}" else { return nil }
        return (String(name), braced ? after.dropFirst() : after)
    }
}

/// The variables that the platform gives to every project (seed design, "Environment Variables").
package enum PlatformVariable {
    package static let prefix = "CROWDFORGE_"
    package static let project = "CROWDFORGE_PROJECT_ID"
    package static let url = "CROWDFORGE_PROJECT_URL"
    package static let environment = "CROWDFORGE_ENV"
    package static let commit = "CROWDFORGE_COMMIT_SHA"

    /// The values at one place; a commit that is not known has none.
    package static func values(project: String, environment: DeployEnvironment, host: String, port: Int, commit: String?) -> [String:
        String]
    {
        var values = [
            Self.project: project, Self.environment: environment.rawValue, url: "http://\(host)" + (port == 80 ? "" : ":\(port)"),
        ]
        values[Self.commit] = commit
        return values
    }
}
