internal import Glibc

/// Where calls that block a thread (files, libgit2, libarchive, waiting for a child) run, so that they never hold a
/// thread of Swift's cooperative pool.
///
/// Every call gets a thread of its own, some twenty microseconds. A concurrent dispatch queue would hold calls back: on Linux
/// it starts more threads than cores only after noticing, a second later, that all of them are blocked.
package enum BlockingPool {
    /// Runs `body` on a thread of its own and suspends the caller until it is done.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            start { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// The same for work that cannot fail.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: body()) }
        }
    }

    private final class Job {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private static func start(_ body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let job = Unmanaged.passRetained(Job(body))
        var thread = pthread_t()
        let failure = pthread_create(&thread, &attributes, runJob, job.toOpaque())
        // Out of threads: better to hold one of the cooperative pool's than to lose the work.
        if failure != 0 { job.takeRetainedValue().body() }
    }

    fileprivate static func run(_ job: UnsafeMutableRawPointer) {
        Unmanaged<Job>.fromOpaque(job).takeRetainedValue().body()
    }
}

/// A free function: a closure handed to C could be given an actor's isolation.
private func runJob(_ job: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let job { BlockingPool.run(job) }
    return nil
}
