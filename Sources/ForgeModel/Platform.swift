/// What an artifact or a step runs on, in OCI words (`linux/amd64`).
package struct Platform: Hashable, Sendable, Codable, CustomStringConvertible {
    package let os: String
    package let architecture: String

    package init(os: String, architecture: String) {
        self.os = os
        self.architecture = architecture
    }

    package var description: String { "\(os)/\(architecture)" }

    /// The machine this binary was compiled for.
    package static let current: Platform = {
        #if arch(x86_64)
            Platform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
            Platform(os: "linux", architecture: "arm64")
        #else
            #error("Forge runs on x86_64 and arm64")
        #endif
    }()
}
