internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// Keeps what a running server writes, and what the gateway has to say about it, in a file of bounded size.
///
/// Calls write to the file: make them off the cooperative pool. What cannot be written (no space) is dropped and counted; a log
/// never stops a server. A gateway that is killed leaves whole lines but for the last, and the next writer goes on behind it.
package final class AppLogWriter: Sendable {
    private let state: Mutex<AppLogState>
    private let clock: @Sendable () -> Int64

    /// Goes on with the log at `path`, or begins it.
    /// - Parameter clock: milliseconds since 1970.
    /// - Throws: `SystemError`
    package init(path: String, limits: AppLogLimits = .init(), clock: @escaping @Sendable () -> Int64) throws {
        state = Mutex(AppLogState(file: try AppLogFile(path: path, limit: limits.fileBytes), limits: limits))
        self.clock = clock
    }

    package convenience init(path: String, limits: AppLogLimits = .init()) throws {
        try self.init(path: path, limits: limits, clock: AppLogClock.now)
    }

    deinit {
        let now = clock()
        state.withLock { $0.endLine(at: now) }
    }

    /// The server's output as it arrives, in pieces of any size. A line is kept when its end has come.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        let now = clock()
        state.withLock { $0.write(bytes, at: now) }
    }

    /// A line of the gateway's own; what the server wrote before it stands before it.
    package func remark(_ text: String) {
        let now = clock()
        state.withLock { $0.remark(text, at: now) }
    }

    /// The last lines of the server's that this writer was given, kept in the file or not: as written, without ends.
    package func lastLines(_ count: Int) -> [String] { state.withLock { $0.lastLines(count) } }
}

/// What stands between a server's pipe and its file.
private struct AppLogState: Sendable {
    private static let longestTailLine = 4096

    private let limits: AppLogLimits
    private var file: AppLogFile
    private var partial: [UInt8] = []
    private var isCut = false
    private var tail: [[UInt8]] = []
    private var rate = AppLogRate()
    /// Records not yet in the file.
    private var pending: [UInt8] = []

    init(file: AppLogFile, limits: AppLogLimits) {
        self.file = file
        self.limits = limits
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer, at now: Int64) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: AppLogRecord.lineFeed) {
            extend(rest[..<end])
            takeLine(at: now)
            rest = rest[(end + 1)...]
        }
        extend(rest)
        flush()
    }

    mutating func remark(_ text: String, at now: Int64) {
        endLine(at: now)
        reportDropped(at: now)
        let line = text.utf8.map { $0 == AppLogRecord.lineFeed ? AppLogRecord.space : $0 }
        AppLogRecord.append(time: now, kind: .remark, line.prefix(limits.lineBytes), to: &pending)
        flush()
    }

    /// What has no end yet ends here.
    mutating func endLine(at now: Int64) {
        if !partial.isEmpty { takeLine(at: now) }
        flush()
    }

    func lastLines(_ count: Int) -> [String] {
        let unfinished = partial.isEmpty ? [] : [Array(partial.prefix(Self.longestTailLine))]
        return (tail + unfinished).suffix(max(0, count)).map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func extend(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let room = limits.lineBytes - partial.count
        partial.append(contentsOf: bytes.prefix(room))
        isCut = isCut || bytes.count > room
    }

    private mutating func takeLine(at now: Int64) {
        // Cut rarely: dropping one element for each line would move the others each time.
        if tail.count >= 2 * limits.tailLines { tail.removeFirst(tail.count - limits.tailLines + 1) }
        tail.append(Array(partial.prefix(Self.longestTailLine)))
        if rate.begins(at: now) { reportDropped(at: now) }
        if rate.allows(partial.count, limits) {
            AppLogRecord.append(time: now, kind: isCut ? .cut : .output, partial, to: &pending)
            if pending.count >= 1 << 16 { flush() }
        } else {
            rate.dropped += 1
        }
        partial.removeAll(keepingCapacity: partial.count < 4096)
        isCut = false
    }

    private mutating func reportDropped(at now: Int64) {
        guard rate.dropped > 0 else { return }
        let text = rate.dropped == 1 ? "1 line dropped" : "\(rate.dropped) lines dropped"
        AppLogRecord.append(time: now, kind: .dropped, text.utf8, to: &pending)
        rate.dropped = 0
    }

    private mutating func flush() {
        guard !pending.isEmpty else { return }
        if !file.append(pending) { rate.dropped += pending.count { $0 == AppLogRecord.lineFeed } }
        pending.removeAll(keepingCapacity: pending.count <= 1 << 17)
    }
}

/// Lines and bytes of the second that runs.
private struct AppLogRate {
    private var second: Int64 = .min
    private var lines = 0
    private var bytes = 0
    /// Lines that were not kept and not yet told.
    var dropped = 0

    /// Whether another second runs now.
    mutating func begins(at now: Int64) -> Bool {
        guard now / 1000 != second else { return false }
        (second, lines, bytes) = (now / 1000, 0, 0)
        return true
    }

    mutating func allows(_ count: Int, _ limits: AppLogLimits) -> Bool {
        guard lines < limits.linesPerSecond, bytes + count <= max(limits.bytesPerSecond, limits.lineBytes) else { return false }
        lines += 1
        bytes += count
        return true
    }
}

/// The file being written, and its older half.
struct AppLogFile: Sendable {
    private let path: String
    private let limit: Int
    private var descriptor: Descriptor
    private var size: Int
    /// Whether what was written last ends in the middle of a line.
    private var isTorn: Bool

    init(path: String, limit: Int) throws {
        self.path = path
        self.limit = limit
        try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
        descriptor = try Self.open(path)
        size = Int(lseek(descriptor.raw, 0, SEEK_END))
        var last = AppLogRecord.lineFeed
        isTorn = size > 0 && pread(descriptor.raw, &last, 1, off_t(size - 1)) == 1 && last != AppLogRecord.lineFeed
    }

    static func older(_ path: String) -> String { path + ".1" }

    /// Whether all of `records` is in the file now.
    mutating func append(_ records: [UInt8]) -> Bool {
        if size > 0, size + records.count > limit { rotate() }
        if isTorn {
            guard (try? descriptor.write([AppLogRecord.lineFeed])) != nil else { return false }
            size += 1
            isTorn = false
        }
        do { try descriptor.write(records) } catch {
            isTorn = true
            return false
        }
        size += records.count
        return true
    }

    /// When it fails the file goes on growing rather than losing lines; the next write tries again.
    private mutating func rotate() {
        guard rename(path, Self.older(path)) == 0, let fresh = try? Self.open(path) else { return }
        descriptor = fresh
        size = 0
        isTorn = false
    }

    private static func open(_ path: String) throws -> Descriptor {
        try Descriptor.open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, mode: 0o600)
    }
}

enum AppLogClock {
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
