internal import ForgeEvents
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
            [["RELEASE", "STATUS", "ENVIRONMENT", "ARTIFACT", "CREATED", "SWAP", "URL"]]
            + releases.map { release in
                [
                    release.release, release.status.rawValue, release.environment.rawValue + (release.preview.map { " \($0)" } ?? ""),
                    release.artifact.short, Self.time(release.createdAt), Self.swap(release), release.url ?? release.failure ?? "",
                ]
            }
        let widths = rows[0].indices.map { column in rows.map { TerminalText.columns($0[column]) }.max() ?? 0 }
        text = rows.map { row in
            let cells = zip(row, widths).map { TerminalText.padded($0, to: $1) }.joined(separator: "  ")
            return String(cells.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }

    /// What its coming online was like: `healthy 312 ms, 41 crossed, 0 failed, drained 1.2 s`.
    private static func swap(_ release: ReleaseReport) -> String {
        guard let swap = release.swap else { return "-" }
        var parts = swap.healthyMs.map { ["healthy \(Milliseconds($0))"] } ?? []
        if swap.replaced != nil {
            parts.append("\(swap.crossed) crossed")
            if let failed = swap.failed { parts.append("\(failed) failed") }
            parts.append(swap.drainMs.map { "drained \(Milliseconds($0))" } ?? "draining")
        }
        return parts.isEmpty ? "first" : parts.joined(separator: ", ")
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }
}
