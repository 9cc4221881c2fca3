internal import CLibarchive
internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Reads a tar (plain, gzip, bzip2, xz, zstd) or zip entry by entry with libarchive. Blocking; stays on one thread.
///
/// libarchive never touches a file system here, so its extraction flags do not matter: what names mean is `ArchiveContents`' to say.
final class ArchiveReader {
    struct Entry {
        enum Node {
            case file(executable: Bool, size: Int64?)
            case directory
            case symlink(target: String)
            /// Another name of an entry before it.
            case hardLink(target: String)
            /// `a device`.
            case special(String)
        }

        /// As written.
        let path: String
        let node: Node
    }

    private let archive: OpaquePointer
    private let name: String
    private var locale: locale_t?
    private let former: locale_t?

    /// `file` is a regular file, read from its beginning; `name` is for messages.
    init(_ file: Descriptor, name: String) throws {
        guard let archive = archive_read_new() else { throw SystemError("archive_read_new", name, errno: ENOMEM) }
        self.archive = archive
        self.name = name
        former = forge_locale_enter(&locale)
        // A filter that the library lacks would be had by starting a program: then it only warns.
        let filters = [
            archive_read_support_filter_gzip, archive_read_support_filter_bzip2, archive_read_support_filter_xz,
            archive_read_support_filter_zstd,
        ]
        for support in filters + [archive_read_support_format_tar, archive_read_support_format_zip_seekable] {
            guard support(archive) == ARCHIVE_OK else { throw failure() }
        }
        // By name, because only then can a zip's directory be found at its end.
        guard archive_read_open_filename(archive, "/proc/self/fd/\(file.raw)", 1 << 16) == ARCHIVE_OK else { throw failure() }
    }

    deinit {
        archive_read_free(archive)
        forge_locale_leave(locale, former)
    }

    /// nil at the end.
    /// - Throws: `archive.malformed`, `archive.name`
    func next() throws -> Entry? {
        var entry: OpaquePointer?
        switch archive_read_next_header(archive, &entry) {
        case ARCHIVE_EOF: return nil
        case ARCHIVE_OK, ARCHIVE_WARN: break
        default: throw failure()
        }
        guard let entry else { throw failure() }
        let path = try text(archive_entry_pathname(entry), "a name")
        return Entry(path: path, node: try node(entry, path))
    }

    private func node(_ entry: OpaquePointer, _ path: String) throws -> Entry.Node {
        if let target = archive_entry_hardlink(entry) { return .hardLink(target: try text(target, "the target of `\(path)`")) }
        switch archive_entry_filetype(entry) {
        case Glibc.S_IFREG:
            let size = archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : nil
            return .file(executable: archive_entry_perm(entry) & 0o100 != 0, size: size)
        case Glibc.S_IFDIR: return .directory
        case Glibc.S_IFLNK: return .symlink(target: try text(archive_entry_symlink(entry), "the target of `\(path)`"))
        case Glibc.S_IFIFO: return .special("a FIFO")
        case Glibc.S_IFSOCK: return .special("a socket")
        case Glibc.S_IFCHR, Glibc.S_IFBLK: return .special("a device")
        default: return .special("neither a file nor a folder")
        }
    }

    /// Hands on the current entry's bytes, holes as zeros.
    func forEachChunk(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
            if count == 0 { return }
            // A checksum that does not fit is only a warning to libarchive.
            guard count > 0 else { throw failure() }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    private func text(_ bytes: UnsafePointer<CChar>?, _ what: String) throws -> String {
        guard let bytes, let text = String(validatingCString: bytes), !text.isEmpty else {
            throw ForgeError(.store, "archive.name", "\(what) in `\(name)` is not UTF-8, or empty", hint: "nothing of it was kept")
        }
        return text
    }

    private func failure() -> any Error {
        let number = archive_errno(archive)
        if [ENOMEM, EIO, ENOSPC].contains(number) { return SystemError("archive", name, errno: number) }
        let reason = archive_error_string(archive).map { String(cString: $0) } ?? "it is no tar or zip archive"
        return ForgeError(.store, "archive.malformed", "`\(name)` cannot be unpacked: \(reason)", hint: "nothing of it was kept")
    }
}
