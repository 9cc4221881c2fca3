import ForgeImages
import ForgeModel
import ForgeStore
import ForgeTestSupport
import Foundation
import Testing

/// Layers of a real registry's images become the tree that umoci makes of them.
@Suite struct ImagePullTests {
    /// Everything below a folder: type, path, link target.
    private func listing(_ home: ForgeHome, _ folder: String) async throws -> [String] {
        let run = try await home.tool("/usr/bin/find", folder, "-mindepth", "1", "-printf", "%y %P %l\n")
        return run.output.split(separator: "\n").map(String.init).sorted()
    }

    private static let layers: [[String: String]] = [
        [
            "etc/gone": "1", "etc/kept": "1", "etc/only/gone": "1", "dir/below/file": "1", "opaque/a/b": "1", "opaque/c": "1",
            "turns/into/file": "1",
            "plain": "1", "links/absolute": "-> /etc/kept", "links/dangling": "-> nowhere", "links/out": "-> ../../../../etc/passwd",
            "bin/setuid-program": "x", "back/again": "1",
        ],
        [
            "etc/.wh.gone": "", "etc/only/.wh.gone": "", "etc/.wh.never": "", "dir/.wh.below": "", "opaque/.wh..wh..opq": "",
            "opaque/a/d": "2",
            "turns/into": "2", "turns/.wh.nothing": "", "plain/now/folder": "2", "back/.wh.again": "",
        ],
        ["back/again": "3", "etc/kept": "3", "links/.wh.out": "", "empty/": ""],
    ]

    @Test(arguments: [[], ["--format", "v2s2"], ["--dest-compress-format", "zstd"]])
    func whiteoutsOpaqueFoldersAndReplacementsEndAsInAnotherTool(_ copying: [String]) async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            var layers = Self.layers
            // `turns/into` was a folder: a layer that makes a file of it.
            layers[0]["turns/into/file"] = "1"
            let pushed = try await registry.push("team/odd", layers: layers, copying: copying)
            let store = try await Store.open(at: "\(home.folder)/store")
            let puller = ImagePuller(
                store: store, home: "\(home.folder)/images", endpoints: RegistryEndpoints(), credentials: .none, caBundle: nil)
            let image = try await puller.image(ImageReference(parsing: "\(registry.authority)/team/odd@\(pushed.digest)"))
            try await store.trees.export(image.root, to: "\(home.folder)/ours", replace: false)
            let line = """
                skopeo copy -q oci:\(pushed.layout) oci:\(home.folder)/theirs:1
                umoci unpack --rootless --image \(home.folder)/theirs:1 \(home.folder)/bundle 2>/dev/null
                """
            let other = try await home.tool("/bin/sh", "-euc", line)
            #expect(other.exitCode == 0, "\(other.error)")
            let ours = try await listing(home, "\(home.folder)/ours")
            #expect(try await ours == listing(home, "\(home.folder)/bundle/rootfs"))
            #expect(ours.contains("l links/dangling nowhere") && ours.contains("d etc/only ") && !ours.contains { $0.contains(".wh.") })
            let mode = try await home.tool("/usr/bin/stat", "-c", "%a", "\(home.folder)/ours/bin/setuid-program")
            #expect(mode.output == "644\n")
            #expect(
                try await home.tool("/usr/bin/diff", "-r", "--no-dereference", "\(home.folder)/ours", "\(home.folder)/bundle/rootfs")
                    .exitCode == 0)
        }
    }

    @Test func severalThatAskAtOncePullOnce() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/odd", layers: Self.layers)
            let store = try await Store.open(at: "\(home.folder)/store")
            let reference = try ImageReference(parsing: "\(registry.authority)/team/odd@\(pushed.digest)")
            let roots = try await withThrowingTaskGroup(of: ForgeModel.Digest.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let puller = ImagePuller(
                            store: store, home: "\(home.folder)/images", endpoints: RegistryEndpoints(), credentials: .none, caBundle: nil)
                        return try await puller.image(reference).root
                    }
                }
                return try await group.reduce(into: Set<ForgeModel.Digest>()) { $0.insert($1) }
            }
            #expect(roots.count == 1)
            #expect(registry.requests().filter { $0.contains("/manifests/") }.count == 1)
        }
    }

    @Test func anImageForAnotherPlatformIsRefusedByName() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let pushed = try await registry.push("team/odd", layers: [["a": "1"]], options: ["--architecture", "s390x"])
            let store = try await Store.open(at: "\(home.folder)/store")
            let puller = ImagePuller(
                store: store, home: "\(home.folder)/images", endpoints: RegistryEndpoints(), credentials: .none, caBundle: nil)
            let error = await #expect(throws: ForgeError.self) {
                try await puller.image(ImageReference(parsing: "\(registry.authority)/team/odd@\(pushed.digest)"))
            }
            #expect(error?.code == "image.platform")
        }
    }

    @Test func namesThatBeginAtTheRootAreTheSameNames() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            let store = try await Store.open(at: "\(home.folder)/store")
            let puller = ImagePuller(
                store: store, home: "\(home.folder)/images", endpoints: RegistryEndpoints(), credentials: .none, caBundle: nil)
            var roots: Set<ForgeModel.Digest> = []
            for options in [[], ["--absolute"]] {
                let pushed = try await registry.push("team/odd", layers: Self.layers, options: options)
                roots.insert(try await puller.image(ImageReference(parsing: "\(registry.authority)/team/odd@\(pushed.digest)")).root)
            }
            #expect(roots.count == 1)
        }
    }
}
