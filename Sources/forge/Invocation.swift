internal import ArgumentParser
internal import ForgeEvents
internal import ForgeModel
internal import ForgePipeline
internal import ForgeSystem
internal import ForgeTerminal
internal import Foundation
internal import Glibc

/// Options every command has.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object on standard output and nothing else there.")
    var json = false

    @Option(
        help: ArgumentHelp("How progress is shown on standard error: \(ProgressMode.allCases.map(\.rawValue).joined(separator: ", "))."))
    var progress = ProgressMode.auto
}

extension ProgressMode: ExpressibleByArgument {}

/// A command: parse → request value → `Pipeline` → text.
protocol ForgeSubcommand: AsyncParsableCommand {
    var output: OutputOptions { get }
    func run(in invocation: Invocation) async throws
}

extension ForgeSubcommand {
    func run() async throws { try await run(in: Invocation(output: output)) }
}

/// One run of a command: its events, its two streams, its exit code.
struct Invocation: Sendable {
    let isJSON: Bool
    let progress: ProgressMode
    let events = EventHub()
    let environment = ProcessInfo.processInfo.environment

    init(output: OutputOptions) {
        isJSON = output.json
        progress = output.progress
    }

    func pipeline() throws -> Pipeline { try Pipeline(environment: environment, events: events) }

    /// The command's result on standard output: JSON when asked for, else `text`.
    func print(_ value: some Encodable, text: () -> String) throws {
        guard isJSON else {
            let text = text()
            return try StandardStreams.writeOutput(text.hasSuffix("\n") ? text : text + "\n")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try StandardStreams.writeOutput(String(decoding: encoder.encode(value), as: UTF8.self) + "\n")
    }

    /// Runs `body` while its events are shown on standard error; Ctrl-C and SIGTERM cancel it and wait for its clean-up.
    func showing<Value: Sendable>(_ body: @escaping @Sendable (Pipeline) async throws -> Value) async throws -> Value {
        let pipeline = try pipeline()
        let renderer = progress.renderer(
            isTerminal: StandardStreams.errorIsTerminal, environment: environment, width: { StandardStreams.errorWidth },
            write: StandardStreams.writeError)
        let stream = events.subscribe()
        let rendering = Task { await render(stream, with: renderer) }
        let work = Task { try await body(pipeline) }
        let signals = Task {
            for await _ in Signals.stream([SIGINT, SIGTERM]) {
                // Asked a second time: the store, the sandbox and the releases survive a death at any point.
                if work.isCancelled { Glibc.exit(ForgeError.Category.interrupted.exitCode) }
                work.cancel()
            }
        }
        let result = await work.result
        signals.cancel()
        events.finish()
        await rendering.value
        return try result.get()
    }

    /// Parses, runs, and ends the process with the contract's exit code.
    static func run(_ arguments: [String]) async -> Never {
        do {
            var command = try ForgeCommand.parsed(arguments)
            if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
            Glibc.exit(0)
        } catch let code as ExitCode {
            // All is said already.
            Glibc.exit(code.rawValue)
        } catch {
            Glibc.exit(report(error, arguments))
        }
    }

    private static func report(_ error: any Error, _ arguments: [String]) -> Int32 {
        guard let failure = failure(error) else {
            // ArgumentParser's own: help and version go to standard output, mistakes to standard error.
            let isHelp = ForgeCommand.exitCode(for: error) == .success
            let text = ForgeCommand.fullMessage(for: error)
            if isHelp {
                try? StandardStreams.writeOutput(text + "\n")
                return 0
            }
            if arguments.contains("--json") {
                let short = ForgeCommand.message(for: error)
                try? StandardStreams.writeOutput(ErrorReport(ForgeError(.usage, "usage", short, hint: "forge --help")).json + "\n")
            } else {
                StandardStreams.writeError(text + "\n")
            }
            return ForgeError.Category.usage.exitCode
        }
        if arguments.contains("--json") {
            try? StandardStreams.writeOutput(ErrorReport(failure).json + "\n")
        }
        if !arguments.contains("--json") || failure.category == .bug {
            let renderer = ErrorRenderer(isTerminal: StandardStreams.errorIsTerminal, environment: ProcessInfo.processInfo.environment)
            StandardStreams.writeError(renderer.text(for: failure))
        }
        return failure.exitCode
    }

    /// Nil for what the argument parser throws.
    private static func failure(_ error: any Error) -> ForgeError? {
        switch error {
        case let error as ForgeError: error
        case is CancellationError:
            ForgeError(.interrupted, "interrupted", "interrupted", hint: "nothing was left behind; run the command again")
        case let error as SystemError where error.errno == EPIPE: ForgeError(.interrupted, "interrupted", "standard output was closed")
        case let error as SystemError where error.isNoSpace:
            ForgeError(.store, "store.no-space", "no space left: \(error)", hint: "free some space and run the command again")
        case let error as SystemError where error.isPermission:
            ForgeError(.store, "store.permission", "no permission: \(error)", hint: "check who owns it")
        case let error as SystemError: ForgeError(.bug, "bug", "a system call failed: \(error)", hint: "please report this")
        case is CleanExit, is ValidationError, is ExitCode: nil
        default:
            String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
                ? nil : ForgeError(.bug, "bug", "something unexpected failed: \(error)", hint: "please report this")
        }
    }
}
