internal import Dispatch
internal import Glibc

/// Process-wide signal handling, set up once by an executable's entry point.
package enum Signals {
    /// Writing to a closed socket or pipe gives an error instead of ending the process.
    package static func ignoreBrokenPipes() { Glibc.signal(SIGPIPE, SIG_IGN) }

    /// The given signals as they arrive, instead of their default effect, for as long as the stream is iterated.
    package static func stream(_ numbers: [Int32]) -> AsyncStream<Int32> {
        AsyncStream { continuation in
            let queue = DispatchQueue(label: "forge.signals")
            let sources = numbers.map { number in
                Glibc.signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { continuation.yield(number) }
                source.resume()
                return SignalSource(source)
            }
            continuation.onTermination = { _ in sources.forEach { $0.source.cancel() } }
        }
    }
}

/// Dispatch's sources are thread-safe objects without the annotation.
private struct SignalSource: @unchecked Sendable {
    let source: any DispatchSourceSignal
    init(_ source: any DispatchSourceSignal) { self.source = source }
}
