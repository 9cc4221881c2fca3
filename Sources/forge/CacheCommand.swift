internal import ArgumentParser
internal import ForgeEvents
internal import ForgeModel
internal import ForgePipeline
internal import ForgeStore
internal import ForgeSystem
internal import ForgeTerminal
internal import Foundation

struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Looks at, tidies up and checks what builds left on this machine.",
        discussion: "Example:  forge cache gc --limit 10GB --dry-run", subcommands: [Stats.self, Collect.self, Verify.self])

    struct Stats: ForgeSubcommand {
        static let configuration = CommandConfiguration(
            commandName: "stats", abstract: "Says how much the store holds, tool caches one by one.",
            discussion: "Example:  forge cache stats")
        @OptionGroup var output: OutputOptions

        func run(in invocation: Invocation) async throws {
            let report = try await invocation.pipeline().cacheStatistics()
            try invocation.print(report) { CacheTable(report).text }
        }
    }

    struct Collect: ForgeSubcommand {
        static let configuration = CommandConfiguration(
            commandName: "gc", abstract: "Removes what nothing asks for, and beyond a limit what was used least recently.",
            discussion: "Example:  forge cache gc --limit 10GB --dry-run")

        @Option(help: "What the store may take: a number and KB, MB or GB; without it `[store] limit` of config.toml.")
        var limit: String?

        @Flag(name: .customLong("dry-run"), help: "Only say what would go.")
        var dryRun = false

        @OptionGroup var output: OutputOptions

        func run(in invocation: Invocation) async throws {
            let bytes = try limit.map { try ByteAmount.parse($0, of: "--limit") }
            let collection = try await invocation.showing { [dryRun] in try await $0.collectGarbage(limit: bytes, dryRun: dryRun) }
            try invocation.print(collection) {
                let verb = collection.isDryRun ? "would remove" : "removed"
                var lines = ["\(verb) \(Count(collection.blobs, "blob")), \(Bytes(collection.bytes))"]
                lines += collection.givenUp.prefix(20).map { "  \($0)" }
                if collection.givenUp.count > 20 { lines.append("  and \(collection.givenUp.count - 20) more") }
                lines.append("kept \(Count(collection.keptBlobs, "blob")), \(Bytes(collection.keptBytes))")
                return lines.joined(separator: "\n")
            }
        }
    }

    struct Verify: ForgeSubcommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Reads everything in the store and names what is damaged or gone, and whose it is.",
            discussion: "Example:  forge cache verify")
        @OptionGroup var output: OutputOptions

        func run(in invocation: Invocation) async throws {
            let report = try await invocation.showing { try await $0.verifyStore() }
            try invocation.print(report) {
                guard !report.faults.isEmpty else { return "\(Count(report.blobs, "blob")), \(Bytes(report.bytes)): all whole" }
                return report.faults.map { fault in
                    (["\(fault.kind.rawValue)  sha256:\(fault.blob)"] + (fault.owners.isEmpty ? ["nothing needs it"] : fault.owners))
                        .joined(separator: "\n         ")
                }.joined(separator: "\n")
            }
            if !report.faults.isEmpty { throw ExitCode(ForgeError.Category.store.exitCode) }
        }
    }
}

/// `10GB` as a person types it.
private enum ByteAmount {
    static func parse(_ text: String, of option: String) throws -> Int64 {
        let units: [String: Int64] = ["B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40]
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard digits.count <= 6, let number = Int64(digits), let factor = units[text.dropFirst(digits.count).uppercased()] else {
            throw ForgeError(
                .usage, "usage.size", "`\(text)` is no size for `\(option)`", hint: "write a number and a unit: `\(option) 10GB`")
        }
        return number * factor
    }
}

/// What a store holds, as aligned rows.
struct CacheTable {
    let text: String

    init(_ report: CacheReport) {
        let rows = [
            ("store", report.store), ("blobs", "\(report.blobs), \(Bytes(report.bytes)) of \(Bytes(report.limit))"),
            ("actions", "\(report.actions)"), ("artifacts", "\(report.artifacts)"), ("records", "\(report.records)"),
            ("sources", "\(report.sources)"), ("registry", "\(report.registryEntries) answers"),
            ("trees", "\(report.materialisedTrees) materialised"),
        ]
        var lines = rows.map { TerminalText.padded($0.0, to: 9) + "  " + $0.1 }
        if !report.toolCaches.isEmpty {
            var table = [["TOOL CACHE", "SIZE", "SAVED", "SCOPE", "LOCKFILE", "PROJECT"]]
            for cache in report.toolCaches {
                let saved = Date(timeIntervalSince1970: Double(cache.savedAt)).formatted(.iso8601)
                let lockfile = cache.lockfile.map { String($0.prefix(12)) } ?? "-"
                table.append([cache.path, Bytes(cache.bytes).description, saved, cache.scope ?? "trusted", lockfile, cache.project])
            }
            let widths = table[0].indices.map { column in table.map { TerminalText.columns($0[column]) }.max() ?? 0 }
            lines.append("")
            for row in table {
                let cells = zip(row, widths).map { TerminalText.padded($0, to: $1) }.joined(separator: "  ")
                lines.append(String(cells.reversed().drop { $0 == " " }.reversed()))
            }
        }
        text = lines.joined(separator: "\n")
    }
}
