internal import ForgeModel

/// Which servers apt's own configuration names. Nothing else is learned of it: apt reads it itself, in the sandbox.
/// Source: sources.list(5).
enum AptSources {
    /// Of the text of a file; the name tells which of the two formats it is in.
    static func origins(in text: String, named name: String) -> Set<EgressOrigin> {
        var origins: Set<EgressOrigin> = []
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            if name.hasSuffix(".sources") {
                // A field's value may go on in lines that begin with a space.
                let isField = !line.hasPrefix(" ") && !line.hasPrefix("\t")
                guard !isField || first.lowercased() == "uris:" else { continue }
                origins.formUnion(words.compactMap(EgressOrigin.init(url:)))
            } else if first == "deb" {
                origins.formUnion(words.compactMap(EgressOrigin.init(url:)))
            }
        }
        return origins
    }
}
