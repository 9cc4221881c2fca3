/// A failure with a code for programs, a message for people and a way out. Printed once, at the root.
package struct ForgeError: Error, Hashable, Sendable {
    /// Which floor failed; decides the exit code.
    package enum Category: String, Sendable, Codable {
        case bug, usage, configuration, detection, plan, build, store, deploy, interrupted

        package var exitCode: Int32 {
            switch self {
            case .bug: 1
            case .usage: 2
            case .configuration: 10
            case .detection: 20
            case .plan: 30
            case .build: 50
            case .store: 60
            case .deploy: 70
            case .interrupted: 130
            }
        }
    }

    package let category: Category
    /// Stable, dotted, lower case: `config.unknown-key`.
    package let code: String
    package let message: String
    package let location: SourceLocation?
    package let hint: String?
    /// Further findings of the same kind (a validator reports all of them at once).
    package let others: [Diagnostic]
    /// The cause below, in words.
    package let cause: String?

    package init(
        _ category: Category, _ code: String, _ message: String, at location: SourceLocation? = nil, hint: String? = nil,
        others: [Diagnostic] = [], cause: (any Error)? = nil
    ) {
        self.category = category
        self.code = code
        self.message = message
        self.location = location
        self.hint = hint
        self.others = others
        self.cause = cause.map { String(describing: $0) }
    }

    /// One error for all `findings`: the first leads, the others follow.
    /// - Precondition: `findings` is not empty.
    package init(_ category: Category, _ code: String, findings: [Diagnostic]) {
        precondition(!findings.isEmpty)
        self.init(
            category, code, findings[0].message, at: findings[0].location, hint: findings[0].hint,
            others: Array(findings.dropFirst()))
    }

    package var exitCode: Int32 { category.exitCode }
}

extension ForgeError: CustomStringConvertible {
    package var description: String { (location.map { "\($0): " } ?? "") + message + (cause.map { ": \($0)" } ?? "") }
}
