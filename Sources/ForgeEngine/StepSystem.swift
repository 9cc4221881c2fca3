package import ForgeModel

/// The system that a step runs in, as trees of the store. What it is stands in the key already, by whichever name is the same on all
/// machines.
package enum StepSystem: Hashable, Sendable {
    /// The machine's own.
    case host
    /// The machine's own, with a tree over its /usr.
    case hostWithPackages(usr: Digest)
    /// A whole root file system, and the folders that its own `PATH` has.
    case root(Digest, path: [String])

    /// The search path of a command: what an image says comes first.
    func searchPath(_ usual: String?) -> String? {
        guard case .root(_, let path) = self, let usual else { return usual }
        var seen: Set<String> = []
        return (path + usual.split(separator: ":").map(String.init)).filter { seen.insert($0).inserted }.joined(separator: ":")
    }
}
