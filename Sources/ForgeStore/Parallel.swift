internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// Blocking work on many small things, spread over the cores in coarse chunks: a task for each thing costs more than the
/// thing itself.
enum Parallel {
    private static let workers = max(1, min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    /// The results in the order of `inputs`. The first failure, or the caller's cancellation, stops the rest.
    /// - Parameter chunk: how many a thread takes at a time.
    static func map<Input: Sendable, Output: Sendable>(
        _ inputs: [Input], chunk: Int = 32, _ body: @escaping @Sendable (Input) throws -> Output
    ) async throws -> [Output] {
        let cursor = Cursor(end: inputs.count)
        let pieces = try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: [(Int, [Output])].self) { group in
                for _ in 0..<min(workers, (inputs.count + chunk - 1) / chunk) {
                    group.addTask { try await BlockingPool.run { try drain(inputs, chunk, cursor, body) } }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
        } onCancel: {
            cursor.stop()
        }
        try Task.checkCancellation()
        return pieces.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }

    private static func drain<Input, Output>(
        _ inputs: [Input], _ chunk: Int, _ cursor: Cursor, _ body: (Input) throws -> Output
    ) throws -> [(Int, [Output])] {
        var pieces: [(Int, [Output])] = []
        do {
            while let range = cursor.next(chunk) { pieces.append((range.lowerBound, try inputs[range].map(body))) }
        } catch {
            cursor.stop()
            throw error
        }
        return pieces
    }

    private final class Cursor: Sendable {
        private let rest: Mutex<Range<Int>>

        init(end: Int) { rest = Mutex(0..<end) }

        func next(_ count: Int) -> Range<Int>? {
            rest.withLock { rest in
                guard !rest.isEmpty else { return nil }
                let range = rest.prefix(count)
                rest = range.upperBound..<rest.upperBound
                return range
            }
        }

        func stop() { rest.withLock { $0 = $0.upperBound..<$0.upperBound } }
    }
}
