internal import CLibarchive
internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Writes parts of a tar stream with libarchive. Blocking; each call stays on one thread.
struct ArchiveWriter {
    let content: FileContentStore

    /// The uncompressed bytes of a piece.
    /// - Throws: `store.missing-blob`, `out.failed`
    func bytes(of piece: ArchivePieces.Piece) throws -> [UInt8] {
        switch piece {
        case .entries(let entries):
            let stream = try TarStream(capacity: entries.reduce(2048) { $0 + Int($1.size) + 1024 })
            for entry in entries {
                try stream.add(header: entry)
                if case .file(let file) = entry { try addData(of: file.digest, to: stream) }
            }
            // Asking for the next header is what fills the last entry up; the end mark comes after that.
            return try stream.finished()
        case .part(let file, let range): return try part(range, of: file)
        case .end: return [UInt8](repeating: 0, count: 1024)
        }
    }

    private func addData(of digest: Digest, to stream: TarStream) throws {
        guard try content.forEachChunk(of: digest, { try stream.add(data: $0) }) else { throw StoreFailure.missing(digest) }
    }

    private func part(_ range: Range<Int64>, of file: TreeListing.File) throws -> [UInt8] {
        var bytes: [UInt8] = []
        if range.lowerBound == 0 {
            let stream = try TarStream(capacity: 4096)
            try stream.add(header: .file(file))
            bytes = stream.taken()
        }
        let blob: Descriptor
        do { blob = try Descriptor.open(content.path(of: file.digest, executable: false), O_RDONLY | O_NOFOLLOW) } catch let error
            as SystemError where error.isNotFound
        { throw StoreFailure.missing(file.digest) }
        let data = try blob.bytes(at: Int(range.lowerBound), count: range.count)
        guard data.count == range.count else { throw StoreFailure.missing(file.digest) }
        bytes += data
        if range.upperBound == file.digest.sizeBytes {
            bytes += [UInt8](repeating: 0, count: Int((512 - file.digest.sizeBytes % 512) % 512))
        }
        return bytes
    }
}

/// A tar stream in memory.
private final class TarStream {
    /// The mark at the end of an archive.
    private static let endSize = 1024

    private let archive: OpaquePointer
    private let entry: OpaquePointer
    private var locale: locale_t?
    private let former: locale_t?
    private let sink = Sink()

    /// What libarchive has written.
    fileprivate final class Sink { var bytes: [UInt8] = [] }

    /// - Parameter capacity: about as many bytes as there will be.
    init(capacity: Int) throws {
        sink.bytes.reserveCapacity(capacity)
        guard let archive = archive_write_new() else { throw SystemError("archive_write_new", "archive", errno: ENOMEM) }
        guard let entry = archive_entry_new() else {
            archive_write_free(archive)
            throw SystemError("archive_entry_new", "archive", errno: ENOMEM)
        }
        self.archive = archive
        self.entry = entry
        former = forge_locale_enter(&locale)
        try check(archive_write_set_format_pax_restricted(archive))
        try check(archive_write_set_bytes_per_block(archive, 0))
        try check(archive_write_open(archive, Unmanaged.passUnretained(sink).toOpaque(), nil, appendToSink, nil))
    }

    deinit {
        archive_entry_free(entry)
        archive_write_free(archive)
        forge_locale_leave(locale, former)
    }

    func add(header item: ArchivePieces.Entry) throws {
        archive_entry_clear(entry)
        archive_entry_set_pathname(entry, item.path)
        archive_entry_set_mtime(entry, 0, 0)
        switch item {
        case .directory:
            archive_entry_set_filetype(entry, Glibc.S_IFDIR)
            archive_entry_set_perm(entry, 0o755)
        case .symlink(let link):
            archive_entry_set_filetype(entry, Glibc.S_IFLNK)
            archive_entry_set_perm(entry, 0o777)
            archive_entry_set_symlink(entry, link.target)
        case .file(let file):
            archive_entry_set_filetype(entry, Glibc.S_IFREG)
            archive_entry_set_perm(entry, file.isExecutable ? 0o755 : 0o644)
            archive_entry_set_size(entry, file.digest.sizeBytes)
        }
        try check(archive_write_header(archive, entry))
    }

    func add(data: UnsafeRawBufferPointer) throws {
        guard archive_write_data(archive, data.baseAddress, data.count) >= 0 else { throw failure() }
    }

    /// What is there so far.
    func taken() -> [UInt8] { sink.bytes }

    /// All of it, without the mark at the end.
    func finished() throws -> [UInt8] {
        try check(archive_write_close(archive))
        sink.bytes.removeLast(Self.endSize)
        return sink.bytes
    }

    /// A warning means that an entry could not be written as given, which is a failure here.
    private func check(_ result: Int32) throws {
        guard result == ARCHIVE_OK else { throw failure() }
    }

    private func failure() -> any Error {
        let number = archive_errno(archive)
        if number > 0 { return SystemError("archive", "archive", errno: number) }
        let reason = archive_error_string(archive).map { String(cString: $0) } ?? "unknown"
        return ForgeError(.store, "out.failed", "cannot write the archive: \(reason)")
    }
}

/// A free function: a closure handed to C could be given an actor's isolation.
private func appendToSink(
    _ archive: OpaquePointer?, _ sink: UnsafeMutableRawPointer?, _ bytes: UnsafeRawPointer?, _ count: Int
) -> Int {
    guard let sink, let bytes else { return -1 }
    Unmanaged<TarStream.Sink>.fromOpaque(sink).takeUnretainedValue().bytes.append(
        contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
    return count
}
