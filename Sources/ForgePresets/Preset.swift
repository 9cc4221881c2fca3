package import ForgeManifests
package import ForgeModel

/// How a kind of project is recognized and built: a validated descriptor. A value that exists is sound.
package struct Preset: Hashable, Sendable {
    /// Ranks between presets: an earlier group always beats a later one.
    package enum Group: String, Sendable, Codable, CaseIterable, Comparable {
        case framework, runtime, dockerfile, `static`, custom

        private var rank: Int { Group.allCases.firstIndex(of: self) ?? 0 }
        /// `a < b`: `a` beats `b`.
        package static func < (left: Group, right: Group) -> Bool { left.rank < right.rank }
        /// Whether presets of this group that match together are told apart by `order`.
        package var isOrdered: Bool { self != .framework }
    }

    package let id: String
    package let name: String
    package let language: String?
    package let group: Group
    /// Breaks a tie within an ordered group; lower wins.
    package let order: Int
    package let confidence: Confidence
    package let supersedes: [String]
    /// Whether it takes the place of one that is shipped under its id.
    package let replaces: Bool
    /// Whose package managers install for it.
    package let ecosystem: Ecosystem?
    package let toolchains: [String]
    package let match: MatchTree
    /// Which versions of the framework it is written for.
    package let versions: KnownVersions?
    package let derive: [String: Derivation]
    package let steps: [StepTemplate]
    package let artifact: ArtifactTemplate
    /// How the names of variables begin that the framework puts into what every visitor gets: its build may see them.
    package let publicVariables: [String]
    /// The first whose `when` holds replaces parts of the above.
    package let cases: [PresetCase]
    /// The file it came from, as given to the catalog.
    package let file: String
    package let written: Written
    /// The families it builds on, the nearest first.
    package let families: [String]
    /// Of the file's bytes, with those of the families it builds on before them.
    package let digest: Digest

    /// Where its file names what is looked up elsewhere.
    package struct Written: Hashable, Sendable {
        package let id: SourceLocation
        package let supersedes: [Located<String>]
        package let toolchains: [Located<String>]
    }

    package var reference: PresetReference { PresetReference(id: id, name: name, digest: digest) }

    /// Names any preset may use as placeholders without deriving them.
    package static let standardKeys = ["install", "build", "output", "start", "port"]
    /// Those whose values are commands.
    package static let commandKeys = ["install", "build", "start"]
    package static let packageManagerLists = ["manifests", "lockfile", "configuration", "outputs", "caches"]
}

package struct StepTemplate: Hashable, Sendable {
    package enum Run: Hashable, Sendable {
        /// One placeholder that stands for a whole command; without a value the step is left out.
        case command(String)
        case argv([Template])
        case shell(Template)
    }

    package let id: String
    package let title: String?
    /// Whose package manager `{{packageManager.…}}` means; nil: the preset's own.
    package let ecosystem: Ecosystem?
    /// The folder of the project that it is about: it runs there, and asks there for manifests. Without a value it is left out.
    package let folder: Template?
    package let needs: [String]
    package let run: Run
    package let when: MatchTree?
    /// Empty: the source tree minus outputs.
    package let inputs: [Template]
    package let outputs: [Template]
    package let caches: [Template]
    /// What it leaves that nobody needs: dropped without a word.
    package let scratch: [Template]
    package let network: Step.Network
    package let environment: [String: String]
}

package struct ArtifactTemplate: Hashable, Sendable {
    package let kind: Artifact.Kind
    package let port: Int
    package let healthPath: String?
    package let dockerfile: Template?
    /// What a running server's environment holds unless the project says otherwise; without a value for its placeholders, a variable is
    /// left out.
    package let environment: [String: Template]
    /// Steps that serve the build alone, where the preset itself says how the result is started.
    package let leavesOut: [String]
    /// Folders of the project that a running server writes to; the root is all of it.
    package var writable: [RelativePath] = []
}

package struct KnownVersions: Hashable, Sendable {
    package let dependency: String
    /// Older ones are refused.
    package let min: [Int]?
    /// Newer ones may differ: a warning.
    package let maxKnown: [Int]?
}

package struct PresetCase: Hashable, Sendable {
    package let when: MatchTree
    package let kind: Artifact.Kind?
    package let derive: [String: Derivation]
}
