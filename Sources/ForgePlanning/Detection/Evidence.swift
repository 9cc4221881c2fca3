package import ForgePresets

/// Why a clause held: what was asked, and where the answer stands.
package struct Evidence: Hashable, Sendable, Encodable {
    package let clause: String
    package let file: String?
    package let line: Int?
    package let pointer: String?

    package init(clause: String, file: String?, line: Int? = nil, pointer: String? = nil) {
        self.clause = clause
        self.file = file
        self.line = line
        self.pointer = pointer
    }

    private enum CodingKeys: CodingKey { case clause, file, line, pointer }

    /// Absent is null: every key is always there.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(clause, forKey: .clause)
        try container.encode(file, forKey: .file)
        try container.encode(line, forKey: .line)
        try container.encode(pointer, forKey: .pointer)
    }

    /// `package.json:12`, `package.json /scripts/build`.
    package var place: String? {
        guard let file else { return nil }
        return file + (line.map { ":\($0)" } ?? pointer.map { " \($0)" } ?? "")
    }
}

/// One clause of one preset, answered.
package struct ClauseOutcome: Hashable, Sendable {
    package let clause: String
    package let held: Bool
    /// Whether it stands under `none`, where holding counts against the preset.
    package let negated: Bool
    package let evidence: Evidence?

    package var speaksFor: Bool { held != negated }
}

/// A whole match tree, answered. Every clause is asked, so that a failure can be explained.
package struct MatchOutcome: Hashable, Sendable {
    package let held: Bool
    package let confidence: Confidence
    package let clauses: [ClauseOutcome]

    package var evidence: [Evidence] { clauses.filter { $0.held && !$0.negated }.compactMap(\.evidence) }
}
