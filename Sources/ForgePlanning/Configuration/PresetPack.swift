package import ForgeModel
internal import ForgePresets

/// A repository of presets at a version, as a project names it: `https://example.org/presets.git#v1`.
package struct PresetPack: Hashable, Sendable {
    /// As written.
    package let text: String
    package let address: String
    /// A commit, branch or tag.
    package let revision: String
    package let location: SourceLocation
}

/// Reads `[presets]`.
struct PresetsTableReader {
    /// What lies on this machine is no project's to name.
    private static let schemes = ["https", "http", "ssh", "git"]

    let table: TableReader

    func packs() -> [PresetPack] {
        let packs = (table.strings("packs") ?? []).compactMap(pack)
        table.finish()
        var seen: Set<String> = []
        for pack in packs where !seen.insert(pack.address).inserted {
            table.faults.add("the pack `\(pack.address)` stands here twice", at: pack.location, hint: "keep the version that is meant")
        }
        return packs
    }

    private func pack(_ text: Located<String>) -> PresetPack? {
        func refuse(_ message: String, _ hint: String) -> PresetPack? {
            table.faults.add(message, at: text.location, hint: hint)
            return nil
        }
        let example = "write it like `https://example.org/presets.git#v1`"
        let parts = text.value.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let scheme = parts[0].firstRange(of: "://").map({ String(parts[0][..<$0.lowerBound]) }), Self.schemes.contains(scheme) else {
            return refuse("`\(parts[0])` is no address of a pack", example)
        }
        let authority = parts[0].dropFirst(scheme.count + 3).prefix { $0 != "/" }
        guard scheme == "ssh" || !authority.contains("@") else {
            // The secret is not repeated.
            return refuse("the address of a pack holds a name or a password", "leave it out: git's credential helpers know it")
        }
        guard parts.count == 2, parts[1].wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._\/-]{0,199}/) != nil else {
            return refuse("the pack `\(parts[0])` has no version", "write a tag, branch or commit behind it: `\(parts[0])#v1`")
        }
        return PresetPack(text: text.value, address: parts[0], revision: parts[1], location: text.location)
    }
}
