internal import ForgeSystem
internal import Foundation

/// One folder of step logs a build, the newest kept.
enum BuildLogs {
    private static let kept = 50

    /// The path of a new folder below `root`, named so that names sort by time. It is made with the first log that goes there.
    static func next(in root: String) -> String {
        let time = Date().formatted(
            .iso8601.year().month().day().dateSeparator(.omitted).time(includingFractionalSeconds: false).timeSeparator(.omitted))
        return "\(root)/\(time)-\(String(UInt32.random(in: .min ... .max), radix: 36))"
    }

    /// Removes the oldest folders, so that there is room for one more.
    static func prune(_ root: String) throws {
        for name in try Files.list(root).sorted().dropLast(kept - 1) { try Files.removeTree("\(root)/\(name)") }
    }
}
