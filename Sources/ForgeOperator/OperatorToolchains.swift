internal import ForgeModel
package import ForgePresets

/// The operator's word on where toolchains come from: `[toolchains]` in Forge's own `config.toml`, or `FORGE_TOOLCHAIN_SOURCES`.
package struct OperatorToolchains: Sendable, Hashable {
    /// In the order in which they are tried.
    package private(set) var sources = OperatorToolchains.usual

    package var isHostOnly: Bool { sources == [.host] }

    /// What this machine has, and nothing else.
    package static let hostOnly = OperatorToolchains(sources: [.host])

    private static let usual: [ToolchainSource.Kind] = [.wheel, .npm, .python, .archive, .image, .host]

    init(sources: [ToolchainSource.Kind] = OperatorToolchains.usual) { self.sources = sources }

    /// Reads `[toolchains]`; faults go to the reader's log.
    init(reading section: TableReader) {
        var named: [ToolchainSource.Kind] = []
        for entry in section.strings("sources") ?? [] {
            guard let kind = Self.kind(entry.value) else {
                section.faults.add("there is no source `\(entry.value)`", at: entry.location, hint: Self.choice)
                continue
            }
            named.append(kind)
        }
        if section.has("sources") {
            sources = named
            if named.isEmpty { section.faults.add("`sources` is empty", at: section.place(ofKey: "sources"), hint: Self.choice) }
        }
        section.finish()
    }

    /// - Throws: `config.toolchains`
    mutating func read(_ environment: [String: String]) throws {
        guard let text = environment["FORGE_TOOLCHAIN_SOURCES"], !text.isEmpty else { return }
        sources = try text.split(separator: ",").map { word in
            guard let kind = Self.kind(String(word)) else {
                throw ForgeError(
                    .configuration, "config.toolchains", "`FORGE_TOOLCHAIN_SOURCES` names a source `\(word)`, which there is not",
                    hint: Self.choice)
            }
            return kind
        }
    }

    /// What is bundled comes as it comes.
    private static func kind(_ word: String) -> ToolchainSource.Kind? { usual.first { $0.rawValue == word } }

    private static let choice = "write " + usual.map { "`\($0.rawValue)`" }.joined(separator: ", ")
}
