/// A regular expression that matches in time linear in its input: no back-references, no look-around, no backtracking.
///
/// Literals, `.`, classes, `\d \w \s \b` (and their opposites `\D \W \S`), groups, `|`, `* + ? {m,n}` and their lazy
/// forms, `^` and `$`. `.` and classes never cross a line: presets search files line by line.
package struct Pattern: Hashable, Sendable {
    package let text: String
    let program: [Instruction]
    private let start: PatternStart
    /// Number of capturing groups.
    package let groups: Int

    package init(_ text: String) throws(PatternError) {
        var parser = PatternParser(text)
        let node = try parser.parse()
        var compiler = PatternCompiler()
        try compiler.emit(.group(node, 0))
        self.text = text
        self.groups = parser.groups
        program = compiler.program + [.match]
        start = PatternStart(of: program)
    }

    /// The first match in `text`: group 0 is the whole match, groups that took no part are nil. Nil when there is none.
    package func firstMatch(in text: some StringProtocol) -> [String?]? {
        PatternMachine(program: program, start: self.start, slots: 2 * (groups + 1)).run(Array(text.unicodeScalars))
    }

    /// Matches one after the other, none within another; at most 256.
    package func allMatches(in text: some StringProtocol) -> [[String?]] {
        let scalars = Array(text.unicodeScalars)
        var all: [[String?]] = []
        var start = 0
        while all.count < 256, start <= scalars.count {
            guard let found = PatternMachine(program: program, start: self.start, slots: 2 * (groups + 1)).ranges(scalars, from: start)
            else {
                break
            }
            all.append(PatternMachine.texts(found, scalars))
            start = max(found[1], found[0] + 1)
        }
        return all
    }

    package func matches(_ text: some StringProtocol) -> Bool { firstMatch(in: text) != nil }

    enum Instruction: Hashable, Sendable {
        case scalar(ScalarSet)
        /// Tries the first way before the second.
        case split(Int, Int)
        case jump(Int)
        case save(Int)
        case start, end, boundary
        case match
    }
}

package struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String
    package var description: String { message }
}

/// What one position of a pattern accepts.
struct ScalarSet: Hashable, Sendable {
    var ranges: [ClosedRange<UInt32>]
    var negated = false

    func contains(_ scalar: Unicode.Scalar) -> Bool { ranges.contains { $0.contains(scalar.value) } != negated }

    static let digit: [ClosedRange<UInt32>] = [48...57]
    static let word: [ClosedRange<UInt32>] = [48...57, 65...90, 95...95, 97...122]
    static let space: [ClosedRange<UInt32>] = [9...13, 32...32]
    static let any = ScalarSet(ranges: [10...10], negated: true)
    static func isWord(_ scalar: Unicode.Scalar) -> Bool { ScalarSet(ranges: word).contains(scalar) }

    static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if next < range.lowerBound { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        return result + [next...0x10FFFF]
    }
}

indirect enum PatternNode {
    case empty
    case set(ScalarSet)
    case start, end, boundary
    case sequence([PatternNode])
    case choice([PatternNode])
    case group(PatternNode, Int)
    case repeated(PatternNode, min: Int, max: Int?, greedy: Bool)
}

struct PatternCompiler {
    var program: [Pattern.Instruction] = []
    /// Counts nodes too, so that nested repetitions of nothing cannot run for ever.
    private var work = 0

    mutating func emit(_ node: PatternNode) throws(PatternError) {
        work += 1
        guard program.count < 4096, work < 16384 else { throw PatternError(message: "the pattern is too large") }
        switch node {
        case .empty: break
        case .set(let set): program.append(.scalar(set))
        case .start: program.append(.start)
        case .end: program.append(.end)
        case .boundary: program.append(.boundary)
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .group(let node, let index):
            program.append(.save(2 * index))
            try emit(node)
            program.append(.save(2 * index + 1))
        case .choice(let nodes): try emitChoice(nodes)
        case .repeated(let node, let min, let max, let greedy): try emitRepeat(node, min, max, greedy)
        }
    }

    private mutating func emitChoice(_ nodes: [PatternNode]) throws(PatternError) {
        var exits: [Int] = []
        for node in nodes.dropLast() {
            let split = program.count
            program.append(.jump(0))
            try emit(node)
            exits.append(program.count)
            program.append(.jump(0))
            program[split] = .split(split + 1, program.count)
        }
        if let last = nodes.last { try emit(last) }
        for exit in exits { program[exit] = .jump(program.count) }
    }

    private mutating func emitRepeat(_ node: PatternNode, _ min: Int, _ max: Int?, _ greedy: Bool) throws(PatternError) {
        for _ in 0..<min { try emit(node) }
        if let max {
            var splits: [Int] = []
            for _ in min..<Swift.max(min, max) {
                splits.append(program.count)
                program.append(.jump(0))
                try emit(node)
            }
            for split in splits { program[split] = way(split + 1, program.count, greedy) }
        } else {
            let split = program.count
            program.append(.jump(0))
            try emit(node)
            program.append(.jump(split))
            program[split] = way(split + 1, program.count, greedy)
        }
    }

    private func way(_ inside: Int, _ outside: Int, _ greedy: Bool) -> Pattern.Instruction {
        greedy ? .split(inside, outside) : .split(outside, inside)
    }
}

/// Walks all ways at once, so each scalar is looked at a bounded number of times.
struct PatternMachine {
    let program: [Pattern.Instruction]
    let start: PatternStart
    let slots: Int

    private struct Thread {
        let at: Int
        var saved: [Int]
    }

    func run(_ text: [Unicode.Scalar]) -> [String?]? { ranges(text, from: 0).map { PatternMachine.texts($0, text) } }

    static func texts(_ saved: [Int], _ text: [Unicode.Scalar]) -> [String?] {
        stride(from: 0, to: saved.count, by: 2).map { index in
            guard saved[index] >= 0, saved[index + 1] >= saved[index] else { return nil }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: text[saved[index]..<saved[index + 1]])
            return String(view)
        }
    }

    /// Where the groups of the first match at or behind `start` begin and end.
    func ranges(_ text: [Unicode.Scalar], from start: Int) -> [Int]? {
        var threads: [Thread] = []
        var best: [Int]?
        for position in start...text.count {
            let mayBegin = best == nil && self.start.admits(position, text)
            if threads.isEmpty, !mayBegin {
                if self.start.isAnchored { break }
                continue
            }
            var seen = [Bool](repeating: false, count: program.count)
            var live: [Thread] = []
            for thread in threads { add(thread, position, text, &seen, &live) }
            if mayBegin { add(Thread(at: 0, saved: Array(repeating: -1, count: slots)), position, text, &seen, &live) }
            threads = []
            step: for thread in live {
                switch program[thread.at] {
                case .scalar(let set):
                    if position < text.count, set.contains(text[position]) {
                        threads.append(Thread(at: thread.at + 1, saved: thread.saved))
                    }
                case .match:
                    best = thread.saved
                    break step
                default: break
                }
            }
            if threads.isEmpty, best != nil { break }
        }
        return best
    }

    private func add(_ first: Thread, _ position: Int, _ text: [Unicode.Scalar], _ seen: inout [Bool], _ live: inout [Thread]) {
        var pending = [first]
        while let thread = pending.popLast() {
            guard !seen[thread.at] else { continue }
            seen[thread.at] = true
            func go(_ target: Int, _ saved: [Int]? = nil) { pending.append(Thread(at: target, saved: saved ?? thread.saved)) }
            switch program[thread.at] {
            case .jump(let target): go(target)
            case .split(let preferred, let other):
                go(other)
                go(preferred)
            case .save(let slot):
                var saved = thread.saved
                saved[slot] = position
                go(thread.at + 1, saved)
            case .start: if position == 0 { go(thread.at + 1) }
            case .end: if position == text.count { go(thread.at + 1) }
            case .boundary:
                let before = position > 0 && ScalarSet.isWord(text[position - 1])
                let after = position < text.count && ScalarSet.isWord(text[position])
                if before != after { go(thread.at + 1) }
            case .scalar, .match: live.append(thread)
            }
        }
    }
}
