package import ForgeModel

/// A project's name in host names: one DNS label that cannot be taken for another project's staging or preview.
package struct ProjectSlug: Hashable, Sendable, Codable, CustomStringConvertible {
    package static let maximumLength = 40

    package let text: String

    /// - Throws: `ForgeError` `project.invalid-slug`
    package init(parsing text: String) throws {
        if let fault = Self.fault(in: text) {
            throw ForgeError(
                .usage, "project.invalid-slug", "`\(text)` cannot be a project's name: \(fault)",
                hint: "use lower-case letters, digits and hyphens, at most \(Self.maximumLength), such as `my-site`")
        }
        self.text = text
    }

    package init(from decoder: any Decoder) throws { try self.init(parsing: decoder.singleValueContainer().decode(String.self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package var description: String { text }

    private static func fault(in text: String) -> String? {
        let bytes = text.utf8
        guard !bytes.isEmpty else { return "it is empty" }
        guard bytes.count <= maximumLength else { return "it is longer than \(maximumLength) characters" }
        guard bytes.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-") }) else {
            return "only a–z, 0–9 and `-` may occur"
        }
        guard !text.hasPrefix("-"), !text.hasSuffix("-") else { return "it starts or ends with `-`" }
        if text.hasSuffix("-staging") { return "`-staging` is the ending of staging hosts" }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        if parts.count >= 3, parts[parts.count - 2] == "pr", parts[parts.count - 1].allSatisfy(\.isNumber) {
            return "`-pr-` and a number is the ending of preview hosts"
        }
        return nil
    }
}

/// Where releases of a project live: at any moment at most one of them is active there.
package struct ReleasePlace: Hashable, Sendable {
    package let project: ProjectSlug
    package let environment: DeployEnvironment
    /// The number of a preview; nil elsewhere.
    package let preview: Int?

    /// - Throws: `ForgeError` `usage.preview-number` when a preview has no number, or another environment has one.
    package init(project: ProjectSlug, environment: DeployEnvironment, preview: Int? = nil) throws {
        guard (environment == .preview) == (preview != nil), preview.map({ (1...999_999).contains($0) }) ?? true else {
            throw ForgeError(
                .usage, "usage.preview-number",
                environment == .preview
                    ? "a preview needs a number between 1 and 999999" : "only a preview has a number, not `\(environment.rawValue)`",
                hint: environment == .preview ? "add the number of the change: `--pr 7`" : "leave `--pr` out")
        }
        self.project = project
        self.environment = environment
        self.preview = preview
    }

    /// The host name on this machine's gateway.
    package var host: String {
        switch environment {
        case .production: "\(project).localhost"
        case .staging: "\(project)-staging.localhost"
        case .preview: "\(project)-pr-\(preview ?? 0).localhost"
        }
    }

    /// For messages: `production of my-site`.
    package var display: String { "\(environment.rawValue)\(preview.map { " \($0)" } ?? "") of `\(project)`" }
}
