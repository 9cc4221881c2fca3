internal import ForgeModel
internal import ForgeReleases
internal import ForgeTerminal
internal import Foundation

/// Releases as aligned columns.
struct ReleaseTable {
    let text: String

    init(_ releases: [ReleaseReport]) {
        guard !releases.isEmpty else {
            text = "no releases yet; make one: forge deploy DIR --project NAME"
            return
        }
        let rows =
            [["RELEASE", "STATUS", "ENVIRONMENT", "ARTIFACT", "CREATED", "URL"]]
            + releases.map { release in
                [
                    release.release, release.status.rawValue, release.environment.rawValue + (release.preview.map { " \($0)" } ?? ""),
                    release.artifact.short, Self.time(release.createdAt), release.url ?? release.failure ?? "",
                ]
            }
        let widths = rows[0].indices.map { column in rows.map { TerminalText.columns($0[column]) }.max() ?? 0 }
        text = rows.map { row in
            let cells = zip(row, widths).map { TerminalText.padded($0, to: $1) }.joined(separator: "  ")
            return String(cells.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }
}
