internal import ForgeModel
internal import Foundation

/// Manifests, indexes and configurations of images, of OCI and of docker, as far as unpacking needs them.
/// Source: OCI Image Format Specification 1.1, "Image Manifest", "Image Index", "Image Configuration"; docker's "Image Manifest V2, Schema 2".
enum ImageManifest {
    static let accepted = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
    ]

    /// Packed in one of three ways; libarchive sees which.
    private static let layers: Set<String> = [
        "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
    ]
    private static let maximumLayers = 256

    enum Document {
        /// One image: its configuration and its layers, the lowest first.
        case image(config: Digest, layers: [Digest])
        /// One image for each of several platforms.
        case index([(platform: ImagePlatform, digest: String)])
    }

    struct ImagePlatform: Hashable, Decodable, CustomStringConvertible {
        let os: String
        let architecture: String
        let variant: String?

        var description: String { "\(os)/\(architecture)" + (variant.map { "/\($0)" } ?? "") }

        /// arm64 has one variant that all machines run, and it may be left out.
        func runs(on platform: Platform) -> Bool {
            os == platform.os && architecture == platform.architecture
                && (variant == nil || variant == (architecture == "arm64" ? "v8" : ""))
        }
    }

    struct Configuration {
        let platform: Platform?
        /// Folders of `PATH`, absolute ones.
        let path: [String]
    }

    private struct Descriptor: Decodable {
        let mediaType: String?
        let digest: String
        let size: Int64
        let platform: ImagePlatform?
    }

    private struct Whole: Decodable {
        let schemaVersion: Int?
        let mediaType: String?
        let config: Descriptor?
        let layers: [Descriptor]?
        let manifests: [Descriptor]?
    }

    /// - Throws: `image.malformed`, `image.media-type`
    static func parse(_ bytes: [UInt8], of reference: ImageReference) throws -> Document {
        guard let whole = try? JSONDecoder().decode(Whole.self, from: Data(bytes)), whole.schemaVersion == 2 else {
            throw malformed(reference, "its manifest is not of schema version 2")
        }
        if let manifests = whole.manifests {
            guard whole.config == nil, whole.layers == nil else {
                throw malformed(reference, "its manifest is an index and an image at once")
            }
            return .index(
                try manifests.compactMap { entry in
                    guard let platform = entry.platform else { return nil }
                    return (platform, try hash(entry, reference))
                })
        }
        guard let config = whole.config, let layers = whole.layers else { throw malformed(reference, "its manifest names no layers") }
        guard layers.count <= maximumLayers else { throw malformed(reference, "it has more than \(maximumLayers) layers") }
        for layer in layers where !Self.layers.contains(layer.mediaType ?? "") {
            throw ForgeError(
                .build, "image.media-type",
                "`\(reference)` has a layer of the type `\(layer.mediaType ?? "")`, which is no root file system",
                hint: "name an image that holds one; encrypted and foreign layers are not read")
        }
        return .image(config: try digest(config, reference), layers: try layers.map { try digest($0, reference) })
    }

    private static func hash(_ descriptor: Descriptor, _ reference: ImageReference) throws -> String {
        guard let hex = try? Digest.hash(parsing: descriptor.digest) else {
            throw malformed(reference, "it names a part by something else than a SHA-256 digest")
        }
        return hex
    }

    private static func digest(_ descriptor: Descriptor, _ reference: ImageReference) throws -> Digest {
        guard let digest = try? Digest(hex: hash(descriptor, reference), sizeBytes: descriptor.size) else {
            throw malformed(reference, "a part of it has the size \(descriptor.size)")
        }
        return digest
    }

    static func configuration(_ bytes: [UInt8], layers: Int, of reference: ImageReference) throws -> Configuration {
        struct Whole: Decodable {
            struct Config: Decodable { let Env: [String]? }
            struct Root: Decodable { let diff_ids: [String] }
            let os: String?
            let architecture: String?
            let config: Config?
            let rootfs: Root?
        }
        guard let whole = try? JSONDecoder().decode(Whole.self, from: Data(bytes)) else {
            throw malformed(reference, "its configuration cannot be read")
        }
        guard whole.rootfs.map({ $0.diff_ids.count == layers }) ?? true else {
            throw malformed(reference, "its configuration counts other layers than its manifest")
        }
        let path = whole.config?.Env?.last { $0.hasPrefix("PATH=") }?.dropFirst("PATH=".count) ?? ""
        let folders = path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        let platform = whole.os.flatMap { os in whole.architecture.map { Platform(os: os, architecture: $0) } }
        return Configuration(platform: platform, path: folders)
    }

    static func malformed(_ reference: ImageReference, _ why: String) -> ForgeError {
        ForgeError(.build, "image.malformed", "`\(reference)` cannot be read: \(why)", hint: "nothing of it was kept")
    }
}
