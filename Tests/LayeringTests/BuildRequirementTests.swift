import ForgeTestSupport
import Foundation
import Testing

@Suite struct BuildRequirementTests {
    /// Compiles the libgit2 shim against a stand-in `git2.h` that states only a version.
    private func diagnostics(version major: Int, _ minor: Int) throws -> [String] {
        let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "forge-shim-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try "#define LIBGIT2_VER_MAJOR \(major)\n#define LIBGIT2_VER_MINOR \(minor)\n"
            .write(to: folder.appending(path: "git2.h"), atomically: true, encoding: .utf8)
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        compiler.arguments = [
            "cc", "-E", "-I", folder.path(percentEncoded: false), BuildProducts.checkout + "Sources/CLibgit2/shim.h", "-o", "/dev/null",
        ]
        let pipe = Pipe()
        compiler.standardError = pipe
        try compiler.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        compiler.waitUntilExit()
        return output.split(separator: "\n").filter { $0.contains("#error") && $0.contains("error:") }.map(String.init)
    }

    @Test func anOldLibgit2StopsTheBuildWithOneSentenceThatNamesBackports() throws {
        let errors = try diagnostics(version: 1, 5)
        #expect(errors.count == 1)
        #expect(
            errors.first?.contains(
                "Forge needs libgit2 1.8 or newer (shallow fetch): install libgit2-dev from bookworm-backports, as `make setup` does.")
                == true)
    }

    @Test func theLibgit2OfBackportsIsAccepted() throws {
        #expect(try diagnostics(version: 1, 8) == [])
    }
}
