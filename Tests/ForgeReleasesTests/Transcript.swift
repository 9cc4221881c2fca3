import ForgeReleases
import ForgeTestSupport
import Foundation
import Testing

/// One file of `fixtures/plugin-transcripts`; its README has the words.
struct Transcript: Sendable, CustomTestStringConvertible {
    static let folder = BuildProducts.checkout + "fixtures/plugin-transcripts"

    let name: String
    private let lines: [(sign: Character, text: String)]

    static let all: [Transcript] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().compactMap { try? Transcript(name: String($0.dropLast(4))) }
    }()

    init(name: String) throws {
        self.name = name
        let text = try String(contentsOfFile: "\(Self.folder)/\(name).txt", encoding: .utf8)
        lines = text.components(separatedBy: "\n").compactMap { line in line.first.map { ($0, String(line.dropFirst(2))) } }
    }

    var testDescription: String { name }

    /// What the deploy must come to, and the hint.
    func outcome(_ values: [String: String]) -> [String] {
        lines.filter { $0.sign == "=" || $0.sign == "?" }.map { Self.filled($0.text, values) }
    }

    var limits: TargetLimits {
        var limits = TargetLimits()
        limits.outputBytes = 2_000_000
        for line in lines where line.sign == "%" {
            let parts = line.text.split(separator: " ")
            let limit = Duration.milliseconds(Int(parts[1]) ?? 0)
            switch parts[0] {
            case "hello": limits.hello = limit
            case "deploy": limits.deploy = limit
            default: limits.exit = limit
            }
        }
        return limits
    }

    /// The target as a shell script that first writes its process number to `pidFile`.
    func script(_ values: [String: String], pidFile: String) -> String {
        let head = """
            #!/bin/sh
            echo $$ > \(Self.quoted(pidFile))
            expect() {
                IFS= read -r line || exit 90
                case "$line" in *"$1"*) ;; *) echo "read $line, expected $1" >&2; exit 91 ;; esac
            }

            """
        return head
            + lines.map { line in
                switch line.sign {
                case ">": "printf '%s\\n' \(Self.quoted(Self.filled(line.text, values)))\n"
                case "<": "expect \(Self.quoted(Self.filled(line.text, values)))\n"
                case "$": line.text + "\n"
                default: ""
                }
            }.joined()
    }

    private static func filled(_ text: String, _ values: [String: String]) -> String {
        values.reduce(text) { $0.replacingOccurrences(of: "{{\($1.key)}}", with: $1.value) }
    }

    private static func quoted(_ text: String) -> String { "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'" }
}
