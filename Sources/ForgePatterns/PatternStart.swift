/// What a match can begin with: lets a search pass over everything else.
struct PatternStart: Hashable, Sendable {
    /// By scalar; nil where a match may be empty, and can begin anywhere.
    private let ascii: [Bool]?
    private let others: [ScalarSet]
    /// Whether a match can begin at the beginning of the text only.
    let isAnchored: Bool

    init(of program: [Pattern.Instruction]) {
        var sets: [ScalarSet] = []
        var mayBeEmpty = false
        var isAnchored = true
        var seen: Set<Int> = []
        var pending = [0]
        // Ways behind `^` are followed for what they consume; whether one gets by without it is asked for itself.
        while let at = pending.popLast() {
            guard seen.insert(at).inserted else { continue }
            switch program[at] {
            case .jump(let target): pending.append(target)
            case .split(let one, let other): pending += [one, other]
            case .save, .start, .end, .boundary: pending.append(at + 1)
            case .scalar(let set): sets.append(set)
            case .match: mayBeEmpty = true
            }
        }
        seen = []
        pending = [0]
        while isAnchored, let at = pending.popLast() {
            guard seen.insert(at).inserted else { continue }
            switch program[at] {
            case .jump(let target): pending.append(target)
            case .split(let one, let other): pending += [one, other]
            case .save, .end, .boundary: pending.append(at + 1)
            case .start: break
            case .scalar, .match: isAnchored = false
            }
        }
        self.isAnchored = isAnchored
        others = sets
        ascii =
            mayBeEmpty
            ? nil
            : (0..<128).map { value in
                let scalar = Unicode.Scalar(UInt8(value))
                return sets.contains { $0.contains(scalar) }
            }
    }

    /// Whether a match may begin at a position of the text.
    func admits(_ position: Int, _ text: [Unicode.Scalar]) -> Bool {
        if isAnchored, position > 0 { return false }
        guard let ascii else { return true }
        guard position < text.count else { return false }
        let scalar = text[position]
        return scalar.value < 128 ? ascii[Int(scalar.value)] : others.contains { $0.contains(scalar) }
    }
}
