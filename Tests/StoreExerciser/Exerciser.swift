internal import CFaultPoint
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc

/// Does one kind of work on a store, so that tests can kill, starve and disturb it, and benchmarks can time it: `STORE VERB ARGUMENT...`.
///
/// What is stored is said on standard output once it is durable, as `blob:HEX/SIZE` or `tree:HEX/SIZE`, one a line. A failure is one line
/// on standard error, `error CODE: …`, and exit code 1.
@main
struct Exerciser {
    static func main() async {
        _ = forge_fault_is_armed()
        Signals.ignoreBrokenPipes()
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            guard arguments.count >= 2 else { throw Exerciser.usage }
            try await Exerciser.run(arguments[1], arguments.dropFirst(2), in: arguments[0])
        } catch {
            let code = (error as? ForgeError)?.code ?? "other"
            complain("error \(code): \(error)")
            exit(1)
        }
    }

    private static let usage = ForgeError(
        .usage, "usage",
        "STORE put SEED COUNT | tree SEED FILES COUNT | collect FOLDER | restore TREE FOLDER | read NAME… | verify NAME… | gc LIMIT COUNT"
            + " | work SEED COUNT | hold COUNT TREE… | hash THREADS FILE… | archive TREE FILE COUNT | layer TREE COUNT")

    private static func run(_ verb: String, _ words: ArraySlice<String>, in root: String) async throws {
        let words = Array(words)
        if verb == "hash", words.count > 1, let threads = Int(words[0]) {
            return try await Measurements.hash(Array(words[1...]), threads: threads)
        }
        let start = ContinuousClock.now
        let store = try await Store.open(at: root)
        if verb == "verify" { Measurements.report("opened", start) }
        switch (verb, words.count) {
        case ("put", 2): try await Writing(store: store).put(number(words[0]), count: number(words[1]))
        case ("tree", 3): try await Writing(store: store).trees(number(words[0]), files: number(words[1]), count: number(words[2]))
        case ("collect", 1): say(try await Writing(store: store).collect(words[0]))
        case ("restore", 2): say(try await Writing(store: store).restore(Named(words[0]), to: words[1]))
        case ("read", _): try await Reading(store: store, root: root).read(words.map(Named.init))
        case ("verify", _): try await Reading(store: store, root: root).verify(words.map(Named.init))
        case ("gc", 2): try await Writing(store: store).collectGarbage(limit: Int64(words[0]), count: number(words[1]))
        case ("work", 2): try await Living(store: store).work(number(words[0]), count: number(words[1]))
        case ("hold", 2...): try await Living(store: store).hold(words.dropFirst().map(Named.init), count: number(words[0]))
        case ("archive", 3): try await Measurements.archive(Named(words[0]), to: words[1], count: number(words[2]), store)
        case ("layer", 2): try await Measurements.layer(Named(words[0]), count: number(words[1]), store)
        default: throw usage
        }
    }

    private static func number<Value: FixedWidthInteger>(_ word: String) throws -> Value {
        guard let value = Value(word) else { throw ForgeError(.usage, "usage", "`\(word)` is not a number") }
        return value
    }
}

/// A line on standard output, out of this process when it returns.
func say(_ line: some CustomStringConvertible) {
    print(line)
    fflush(nil)
}

/// The same on standard error. By the C library's stream, whose calls meet no fault.
private func complain(_ line: String) {
    guard let stream = fdopen(dup(STDERR_FILENO), "w") else { return }
    fputs(line + "\n", stream)
    fclose(stream)
}

/// Something stored, as it is named on the command line.
struct Named: CustomStringConvertible, Sendable {
    enum Kind: String { case blob, tree }

    let kind: Kind
    let digest: Digest

    init(_ kind: Kind, _ digest: Digest) {
        self.kind = kind
        self.digest = digest
    }

    init(_ text: String) throws {
        let parts = text.split(whereSeparator: { $0 == ":" || $0 == "/" })
        guard parts.count == 3, let kind = Kind(rawValue: String(parts[0])), let size = Int64(parts[2]) else {
            throw ForgeError(.usage, "usage", "`\(text)` is no `blob:HEX/SIZE` and no `tree:HEX/SIZE`")
        }
        self.kind = kind
        digest = try Digest(hex: parts[1], sizeBytes: size)
    }

    var description: String { "\(kind.rawValue):\(digest.hex)/\(digest.sizeBytes)" }
}
