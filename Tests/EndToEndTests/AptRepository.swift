import ForgeTestSupport
import Foundation
import Testing

/// A repository of Debian packages on loopback, unsigned: it has `libforge-sample-dev`, with a header and a file below `/lib`.
struct AptRepository: Sendable {
    let origin: String
    let folder: String
    private let home: ForgeHome

    fileprivate init(home: ForgeHome, port: Int, folder: String) {
        (self.home, self.folder) = (home, folder)
        origin = "http://127.0.0.1:\(port)"
    }

    /// The one package of the repository, in place of the one before. Its header says `text`.
    func publish(_ text: String, version: String) async throws {
        let script = """
            rm -f *.deb
            mkdir -p pkg/DEBIAN pkg/usr/include pkg/lib/forge-sample
            printf 'Package: libforge-sample-dev\\nVersion: \(version)\\nArchitecture: all\\nMaintainer: Ada <ada@example.org>\\nDescription: sample\\n' > pkg/DEBIAN/control
            printf '#define SAMPLE "\(text)"\\n' > pkg/usr/include/forge-sample.h
            printf 'moved' > pkg/lib/forge-sample/file
            dpkg-deb --root-owner-group -b pkg libforge-sample-dev_\(version)_all.deb
            { cat pkg/DEBIAN/control
              echo "Filename: ./libforge-sample-dev_\(version)_all.deb"
              echo "Size: $(stat -c %s libforge-sample-dev_\(version)_all.deb)"
              echo "SHA256: $(sha256sum libforge-sample-dev_\(version)_all.deb | cut -d' ' -f1)"
              echo; } > Packages
            """
        let made = try await home.tool("/bin/sh", "-euc", script, cwd: folder)
        #expect(made.exitCode == 0, "\(made.error)")
    }

    /// `sha256:<hex>/<size>` of the package's file, as `forge.lock` has it.
    func file(version: String) async throws -> String {
        let path = "\(folder)/libforge-sample-dev_\(version)_all.deb"
        let said = try await home.tool("/bin/sh", "-euc", "sha256sum < $0 | cut -c1-64 | tr -d '\\n'; stat -c /%s $0", path)
        return "sha256:" + said.output.dropLast()
    }
}

extension ForgeHome {
    /// One whose package has version 1.2-3 and says `text`.
    func aptRepository(_ text: String) async throws -> AptRepository {
        let port = try Loopback.freePort()
        let repository = AptRepository(home: self, port: port, folder: "\(folder)/output/apt-\(UUID().uuidString)")
        try Folder.make(repository.folder)
        try await repository.publish(text, version: "1.2-3")
        _ = try start(program: "/usr/bin/python3", ["-m", "http.server", "--bind", "127.0.0.1", "\(port)"], cwd: repository.folder)
        _ = try await eventually("the repository to listen") { Loopback.answers(port) ? true : nil }
        return repository
    }
}
