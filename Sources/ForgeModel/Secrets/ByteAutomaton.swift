/// Finds any of many byte strings in one pass over a stream: Aho and Corasick, "Efficient String Matching", CACM 18 (1975).
struct ByteAutomaton: Sendable {
    /// 0 is the root: nothing of any pattern stands at the end of what was read.
    typealias State = Int32

    private var edges: [[(byte: UInt8, target: State)]] = [[]]
    private var root = [State](repeating: 0, count: 256)
    private var fallback: [State] = [0]
    /// How many of the last bytes could yet become a pattern.
    private(set) var depth: [Int] = [0]
    /// The length of the longest pattern that ends here; 0 for none.
    private(set) var matchLength: [Int] = [0]
    /// Which of the owners given to `init` that is.
    private(set) var matchOwner: [Int] = [-1]

    /// - Parameter patterns: none empty; `owner` is a number of the caller's.
    init(_ patterns: [(bytes: [UInt8], owner: Int)]) {
        for pattern in patterns { insert(pattern.bytes, pattern.owner) }
        link()
    }

    private mutating func insert(_ bytes: [UInt8], _ owner: Int) {
        var state: State = 0
        for byte in bytes {
            if let next = edges[Int(state)].first(where: { $0.byte == byte })?.target {
                state = next
                continue
            }
            let next = State(edges.count)
            edges[Int(state)].append((byte, next))
            edges.append([])
            fallback.append(0)
            depth.append(depth[Int(state)] + 1)
            matchLength.append(0)
            matchOwner.append(-1)
            state = next
        }
        // Of two owners with one pattern the first counts.
        guard matchLength[Int(state)] == 0 else { return }
        matchLength[Int(state)] = bytes.count
        matchOwner[Int(state)] = owner
    }

    /// Breadth first: a state falls back to the longest suffix that begins a pattern too.
    private mutating func link() {
        for (byte, target) in edges[0] { root[Int(byte)] = target }
        var queue = edges[0].map(\.target)
        var at = 0
        while at < queue.count {
            let state = queue[at]
            at += 1
            for (byte, target) in edges[Int(state)] {
                fallback[Int(target)] = next(fallback[Int(state)], byte)
                queue.append(target)
            }
            let back = Int(fallback[Int(state)])
            if matchLength[Int(state)] == 0, matchLength[back] > 0 {
                matchLength[Int(state)] = matchLength[back]
                matchOwner[Int(state)] = matchOwner[back]
            }
        }
    }

    func next(_ state: State, _ byte: UInt8) -> State {
        var state = state
        while state != 0 {
            for edge in edges[Int(state)] where edge.byte == byte { return edge.target }
            state = fallback[Int(state)]
        }
        return root[Int(byte)]
    }
}
