package import ForgeModel
package import ForgePatterns

/// A value with fallbacks: the first source that yields something wins.
package struct Derivation: Hashable, Sendable {
    package let sources: [DerivationSource]
}

/// One way to come by a value.
package struct DerivationSource: Hashable, Sendable {
    package let rule: Rule
    /// Asked first; the source is passed over when it does not hold.
    package let when: MatchTree?
    /// Dependencies of which the value needs one to work (a server); a plan is refused when none is there, naming the first.
    package let requires: [String]
    /// Of a path: only a file in which a line matches.
    package let containing: Pattern?
    /// Of a path: only a file in which no line matches.
    package let without: Pattern?
    /// For an install command: what it reads, when not what the package manager says.
    package let inputs: [String]?
    package let location: SourceLocation

    /// The same place with another rule.
    package func saying(_ rule: Rule) -> DerivationSource {
        DerivationSource(
            rule: rule, when: when, requires: requires, containing: containing, without: without, inputs: inputs, location: location)
    }

    package enum Rule: Hashable, Sendable {
        /// A dotted key of `crowdforge.toml`; for a command it is a shell line.
        case config(String)
        /// A package script, run by the package manager.
        case script(String)
        /// The word after one of these flags in a package script.
        case scriptFlag(script: String, flags: [String])
        /// The first group of the pattern in a package script or in one that it runs.
        case scriptCapture(script: String, pattern: Pattern)
        case literal(Template)
        case argv([Template])
        case shell(Template)
        /// The first group of the pattern.
        case capture(Clause.TextTest)
        /// The first line of the file that is neither empty nor a comment.
        case firstLine(String)
        /// The version beside this tool's name in `.tool-versions`.
        case toolVersion(String)
        case pointer(Clause.PointerTest)
        /// The name of the first key in the table that a pointer leads to.
        case firstKey(Clause.PointerTest)
        /// What another key of the preset comes to.
        case value(String)
        /// The folder of the first path that fits; the root is `.`.
        case folderOf([Glob])
        /// That folder's own name; nothing for the root.
        case folderName([Glob])
        /// The name of the first path that fits, without its last extension.
        case stemOf([Glob])
        /// The text of a file that a pointer or a capture names, only where that file is there.
        indirect case existing(Rule)
        /// Only where the project has nothing there: a build writes it.
        indirect case missing(Rule)
        /// `module:name` of an application object; a factory is `module:name()`, or without the call.
        case appObject(Clause.AppObjectTest, call: Bool)
        /// The folder below which that module is looked for; nothing where it is the root.
        case searchPath(Clause.AppObjectTest)
        /// The dotted module name of the first file that fits.
        case moduleOf([Glob])
        /// The command of a process type in `Procfile`.
        case procfile(String)
        /// The first of these folders that `.gitignore` lists.
        case ignored([String])
        /// The only folder directly below the root that holds this file.
        case onlySubdirectoryWith(String)
        /// The install command of the package manager.
        case install
        /// The first path that fits.
        case path([Glob])
    }
}

extension DerivationSource.Rule: CustomStringConvertible {
    /// Named in the provenance of a value.
    package var description: String {
        switch self {
        case .config(let key): "config \(key)"
        case .script(let name): "script \(name)"
        case .scriptFlag(let script, _): "flag in script \(script)"
        case .scriptCapture(let script, _): "script \(script)"
        case .literal, .argv, .shell: "preset"
        case .capture: "text"
        case .firstLine, .toolVersion: "version file"
        case .pointer(let test), .firstKey(let test): "pointer \(test.pointer)"
        case .appObject, .searchPath: "application object"
        case .moduleOf: "module"
        case .procfile(let process): "process \(process)"
        case .ignored: "ignored folder"
        case .onlySubdirectoryWith(let file): "only folder with \(file)"
        case .install: "package manager"
        case .path, .folderOf, .folderName, .stemOf: "path"
        case .value(let key): "value \(key)"
        case .existing(let rule), .missing(let rule): rule.description
        }
    }

    /// Other values it is made of.
    var names: [String] {
        if case .value(let key) = self { [key] } else { templates.flatMap(\.placeholders) }
    }

    package var templates: [Template] {
        switch self {
        case .literal(let template), .shell(let template): [template]
        case .argv(let templates): templates
        default: []
        }
    }
}
