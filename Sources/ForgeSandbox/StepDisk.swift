internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The bounded file system a step writes to: a sparse ext4 image, because a tmpfs of the same size would eat the step's memory
/// limit and a plain directory knows no limit.
enum StepDisk {
    static var program: String? { ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"].first { Files.isExecutable($0) } }

    /// Creates the image at `path`; about ten milliseconds, and 200 KiB of real space however large `bytes` is.
    static func create(at path: String, bytes: Int64) async throws {
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
                    "-q", "-F", "-O", "^has_journal,^resize_inode", "-m", "0", "-E", "lazy_itable_init=1,nodiscard,root_owner=0:0", path,
                ],
                environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]))
        guard result.status.isSuccess else {
            throw ForgeError(
                .build, "sandbox.disk", "the step's disk could not be made: \(String(decoding: result.error, as: UTF8.self))",
                hint: "check the free space below `\(Files.parent(of: path))`")
        }
    }
}
