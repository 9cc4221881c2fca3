import Synchronization

/// What a renderer wrote, piece by piece.
final class Written: Sendable {
    private let pieces = Mutex<[String]>([])

    var all: [String] { pieces.withLock { $0 } }
    var text: String { all.joined() }

    @Sendable func write(_ text: String) { pieces.withLock { $0.append(text) } }
}

/// A terminal that knows the few sequences the console renderer uses, without colours and without an edge.
struct Screen {
    private var lines: [[Character]] = [[]]
    private var row = 0
    private var column = 0

    /// The lines as a person sees them. Anything the terminal does not know shows as `?`.
    static func shows(_ text: String) -> String {
        var screen = Screen()
        screen.feed(text)
        return screen.lines.map { String($0) }.joined(separator: "\n")
    }

    private mutating func feed(_ text: String) {
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "\u{1B}": control(&rest)
            case "\r": column = 0
            case "\n":
                row += 1
                column = 0
                if row == lines.count { lines.append([]) }
            default: put(character)
            }
        }
    }

    private mutating func control(_ rest: inout Substring) {
        guard rest.first == "[" else { return put("?") }
        let number = rest.dropFirst().prefix { $0.isNumber }
        let action = rest.dropFirst(1 + number.count).first
        rest = rest.dropFirst(2 + number.count)
        switch action {
        case "A": row -= Int(number) ?? 1
        case "K": lines[row].removeSubrange(min(column, lines[row].count)...)
        case "J":
            lines.removeSubrange((row + 1)...)
            lines[row].removeSubrange(min(column, lines[row].count)...)
        case "m": break
        default: put("?")
        }
    }

    private mutating func put(_ character: Character) {
        while lines[row].count < column { lines[row].append(" ") }
        if column < lines[row].count { lines[row][column] = character } else { lines[row].append(character) }
        column += 1
    }
}
