/// A folder of this machine that nobody writes to, shown inside as it is: its files belong to nobody there and are readable by all.
package struct ReadOnlyMount: Hashable, Sendable {
    /// Absolute, on this machine.
    package let source: String
    /// Absolute, inside.
    package let path: String

    package init(source: String, path: String) {
        self.source = source
        self.path = path
    }
}
