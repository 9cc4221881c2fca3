package import ForgeModel

/// A descriptor as it was found; one that is known by its digest is read when somebody asks what it says.
package struct DescriptorFile: Sendable {
    package let file: String
    /// Of its bytes.
    package let digest: Digest
    private let reading: @Sendable () throws -> [UInt8]

    package var kind: DescriptorKind { DescriptorKind(file: file) }

    package init(file: String, bytes: [UInt8]) { (self.file, digest, reading) = (file, Digest(of: bytes), { bytes }) }

    /// - Parameter reading: gives the bytes of `digest`; called when they are asked for.
    package init(file: String, digest: Digest, reading: @escaping @Sendable () throws -> [UInt8]) {
        (self.file, self.digest) = (file, digest)
        self.reading = {
            let bytes = try reading()
            guard Digest(of: bytes) == digest else {
                throw ForgeError(
                    .configuration, "preset.unreadable", "`\(file)` was changed while it was read", hint: "run the command again")
            }
            return bytes
        }
    }

    /// Blocks.
    /// - Throws: `ForgeError` `preset.unreadable`, also when it is no longer what `digest` says.
    package func bytes() throws -> [UInt8] {
        do { return try reading() } catch let error as ForgeError { throw error } catch {
            throw ForgeError(.configuration, "preset.unreadable", "`\(file)` cannot be read", cause: error)
        }
    }

    /// Nil and a fault where `bytes()` throws.
    func bytes(_ faults: FaultLog) -> [UInt8]? {
        do { return try bytes() } catch {
            faults.add((error as? ForgeError)?.message ?? "`\(file)` cannot be read", at: SourceLocation(file: file))
            return nil
        }
    }
}
