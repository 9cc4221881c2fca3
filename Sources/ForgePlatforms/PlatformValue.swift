internal import ForgeManifests
internal import ForgeModel

/// Why a value is not taken.
struct PlatformFault: Error {
    let reason: String
}

/// Reads the text of a setting as its slot needs it.
enum PlatformValue {
    private static let typed = "a text is expected here"

    /// Nil for what says nothing.
    static func text(_ slot: PlatformSetting.Slot, _ node: JSONNode) throws(PlatformFault) -> String? {
        switch slot {
        case .install, .build, .start: return try command(slot, node)
        case .output, .root, .fallback: return try path(slot, node)
        case .language: return try language(node)
        case .framework, .node, .python:
            guard let text = node.scalar, !text.isEmpty else { throw PlatformFault(reason: typed) }
            return text
        case .port:
            guard let port = node.scalar.flatMap({ Int($0) }), (1...65535).contains(port) else {
                throw PlatformFault(reason: "a port runs from 1 to 65535")
            }
            return String(port)
        case .health:
            guard let path = node.string, path.hasPrefix("/"), path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw PlatformFault(reason: "a path that begins with `/` is expected here")
            }
            return path
        }
    }

    /// Of several the first; `...` is what would be found anyway.
    private static func language(_ node: JSONNode) throws(PlatformFault) -> String? {
        var names = [node.scalar]
        if case .array(let elements) = node.value { names = elements.map(\.scalar) }
        guard !names.contains(nil) else { throw PlatformFault(reason: typed) }
        return names.compactMap(\.self).first { !$0.isEmpty && $0 != "..." }.map { languages[$0] ?? $0 }
    }

    /// Where presets have another word.
    private static let languages = ["golang": "go", "staticfile": "static", "csharp": "dotnet", "fsharp": "dotnet", "cmake": "cpp"]

    private static func path(_ slot: PlatformSetting.Slot, _ node: JSONNode) throws(PlatformFault) -> String? {
        guard let text = node.string else { throw PlatformFault(reason: typed) }
        // Not a folder but a way to answer: of Cloudflare's words one means a page.
        if slot == .fallback, !text.contains(".") { return text == "single-page-application" ? "index.html" : nil }
        let below = String(text.drop { $0 == "/" })
        do throws(RelativePathError) { return try RelativePath(parsing: below).display } catch {
            throw PlatformFault(reason: "\(error)")
        }
    }

    private static func command(_ slot: PlatformSetting.Slot, _ node: JSONNode) throws(PlatformFault) -> String? {
        let line: String
        if case .array(let elements) = node.value {
            var lines: [String] = []
            for element in elements {
                guard let text = element.string ?? element["cmd"]?.string else {
                    throw PlatformFault(reason: "a list of commands is expected here")
                }
                guard text != "..." else { throw PlatformFault(reason: "`...` stands for what its own builder does") }
                lines.append(text)
            }
            line = lines.joined(separator: " && ")
        } else if let text = node.string {
            line = text
        } else {
            throw PlatformFault(reason: typed)
        }
        guard !line.utf8.contains(0) else { throw PlatformFault(reason: "it holds a NUL byte") }
        switch slot {
        case .install: return try InstallWords.installing(line)
        case .build: return InstallWords.building(line)
        default:
            guard line.contains(where: { !$0.isWhitespace }) else { return nil }
            return line
        }
    }
}
