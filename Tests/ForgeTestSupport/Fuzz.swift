import Foundation
import Glibc

/// Inputs that real files become when chance goes over them: the same ones for the same seed.
package struct Fuzz: Sendable {
    /// 10,000 inputs, and as many times more as `FORGE_CAMPAIGN` says, each time other ones.
    package static let count = 10_000 * Campaign.factor
    /// Whether each input is told before it is tried: the last one told is the one that was too much.
    private static let isTold = environment["FORGE_FUZZ_TRACE"] == "1"
    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// Bytes that parsers have opinions about.
    private static let words: [[UInt8]] =
        [
            "\"", "'", "\"\"\"", "'''", "{", "}", "[", "]", "(", ")", "[[", "]]", ",", ":", "=", "- ", "#", "//", "/*", "*/", "<!--", "-->",
            "<", ">",
            "&", "\\", "\\u", "\\ud800", "\n", "\r\n", "\r", "\t", " ", "\u{FEFF}", "\u{0}", "\u{7F}", "é", "字", "🙂", "e\u{301}", "true",
            "null", "nan",
            "-0", "1e999", "99999999999999999999999", "0x", "..", "../", "/", "*", "**", "{a,b}", "$", "@", "^", "~", "%", "|", "||", ">=",
            "!", "&a",
            "*a", "<<", "---", "...", "%YAML", "def ", "import ", "end", "do", "group ", "if ", "~1", "~0",
        ].map { Array($0.utf8) } + [
            [0xFF, 0xFE], [0xFE, 0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xC3],
        ]

    private var state: UInt64
    private let samples: [[UInt8]]

    package init(seed: UInt64, samples: [String]) {
        state = seed
        self.samples = samples.map { Array($0.utf8) }
    }

    /// Tries `count` inputs; the slowest that took longer than `limit`, and how long, or nil.
    package static func slowest(
        _ name: String, _ samples: [String], count: Int = count, limit: Duration = .seconds(1), _ body: ([UInt8]) throws -> Void
    ) rethrows -> String? {
        var fuzz = Fuzz(seed: name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }, samples: samples)
        var worst: (took: Duration, number: Int, bytes: [UInt8])?
        let clock = ContinuousClock()
        let start = clock.now
        defer { if isTold { FileHandle.standardError.write(Data("\(name): \(count) inputs in \(clock.now - start)\n".utf8)) } }
        for number in 0..<count {
            let bytes = number < samples.count ? Array(samples[number].utf8) : fuzz.next()
            if isTold { FileHandle.standardError.write(Data("\(name) \(number): \(Data(bytes).base64EncodedString())\n".utf8)) }
            let before = Self.processorTime()
            try body(bytes)
            let took = Self.processorTime() - before
            if took > limit, took > worst?.took ?? .zero { worst = (took, number, bytes) }
        }
        return worst.map { "\(name): input \($0.number) took \($0.took): \(Data($0.bytes.prefix(2048)).base64EncodedString())" }
    }

    /// What this thread has had of a processor: on a busy machine an input is not slow because others are run.
    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    package mutating func next() -> [UInt8] {
        var bytes = samples[below(samples.count)]
        for _ in 0...below(4) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let start = below(bytes.count + 1)
        let end = start + below(min(bytes.count - start, 1 + below(64)) + 1)
        switch below(10) {
        case 0 where start < bytes.count: bytes[start] ^= 1 << UInt8(below(8))
        case 1: bytes.insert(UInt8(below(256)), at: start)
        case 2: bytes.removeSubrange(start..<end)
        case 3: bytes.insert(contentsOf: bytes[start..<end], at: start)
        case 4:
            // Long and deep, now and then.
            let times = below(16) == 0 ? 1 + below(1024) : 1 + below(16)
            bytes.insert(contentsOf: Array(repeating: Self.words[below(Self.words.count)], count: times).joined(), at: start)
        case 5:
            let other = samples[below(samples.count)]
            let from = below(other.count + 1)
            bytes.insert(contentsOf: other[from..<min(other.count, from + below(256))], at: start)
        case 6: bytes.removeSubrange(start...)
        case 7: bytes.removeSubrange(..<start)
        case 8 where start < end:
            let to = below(bytes.count - (end - start) + 1)
            let moved = bytes[start..<end]
            bytes.removeSubrange(start..<end)
            bytes.insert(contentsOf: moved, at: to)
        default: bytes.replaceSubrange(start..<end, with: Self.words[below(Self.words.count)])
        }
        if bytes.count > 1 << 16 { bytes.removeSubrange((1 << 16)...) }
    }

    /// SplitMix64.
    private mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        value ^= value >> 31
        return bound <= 1 ? 0 : Int(value % UInt64(bound))
    }
}
