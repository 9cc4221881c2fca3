/// The system that a plan's steps run in, where that is not simply the machine's own /usr.
package struct SystemSpec: Hashable, Sendable, Codable {
    /// An image whose root file system takes the place of the machine's; one without a digest is refused before anything runs.
    package let image: ImageReference?
    /// Packages of the system's distribution that are laid over it, sorted; nil for none.
    package let packages: [String]?
    /// Where the project names the image, for errors.
    package let imageLocation: SourceLocation?

    /// Nil when both are nothing.
    package init?(image: ImageReference?, packages: [String], imageLocation: SourceLocation? = nil) {
        guard image != nil || !packages.isEmpty else { return nil }
        self.image = image
        self.packages = packages.isEmpty ? nil : Set(packages).sorted()
        self.imageLocation = imageLocation
    }
}

/// The system that an artifact was built in and runs in, as it lies in the store.
package struct ArtifactSystem: Hashable, Sendable, Codable {
    /// The image's digest in hexadecimal digits; nil for the machine's own /usr with packages over it.
    package let image: String?
    /// Merkle root of a root file system; without an image, of what lies over /usr.
    package let root: Digest
    /// Folders of the image's own `PATH`.
    package let path: [String]

    package init(image: String?, root: Digest, path: [String]) {
        self.image = image
        self.root = root
        self.path = path
    }
}

/// One package of a distribution, exactly.
package struct SystemPackage: Hashable, Sendable, Codable {
    package let name: String
    package let version: String
    package let architecture: String
    /// SHA-256 and size of its file.
    package let file: Digest

    package init(name: String, version: String, architecture: String, file: Digest) {
        self.name = name
        self.version = version
        self.architecture = architecture
        self.file = file
    }
}
