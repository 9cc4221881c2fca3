internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// A step's whole output on disk, written as it comes. Output that cannot be written (a full disk) is given up, once, so that
/// the step itself decides the build's fate.
final class StepLog: Sendable {
    let path: String
    private let file: Mutex<Descriptor?>

    init(_ path: String) throws {
        try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
        self.path = path
        file = Mutex(try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
    }

    func append(_ bytes: [UInt8]) {
        file.withLock {
            do { try $0?.write(bytes, to: path) } catch { $0 = nil }
        }
    }

    func store(in content: FileContentStore) async throws -> Digest {
        try await BlockingPool.run { [path] in try content.ingest(Descriptor.open(path, O_RDONLY)) }
    }
}
