internal import ForgeModel

/// Path patterns of a step's inputs: `*` and `?` within one name, `**` for any number of folders, all else as written
/// (`[id].js` is a file name, not a class). What matches a folder stands for all that lies in it.
struct TreePattern: Sendable {
    /// How far a pattern has got on the way down to some folder.
    struct Progress: Sendable {
        fileprivate var positions: Set<Int>
        var isOver: Bool { positions.isEmpty }
    }

    private let parts: [String]

    /// - Throws: `plan.input` when the pattern is absolute or climbs.
    init(_ text: String) throws {
        do { parts = try RelativePath(parsing: text).components } catch {
            throw ForgeError(.plan, "plan.input", "`\(text)` cannot name a step's inputs", cause: error)
        }
    }

    /// Whether the pattern is the root itself.
    var matchesAll: Bool { parts.isEmpty }
    var start: Progress { Progress(positions: parts.isEmpty ? [] : [0]) }

    /// One step down to `name`: whether the pattern matches there, and how far it is for what lies below.
    func step(_ progress: Progress, to name: String) -> (isMatch: Bool, next: Progress) {
        var next: Set<Int> = []
        var isMatch = false
        for position in reachable(progress.positions) {
            let isLast = position == parts.count - 1
            if parts[position] == "**" {
                next.insert(position)
                if isLast { isMatch = true }
            } else if TreePattern.fits(name, parts[position]) {
                if isLast { isMatch = true } else { next.insert(position + 1) }
            }
        }
        return (isMatch, Progress(positions: next))
    }

    /// `**` may stand for no folder at all, unless it comes last.
    private func reachable(_ positions: Set<Int>) -> Set<Int> {
        var all = positions
        for var position in positions {
            while parts[position] == "**" && position < parts.count - 1 {
                position += 1
                all.insert(position)
            }
        }
        return all
    }

    /// Linear but for stars; on a mismatch only the last star is tried again.
    static func fits(_ name: String, _ part: String) -> Bool {
        let text = Array(name.unicodeScalars)
        let pattern = Array(part.unicodeScalars)
        var (at, want) = (0, 0)
        var retry: (at: Int, want: Int)?
        while at < text.count {
            if want < pattern.count, pattern[want] == "*" {
                want += 1
                retry = (at, want)
            } else if want < pattern.count, pattern[want] == "?" || pattern[want] == text[at] {
                (at, want) = (at + 1, want + 1)
            } else if let last = retry {
                retry = (last.at + 1, last.want)
                (at, want) = (last.at + 1, last.want)
            } else {
                return false
            }
        }
        return pattern[want...].allSatisfy { $0 == "*" }
    }
}
