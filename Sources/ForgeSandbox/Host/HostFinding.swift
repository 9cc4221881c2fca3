internal import ForgeModel

/// What was found out about one thing that building needs of this machine.
package struct HostFinding: Sendable, Hashable, Encodable {
    package enum State: String, Sendable, Encodable {
        case ok
        /// There, but not all of it; what is missing is said.
        case limited
        case missing
    }

    /// Stable: the end of the error's code, `sandbox.no-<id>`.
    package let id: String
    package let name: String
    package let state: State
    package let detail: String
    /// What to type or to write, exactly.
    package let remedy: String?
    /// Whether nothing can be built without it.
    package let isRequired: Bool

    package init(
        _ id: String, _ name: String, _ state: State, _ detail: String, remedy: String? = nil, isRequired: Bool = false
    ) {
        self.id = id
        self.name = name
        self.state = state
        self.detail = detail
        self.remedy = remedy
        self.isRequired = isRequired
    }

    private enum CodingKeys: String, CodingKey { case id, name, state, detail, remedy, isRequired }

    /// Every key is always there.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(state, forKey: .state)
        try container.encode(detail, forKey: .detail)
        try container.encode(remedy, forKey: .remedy)
        try container.encode(isRequired, forKey: .isRequired)
    }

    /// Whether a build stops here.
    package var isFatal: Bool { state == .missing && isRequired }

    /// What a build that stops here says.
    var error: ForgeError {
        ForgeError(
            .build, "sandbox.no-\(id)", "the sandbox lacks a layer, \(name): \(detail)",
            hint: (remedy.map { "\($0); " } ?? "") + "`forge doctor` tells all, `--unsafe-local` goes on without isolation")
    }
}

/// Findings that belong together.
package struct HostGroup: Sendable, Hashable, Encodable {
    package let title: String
    package let findings: [HostFinding]

    package init(_ title: String, _ findings: [HostFinding]) {
        self.title = title
        self.findings = findings
    }
}
