internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgeReleases
internal import ForgeSystem
internal import ForgeTerminal
internal import Foundation

struct LogsCommand: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Shows what a running server writes, and what became of it.",
        discussion: "Example:  forge logs --project my-api --tail 20 -f    (stop it with Ctrl-C)")

    @OptionGroup var place: PlaceOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "This release's log, also of one that is not active any more.")
    var release: String?

    @Option(help: "How many of the last lines to show.")
    var tail = 100

    @Flag(name: .shortAndLong, help: "Go on with new lines, also of the release that takes this one's place.")
    var follow = false

    func validate() throws { if tail < 0 { throw ValidationError("--tail is a number of lines, at least 0") } }

    private struct Line: Encodable {
        let release: String
        let time: String
        let kind: LogLine.Kind
        let text: String

        init(_ line: LogLine) {
            release = line.release
            time = ServerLogText.stamp(line.time)
            kind = line.kind
            text = String(decoding: line.bytes, as: UTF8.self)
        }
    }

    private struct Listing: Encodable { let lines: [Line] }

    func run(in invocation: Invocation) async throws {
        let request = LogRequest(place: try place.place(), release: release, lines: tail, follows: follow)
        try await invocation.showing { [follow] pipeline in
            try await pipeline.logs(request) { lines in
                if invocation.isJSON && !follow { return try invocation.print(Listing(lines: lines.map(Line.init))) { "" } }
                try StandardStreams.writeOutput(lines.map { (try invocation.isJSON ? Self.json($0) : Self.text($0)) + "\n" }.joined())
            }
        }
    }

    private static func text(_ line: LogLine) -> String {
        switch line.kind {
        case .output: ServerLogText.line(time: line.time, .server, line.bytes)
        case .cut: ServerLogText.line(time: line.time, .server, line.bytes, isCut: true)
        case .remark: ServerLogText.line(time: line.time, .platform, line.bytes)
        case .dropped: ServerLogText.line(time: line.time, .platform, Array("… ".utf8) + line.bytes)
        }
    }

    /// One object a line, as they come.
    private static func json(_ line: LogLine) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Line(line)), as: UTF8.self)
    }
}
