/// Cuts a step's output into lines as it arrives. A carriage return ends a line too, so nothing can be overwritten.
struct LogLines {
    /// Of a longer line the beginning is kept, and `…` says so.
    let maximumLineBytes: Int
    private var partial: [UInt8] = []
    private var isCut = false
    private var lastWasReturn = false

    init(maximumLineBytes: Int) { self.maximumLineBytes = maximumLineBytes }

    /// Calls `line` for each line that `bytes` completes, without its end. The text is as written: escape it.
    mutating func append(_ bytes: [UInt8], line: (String) -> Void) {
        var rest = bytes[...]
        while let byte = rest.first {
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                rest.removeFirst()
                // The second half of `\r\n` ends nothing.
                if byte == UInt8(ascii: "\r") || !lastWasReturn { line(takeLine()) }
                lastWasReturn = byte == UInt8(ascii: "\r")
                continue
            }
            lastWasReturn = false
            let end = rest.firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? rest.endIndex
            let room = maximumLineBytes - partial.count
            partial += rest[..<end].prefix(room)
            isCut = isCut || end - rest.startIndex > room
            rest = rest[end...]
        }
    }

    /// The line that has no end yet; nil when there is none.
    var unfinished: String? { partial.isEmpty ? nil : text }

    private var text: String { String(decoding: partial, as: UTF8.self) + (isCut ? "…" : "") }

    private mutating func takeLine() -> String {
        defer {
            partial.removeAll(keepingCapacity: true)
            isCut = false
        }
        return text
    }
}

/// The last lines of a log, in bounded memory.
struct LogTail {
    static let maximumLines = 20

    private var lines = LogLines(maximumLineBytes: 4096)
    private var kept: [String] = []
    private var count = 0

    mutating func append(_ bytes: [UInt8]) {
        lines.append(bytes) { line in
            kept.append(line)
            count += 1
            // Cut rarely: dropping one element for each line would copy the array each time.
            if kept.count >= 4 * Self.maximumLines { kept.removeFirst(kept.count - Self.maximumLines) }
        }
    }

    /// At most `limit` (up to `maximumLines`) last lines, escaped, the unfinished one included.
    func last(_ limit: Int) -> [String] {
        (kept.suffix(limit) + [lines.unfinished].compactMap(\.self)).suffix(limit).map { TerminalText.escaped($0) }
    }

    /// How many lines come before `last(limit)`.
    func earlier(than limit: Int) -> Int { max(0, count + (lines.unfinished == nil ? 0 : 1) - limit) }
}
