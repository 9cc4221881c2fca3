internal import Dispatch

/// Where calls that block a thread (files, libgit2, libarchive, waiting for a child) run, so that they never hold a
/// thread of Swift's cooperative pool.
package enum BlockingPool {
    private static let queue = DispatchQueue(label: "forge.blocking", attributes: .concurrent)

    /// Runs `body` on a thread of its own accord and suspends the caller until it is done.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// The same for work that cannot fail.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }
}
