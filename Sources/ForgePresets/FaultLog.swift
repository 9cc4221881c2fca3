package import ForgeModel
package import ForgeTOML

/// Collects everything wrong with a set of files, so that a person hears of all of it at once.
package final class FaultLog {
    package private(set) var faults: [Diagnostic] = []
    /// Kept only where somebody wants to know.
    let keys: KnownKeys.Notes?

    package init() { keys = KnownKeys.notes }

    /// For another thread, to which the one that reads does not hand on what it is asked to note.
    init(keys: KnownKeys.Notes?) { self.keys = keys }

    func add(_ diagnostics: [Diagnostic]) { faults += diagnostics }

    package func add(_ message: String, at location: SourceLocation?, hint: String? = nil) {
        faults.append(Diagnostic(message, at: location, hint: hint))
    }

    /// Faults in the order a reader of the files meets them; one of a family that several presets build on stands there once.
    package var sorted: [Diagnostic] {
        var seen: Set<Diagnostic> = []
        return faults.filter { seen.insert($0).inserted }.enumerated().sorted { left, right in
            let (a, b) = (left.element.location, right.element.location)
            return (a?.file ?? "", a?.line ?? 0, a?.column ?? 0, left.offset) < (b?.file ?? "", b?.line ?? 0, b?.column ?? 0, right.offset)
        }.map(\.element)
    }
}

/// A value and where it was written.
package struct Located<Value> {
    package let value: Value
    package let location: SourceLocation

    package init(_ value: Value, at location: SourceLocation) {
        self.value = value
        self.location = location
    }

    package func map<Other>(_ transform: (Value) throws -> Other) rethrows -> Located<Other> {
        Located<Other>(try transform(value), at: location)
    }
}

extension Located: Sendable where Value: Sendable {}
extension Located: Equatable where Value: Equatable {}
extension Located: Hashable where Value: Hashable {}

extension TOMLPosition {
    package func location(in file: String) -> SourceLocation { SourceLocation(file: file, line: line, column: column) }
}
