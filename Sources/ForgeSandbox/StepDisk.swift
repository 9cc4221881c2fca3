internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The bounded file system a step writes to: a sparse ext4 image, because a tmpfs of the same size would eat the step's memory
/// limit and a plain directory knows no limit.
enum StepDisk {
    static var program: String? { ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"].first { Files.isExecutable($0) } }

    /// Creates the image at `path`: a copy of an empty one that is kept for each size beside the run directories, because to make one
    /// takes longer than to start the step. 300 KiB of real space, however large `bytes` is.
    static func create(at path: String, bytes: Int64, inodes: Int) async throws {
        let kept = Files.parent(of: Files.parent(of: path)) + "/disks"
        // At most one inode for each 8 KiB: their tables would fill a small disk.
        let inodes = min(Int64(inodes), bytes >> 13)
        let template = "\(kept)/\(bytes)-\(inodes)"
        if try await BlockingPool.run({ try copy(template, to: path) }) { return }
        try await BlockingPool.run { try Files.makeDirectory(kept, mode: 0o700) }
        let fresh = "\(template).\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try await format(fresh, bytes: bytes, inodes: inodes)
        try await BlockingPool.run {
            try Descriptor.open(fresh, O_RDONLY).sync(fresh)
            guard rename(fresh, template) == 0 else { throw SystemError.last("rename", fresh) }
            guard try copy(template, to: path) else { throw SystemError("open", template, errno: ENOENT) }
        }
    }

    /// Copies what of the template is not a hole; false when there is none.
    private static func copy(_ template: String, to path: String) throws -> Bool {
        guard let source = try? Descriptor.open(template, O_RDONLY) else { return false }
        let copy = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        let size = lseek(source.raw, 0, SEEK_END)
        guard size > 0, ftruncate(copy.raw, size) == 0 else { throw SystemError.last("ftruncate", path) }
        var end: off_t = 0
        while case let start = lseek(source.raw, end, seekData), start >= 0 {
            end = lseek(source.raw, start, seekHole)
            try copy.write(try source.bytes(at: Int(start), count: Int(end - start)), at: Int(start))
        }
        return true
    }

    /// SEEK_DATA and SEEK_HOLE, which Swift's Glibc leaves out.
    private static let seekData: Int32 = 3, seekHole: Int32 = 4

    private static func format(_ path: String, bytes: Int64, inodes: Int64) async throws {
        let descriptor = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        guard ftruncate(descriptor.raw, off_t(bytes)) == 0 else { throw SystemError.last("ftruncate", path) }
        guard let program else {
            throw ForgeError(.build, "sandbox.no-mkfs", "`mkfs.ext4` is missing", hint: "install e2fsprogs")
        }
        // No journal: the disk lives as long as the step. Inode tables stay unwritten until used.
        let result = try await ChildProcess.output(
            .init(
                program,
                [
                    "-q", "-F", "-O", "^has_journal,^resize_inode", "-m", "0", "-N", "\(inodes)", "-E",
                    "lazy_itable_init=1,nodiscard,root_owner=0:0", path,
                ],
                environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]))
        guard result.status.isSuccess else {
            unlink(path)
            throw ForgeError(
                .build, "sandbox.disk", "the step's disk could not be made: \(String(decoding: result.error, as: UTF8.self))",
                hint: "check the free space below `\(Files.parent(of: path))`")
        }
    }
}
