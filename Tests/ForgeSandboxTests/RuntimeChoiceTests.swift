import ForgeModel
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Synchronization
import Testing

@testable import ForgeSandbox

/// Runtimes by name, and machines on which no mount can be id-mapped.
@Suite struct RuntimeChoiceTests {
    private static func run(_ line: String, in sandbox: OCISandbox, layer: String) async throws -> (
        ending: SandboxResult.Ending, output: String
    ) {
        let heard = Mutex<[UInt8]>([])
        let request = SandboxRequest(
            layers: [layer], command: ["/bin/sh", "-c", line], environment: SandboxWorld.environment, workingDirectory: .root,
            limits: .small)
        let ending = try await sandbox.run(request, output: { bytes in heard.withLock { $0.append(contentsOf: bytes) } }) { $0.ending }
        return (ending, heard.withLock { String(decoding: $0, as: UTF8.self) })
    }

    private static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "/forge-runtime-test-" + UUID().uuidString
        try Files.makeDirectory("\(folder)/layer/sub")
        try Files.writeAtomically(Array("old\n".utf8), to: "\(folder)/layer/sub/file")
        defer { try? Files.removeTree(folder) }
        try await body(folder)
    }

    /// Every copy of `sub/file` by its path, with its inode; the layer of the container that proves the sandbox has none.
    private static func copies(in folder: String) throws -> [String: UInt64] {
        var found: [String: UInt64] = [:]
        for range in try Files.list("\(folder)/sandboxes/copies") {
            for layer in try Files.list("\(folder)/sandboxes/copies/\(range)") {
                let path = "\(folder)/sandboxes/copies/\(range)/\(layer)/sub/file"
                found[path] = FileSignature.of(path)?.inode
            }
        }
        return found
    }

    private static let helper = BuildProducts.executable("forge-sandbox")

    @Test(arguments: ["crun", "runc"]) func withoutIdMappedMountsLayersAreCopiedOnceForARangeAndStayAsTheyAre(name: String) async throws {
        try await Self.withFolder { folder in
            let sandbox = try await OCISandbox.open(
                helper: Self.helper, directory: "\(folder)/sandboxes", runtime: name, copiesLayers: true)
            #expect(sandbox.identity.hasPrefix("\(name) "))
            #expect(sandbox.identity.hasSuffix(", layers copied"))
            let line = "stat -c '%u %n' sub/file && cat sub/file && echo new > sub/file && cat sub/file && rm sub/file && ls sub"
            let first = try await Self.run(line, in: sandbox, layer: "\(folder)/layer")
            #expect(first.ending == .exited(0))
            #expect(first.output == "1000 sub/file\nold\nnew\n")
            let made = try Self.copies(in: folder)
            #expect(made.count == 1)
            // Another sandbox of this machine may hold the range just then; then a second one is given its own copy.
            var now = made
            repeat {
                let before = now
                let again = try await Self.run(line, in: sandbox, layer: "\(folder)/layer")
                #expect(again.output == first.output)
                now = try Self.copies(in: folder)
                #expect(now.filter { before.keys.contains($0.key) } == before, "a copy that is there is neither changed nor made anew")
                if now == before { break }
            } while now.count < 20
            #expect(now.count < 20, "a range that has its copy is taken again")
            #expect(try Files.read("\(folder)/layer/sub/file").map { String(decoding: $0, as: UTF8.self) } == "old\n")
        }
    }

    /// A program called like a runtime with a kernel of its own, which this machine has none of; it passes everything on to `crun`.
    private static func standIn(_ name: String, in folder: String, create: String = "") throws -> String {
        let path = "\(folder)/\(name)"
        let script = "#!/bin/sh\nfor word; do case $word in create) : ; \(create) ;; esac; done\nexec crun \"$@\"\n"
        try Files.writeAtomically(Array(script.utf8), to: path, mode: 0o755)
        return path
    }

    @Test(arguments: ["runsc", "kata-runtime"]) func aRuntimeIsTakenByItsPathOnceAContainerOfItCameUp(name: String) async throws {
        try await Self.withFolder { folder in
            let path = try Self.standIn(name, in: folder)
            let sandbox = try await OCISandbox.open(helper: Self.helper, directory: "\(folder)/sandboxes", runtime: path)
            #expect(sandbox.identity.hasPrefix("\(name) "))
            #expect(try await Self.run("echo up", in: sandbox, layer: "\(folder)/layer").output == "up\n")
        }
    }

    @Test func aRuntimeThatCannotStartAContainerIsRefusedWithItsReasonBeforeAnyStep() async throws {
        try await Self.withFolder { folder in
            let path = try Self.standIn(
                "runsc", in: folder, create: "while [ \"$1\" != --log ]; do shift; done; echo 'no KVM here' > \"$2\"; exit 1")
            let error = await #expect(throws: ForgeError.self) {
                _ = try await OCISandbox.open(helper: Self.helper, directory: "\(folder)/sandboxes", runtime: path)
            }
            #expect(error?.code == "sandbox.failed")
            #expect(error?.message == "the sandbox could not be set up: no KVM here")
        }
    }

    @Test func aNamedRuntimeThatIsNotThereIsNotReplacedByAnother() async throws {
        try await Self.withFolder { folder in
            let error = await #expect(throws: ForgeError.self) {
                _ = try await OCISandbox.open(helper: Self.helper, directory: "\(folder)/sandboxes", runtime: "kata")
            }
            #expect(error?.code == "sandbox.no-runtime")
            #expect(error?.message == "no OCI runtime found: looked for `kata-runtime`")
        }
    }

    @Test(arguments: [
        ("crun", true), ("runc", true), ("runsc", true), ("gvisor", true), ("kata", true), ("/opt/bin/crun", true), ("docker", false),
        ("/bin/sh", false), ("", false),
    ]) func onlyRuntimesThatForgeKnowsMayBeNamed(name: String, isKnown: Bool) {
        #expect(OCIRuntime.isKnown(name) == isKnown)
    }
}
