internal import ForgeSystem
internal import Foundation

/// One folder of step logs a build, the newest kept.
enum BuildLogs {
    private static let kept = 50

    /// A new folder below `root`, named so that names sort by time; the oldest ones are removed.
    static func begin(in root: String) throws -> String {
        try Files.makeDirectory(root, mode: 0o700)
        let old = try Files.list(root).sorted()
        for name in old.dropLast(kept - 1) { try Files.removeTree("\(root)/\(name)") }
        let time = Date().formatted(
            .iso8601.year().month().day().dateSeparator(.omitted).time(includingFractionalSeconds: false).timeSeparator(.omitted))
        let path = "\(root)/\(time)-\(String(UInt32.random(in: .min ... .max), radix: 36))"
        try Files.makeDirectory(path, mode: 0o700)
        return path
    }
}
