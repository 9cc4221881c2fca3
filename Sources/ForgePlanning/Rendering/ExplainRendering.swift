internal import ForgeModel
internal import ForgePresets

/// `forge detect` for people.
package enum ExplainRendering {
    /// Which clauses of each preset held or failed, who won and why, and who came closest.
    package static func text(_ explanation: Explanation) -> String {
        var lines: [String] = []
        if let winner = explanation.winner {
            lines.append("\(winner): \(explanation.reason)")
        } else {
            lines.append("no preset: \(explanation.reason)")
        }
        if explanation.winner == nil, let near = explanation.nearestMiss {
            let lacks = near.outcome.clauses.filter { !$0.speaksFor }.map { ($0.negated ? "no " : "") + $0.clause }
            lines.append("nearest miss: \(near.preset), for want of " + lacks.joined(separator: " or "))
        }
        lines += explanation.platforms.map(\.line)
        for entry in explanation.entries {
            let mark = entry.preset == explanation.winner ? "→" : entry.outcome.held ? "+" : "-"
            lines += ["", "\(mark) \(entry.preset)  (\(entry.name), \(entry.group.rawValue))"]
            lines += entry.outcome.clauses.map(line)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What was recognized; of a workspace, each of its apps.
    package static func text(_ survey: Survey) -> String {
        var text = survey.own.map { self.text($0.detection) } ?? ""
        if let workspace = survey.workspace, survey.own == nil {
            let names = workspace.managers.map(\.name).joined(separator: ", ")
            let count = workspace.folders.filter { !$0.isRoot }.count
            text = "workspace" + (names.isEmpty ? "" : " of \(names)") + ", \(count) member" + (count == 1 ? "" : "s") + "\n"
        }
        let rows = survey.apps.map { app in
            let report = AppReport(app)
            return [app.name, report.root, report.kind?.rawValue ?? "", "\(app.detection.preset.name) (\(report.preset))"]
        }
        let widths = (0..<4).map { column in (rows.map { $0[column].count }.max() ?? 0) + 2 }
        text += survey.unread.map { "moved in  \($0.line)\n" }.joined()
        return text
            + rows.map { row in "app  " + zip(row, widths).map { $0.padded($1) }.joined() }.map { $0.withoutTrailingSpaces + "\n" }.joined()
    }

    /// What was recognized and where each value comes from.
    package static func text(_ detection: Detection) -> String {
        let report = detection.report
        var rows: [[String]] = [["preset", "\(detection.preset.name) (\(detection.preset.id))", detection.evidence.first?.place ?? ""]]
        rows.append(["kind", report.kind?.rawValue ?? "", ""])
        if !detection.root.isRoot { rows.append(["root", detection.root.display, ""]) }
        let managers = [detection.packageManager].compactMap(\.self) + detection.companions
        if !managers.isEmpty { rows.append(["packages", managers.map(\.name).joined(separator: ", "), ""]) }
        let values = [("install", report.install), ("build", report.build), ("output", report.output), ("start", report.start)]
        for case (let key, let value?) in values { rows.append([key, value, report.derived[key]?.source ?? ""]) }
        if let version = report.runtimeVersion { rows.append(["runtime", version, report.derived["runtimeVersion"]?.source ?? ""]) }
        for platform in detection.platforms { rows.append(["moved in", platform.line, ""]) }
        for candidate in detection.candidates { rows.append(["also", candidate.preset, candidate.reason]) }
        // A sentence stands alone in its line.
        let placed = rows.filter { !$0[2].isEmpty }
        let widths = [rows, placed].enumerated().map { column, rows in (rows.map { $0[column].count }.max() ?? 0) + 2 }
        return rows.map { row in
            let text = row[0].padded(widths[0]) + (row[2].isEmpty ? row[1] : row[1].padded(widths[1]) + row[2])
            return text + "\n"
        }.joined()
    }

    private static func line(_ clause: ClauseOutcome) -> String {
        let text = (clause.negated ? "no " : "") + clause.clause
        return "    \(clause.speaksFor ? "✓" : "✗") \(text)" + (clause.evidence?.place.map { "  \($0)" } ?? "")
    }
}

extension String {
    fileprivate var withoutTrailingSpaces: String { String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)]) }

    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
