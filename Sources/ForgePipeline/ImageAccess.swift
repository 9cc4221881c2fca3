internal import ForgeImages
internal import ForgeModel
internal import ForgeOperator
internal import ForgeStore

/// How this command comes to images of registries.
extension Pipeline {
    /// A stranger's source is shown no image that takes the operator's login.
    func imagePuller(_ store: Store, trust: Trust, isOffline: Bool) throws -> ImagePuller {
        let configuration = try operatorConfiguration()
        let credentials = trust == .trusted ? RegistryCredentials(environment: environment) : .none
        return ImagePuller(
            store: store, home: directories.images, endpoints: configuration.images, credentials: credentials,
            caBundle: configuration.caBundle, isOffline: isOffline)
    }

    /// Before anything runs: that each image is one image, and not what a tag means today.
    /// - Throws: `config.image-not-pinned`, with the line to write where the registry tells it.
    func checkImages(of plans: [BuildPlan], trust: Trust = .trusted, isOffline: Bool = false) async throws {
        for case let spec? in plans.map(\.system) {
            guard let image = spec.image, image.digest == nil else { continue }
            let pinned = isOffline ? nil : try? await imagePuller(openStore(), trust: trust, isOffline: false).pinned(image)
            throw ForgeError(
                .configuration, "config.image-not-pinned", "`image = \"\(image)\"` may be another image tomorrow: it has no digest",
                at: spec.imageLocation,
                hint: "write `image = \"\(pinned.map(\.description) ?? "\(image)@sha256:…")\"`"
                    + (pinned == nil ? "; its registry does not tell the digest now" : ""))
        }
    }
}
