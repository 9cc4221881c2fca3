internal import Foundation
internal import ForgeModel
internal import ForgeREAPI
internal import SwiftProtobuf

/// A directory as the Remote Execution API writes it: the canonical form is the sorted one, and its digest names the tree.
typealias DirectoryMessage = Build_Bazel_Remote_Execution_V2_Directory

extension String {
    /// Order by UTF-8 bytes; Swift's own `<` goes by Unicode equivalence.
    func precedes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
    /// Equality of bytes; to Swift two spellings of `é` are equal.
    func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension DirectoryMessage {
    /// The bytes of the canonical form.
    func canonicalBytes() throws -> [UInt8] {
        var message = self
        message.files.sort { $0.name.precedes($1.name) }
        message.directories.sort { $0.name.precedes($1.name) }
        message.symlinks.sort { $0.name.precedes($1.name) }
        let bytes: [UInt8] = try message.serializedBytes()
        return bytes
    }

    /// - Throws: `store.malformed-tree` unless every name is a single one and every digest well formed. What is read here
    ///   becomes paths, and a tree need not come from this machine.
    init(validating bytes: [UInt8], named digest: Digest) throws {
        do { try self.init(serializedBytes: bytes) } catch {
            throw ForgeError(.store, "store.malformed-tree", "`\(digest)` is not a directory", cause: error)
        }
        let names = files.map(\.name) + directories.map(\.name) + symlinks.map(\.name)
        for name in names where name.isEmpty || name == "." || name == ".." || name.utf8.contains(where: { $0 == 47 || $0 == 0 }) {
            throw ForgeError(.store, "store.malformed-tree", "directory `\(digest)` holds the impossible name `\(name)`")
        }
    }

    var isEmpty: Bool { files.isEmpty && directories.isEmpty && symlinks.isEmpty }
}

extension Build_Bazel_Remote_Execution_V2_Digest {
    init(_ digest: Digest) {
        self.init()
        hash = digest.hex
        sizeBytes = digest.sizeBytes
    }

    func checked() throws -> Digest {
        do { return try Digest(hex: hash, sizeBytes: sizeBytes) } catch {
            throw ForgeError(.store, "store.malformed-tree", "a stored directory names a malformed digest", cause: error)
        }
    }
}

extension Build_Bazel_Remote_Execution_V2_FileNode {
    init(name: String, digest: Digest, isExecutable: Bool) {
        self.init()
        self.name = name
        self.digest = .init(digest)
        self.isExecutable = isExecutable
    }
}

extension Build_Bazel_Remote_Execution_V2_DirectoryNode {
    init(name: String, digest: Digest) {
        self.init()
        self.name = name
        self.digest = .init(digest)
    }
}

extension Build_Bazel_Remote_Execution_V2_SymlinkNode {
    init(name: String, target: String) {
        self.init()
        self.name = name
        self.target = target
    }
}
