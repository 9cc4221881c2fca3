internal import CLibarchive
package import ForgeModel
internal import ForgeSystem
internal import Glibc

extension TreeStore {
    /// Writes the tree as a `tar.zst` to `file`, replacing a file that is there, and returns the archive's digest.
    ///
    /// Equal trees give equal bytes: entries by the bytes of their paths, times and ids zero, modes 0644 and 0755, pax headers
    /// only where the old format is too small, zstd level 3 on two threads (any number gives the same bytes, none gives others).
    /// Another version of libarchive or zstd may write other bytes; the artifact's own digest does not depend on this.
    /// - Throws: `out.not-a-file`, `out.failed`, `out.no-space`, `store.missing-blob`
    package func archive(_ root: Digest, to file: String) async throws -> Digest {
        let place = try await BlockingPool.run { try ExportPlace(file, suffix: "archive", mustBe: .file, replace: true) }
        let listing = try await BlockingPool.run { try TreeListing(of: root, in: self) }
        return try await place.filled { work in
            try await BlockingPool.run {
                let path = work + "/archive"
                let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o644)
                try TarWriter.write(listing, from: content, to: file, path)
                try file.rewind()
                var hasher = DigestHasher()
                try file.forEachChunk { hasher.update($0) }
                try file.sync(path)
                try Files.move(path, over: place.path)
                try Files.syncDirectory(Files.parent(of: place.path))
                return hasher.finish()
            }
        }
    }
}

/// One archive being written by libarchive. Blocking; stays on one thread.
private struct TarWriter {
    private enum Entry {
        case directory(String)
        case file(TreeListing.File)
        case symlink(TreeListing.Symlink)

        var path: String {
            switch self {
            case .directory(let path): path
            case .file(let file): file.path
            case .symlink(let link): link.path
            }
        }
    }

    private let archive: OpaquePointer
    private let entry: OpaquePointer
    private let content: FileContentStore
    private let subject: String

    static func write(_ listing: TreeListing, from content: FileContentStore, to file: Descriptor, _ subject: String) throws {
        guard let archive = archive_write_new() else { throw SystemError("archive_write_new", subject, errno: ENOMEM) }
        defer { archive_write_free(archive) }
        guard let entry = archive_entry_new() else { throw SystemError("archive_entry_new", subject, errno: ENOMEM) }
        defer { archive_entry_free(entry) }
        var locale: locale_t?
        let former = forge_locale_enter(&locale)
        defer { forge_locale_leave(locale, former) }
        let writer = TarWriter(archive: archive, entry: entry, content: content, subject: subject)
        try writer.open(file)
        for entry in entries(of: listing) { try writer.add(entry) }
        try writer.check(archive_write_close(archive))
    }

    private static func entries(of listing: TreeListing) -> [Entry] {
        let all = listing.directories.map(Entry.directory) + listing.files.map(Entry.file) + listing.symlinks.map(Entry.symlink)
        return all.sorted { $0.path.precedes($1.path) }
    }

    private func open(_ file: Descriptor) throws {
        try check(archive_write_set_format_pax_restricted(archive))
        try check(archive_write_add_filter_zstd(archive))
        try check(archive_write_set_filter_option(archive, "zstd", "compression-level", "3"))
        try check(archive_write_set_filter_option(archive, "zstd", "threads", "2"))
        try check(archive_write_set_bytes_in_last_block(archive, 1))
        try check(archive_write_open_fd(archive, file.raw))
    }

    private func add(_ item: Entry) throws {
        archive_entry_clear(entry)
        archive_entry_set_pathname(entry, item.path)
        archive_entry_set_mtime(entry, 0, 0)
        switch item {
        case .directory:
            archive_entry_set_filetype(entry, Glibc.S_IFDIR)
            archive_entry_set_perm(entry, 0o755)
            try check(archive_write_header(archive, entry))
        case .symlink(let link):
            archive_entry_set_filetype(entry, Glibc.S_IFLNK)
            archive_entry_set_perm(entry, 0o777)
            archive_entry_set_symlink(entry, link.target)
            try check(archive_write_header(archive, entry))
        case .file(let file):
            archive_entry_set_filetype(entry, Glibc.S_IFREG)
            archive_entry_set_perm(entry, file.isExecutable ? 0o755 : 0o644)
            archive_entry_set_size(entry, file.digest.sizeBytes)
            try check(archive_write_header(archive, entry))
            try addData(of: file.digest)
        }
    }

    private func addData(of digest: Digest) throws {
        let found = try content.forEachChunk(of: digest) { bytes in
            guard archive_write_data(archive, bytes.baseAddress, bytes.count) >= 0 else { throw failure() }
        }
        guard found else { throw StoreFailure.missing(digest) }
    }

    /// A warning means that an entry could not be written as given, which is a failure here.
    private func check(_ result: Int32) throws {
        guard result == ARCHIVE_OK else { throw failure() }
    }

    private func failure() -> any Error {
        let number = archive_errno(archive)
        if number > 0 { return SystemError("archive", subject, errno: number) }
        let reason = archive_error_string(archive).map { String(cString: $0) } ?? "unknown"
        return ForgeError(.store, "out.failed", "cannot write the archive `\(subject)`: \(reason)")
    }
}
