internal import ForgeSystem
internal import Glibc

/// Reads the log of a server while it is written, also across the change to a new file. Calls block.
package struct AppLogReader: Sendable {
    /// A file that is being read, and what it is, so that the one after it can be told.
    private struct Source: Sendable {
        let file: Descriptor
        let inode: UInt64
        /// The beginning of a line whose end is not written yet.
        var partial: [UInt8] = []
    }

    private let path: String
    private let count: Int
    private var source: Source?

    /// - Parameter count: how many of the lines that are there already `take` gives.
    package init(path: String, last count: Int) {
        self.path = path
        self.count = count
    }

    /// What is new since the last call; the first gives the last lines there are. Empty while there is no file.
    /// - Throws: `SystemError`
    package mutating func take() throws -> [AppLogRecord] {
        guard source != nil else { return try begin() }
        var records = try rest()
        while let next = try successor() {
            // Its writer is through with the file before this one: what has no end there gets none.
            records += try rest()
            source = next
            records += try rest()
        }
        return records
    }

    private mutating func begin() throws -> [AppLogRecord] {
        var older: Source?
        repeat {
            guard let current = try Self.open(path) else { return [] }
            older = try Self.open(AppLogFile.older(path))
            source = current
            // Otherwise the files changed names between the two looks.
        } while older?.inode == source?.inode
        let records = Array(try rest().suffix(count))
        guard records.count < count, let older else { return records }
        let current = source
        source = older
        let earlier = Array(try rest().suffix(count - records.count))
        source = current
        return earlier + records
    }

    /// The lines between where reading stopped and the end of the file.
    private mutating func rest() throws -> [AppLogRecord] {
        guard var source else { return [] }
        var records: [AppLogRecord] = []
        while true {
            let chunk = try source.file.readAll(limit: 1 << 20)
            if chunk.isEmpty { break }
            var rest = chunk[...]
            while let end = rest.firstIndex(of: AppLogRecord.lineFeed) {
                source.partial += rest[..<end]
                if let record = AppLogRecord(line: source.partial) { records.append(record) }
                source.partial.removeAll(keepingCapacity: true)
                rest = rest[(end + 1)...]
            }
            source.partial += rest
        }
        self.source = source
        return records
    }

    /// The file that was begun after this one; nil while this is the one being written.
    private func successor() throws -> Source? {
        guard let current = try Self.open(path), current.inode != source?.inode else { return nil }
        guard let older = try Self.open(AppLogFile.older(path)), older.inode != source?.inode else { return current }
        // More than a whole file was written since the last look; what was before the older one is gone.
        return older.inode == current.inode ? current : older
    }

    private static func open(_ path: String) throws -> Source? {
        do {
            let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
            var status = stat()
            guard fstat(file.raw, &status) == 0 else { throw SystemError.last("fstat", path) }
            return Source(file: file, inode: UInt64(status.st_ino))
        } catch let error as SystemError where error.isNotFound { return nil }
    }
}
