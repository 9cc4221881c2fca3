internal import ForgeModel
internal import ForgeSystem

/// What a step writes, on its way to those who read it: bounded in all and by line.
///
/// A line longer than its limit loses its rest and gets a mark instead. It does not end the step: bundlers and compilers quote
/// whole minified files, which is no reason to fail. A carriage return ends a line too, so that progress bars are many short lines.
struct StepOutput {
    private let limit: Int64
    private let lineLimit: Int
    private var total: Int64 = 0
    private var lineLength = 0
    /// The last bytes of what came before, in case a word lies across two reads.
    private var tail: [UInt8] = []
    private(set) var saysThatDescriptorsRanOut = false

    init(_ limits: Step.Limits) {
        limit = limits.logBytes
        lineLimit = limits.logLineBytes ?? Step.Limits.standardLogLineBytes
    }

    var isExceeded: Bool { total > limit }

    /// Hands on what may pass of `bytes`, in one piece.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ output: (UnsafeRawBufferPointer) -> Void) {
        look(at: bytes)
        let passing = UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(max(0, min(limit - total, Int64(bytes.count))))))
        total += Int64(bytes.count)
        guard !passing.isEmpty else { return }
        if let cut = cut(passing) { cut.withUnsafeBytes(output) } else { output(passing) }
    }

    private static let mark = Array(" … (the rest of this line is left out)".utf8)

    /// Nil when nothing is to be cut, which is nearly always.
    private mutating func cut(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        var kept: [UInt8]?
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? bytes.count
            let room = max(0, lineLimit - lineLength)
            if end - start > room {
                if kept == nil { kept = Array(bytes[..<start]) }
                kept?.append(contentsOf: bytes[start..<(start + room)])
                if lineLength <= lineLimit { kept?.append(contentsOf: Self.mark) }
                lineLength = lineLimit + 1
            } else {
                kept?.append(contentsOf: bytes[start..<end])
                lineLength += end - start
            }
            if end < bytes.count {
                kept?.append(bytes[end])
                lineLength = 0
            }
            start = end + 1
        }
        return kept
    }

    private static let complaints = ["Too many open files", "EMFILE"].map { Array($0.utf8) }

    private mutating func look(at bytes: UnsafeRawBufferPointer) {
        guard !saysThatDescriptorsRanOut else { return }
        let seam = tail + bytes.prefix(32)
        saysThatDescriptorsRanOut = Self.complaints.contains { word in
            bytes.contains(word) || seam.withUnsafeBytes { $0.contains(word) }
        }
        tail = (tail + bytes.suffix(32)).suffix(32)
    }
}
