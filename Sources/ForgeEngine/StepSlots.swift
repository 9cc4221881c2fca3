internal import ForgeModel
internal import Glibc
internal import Synchronization

/// How many steps execute at once: no more than there are cores, and none whose memory limit would go beyond the machine's memory
/// together with those of the others. A step that asks for more than all of it runs alone. First come, first served.
package final class StepSlots: Sendable {
    private struct Waiting {
        let id: Int
        let memory: Int64
        let turn: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var running = 0
        var taken: Int64 = 0
        var queue: [Waiting] = []
        var counter = 0
        /// Cancelled before they stood in the queue.
        var givenUp: Set<Int> = []
    }

    private let cores: Int
    private let memory: Int64
    private let state = Mutex(State())

    /// Of this machine unless said otherwise. `memory` in bytes.
    package init(cores: Int? = nil, memory: Int64? = nil) {
        self.cores = cores ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        self.memory = memory ?? Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Runs `body` when its turn has come. `waiting` is called when it has to wait.
    func run<Value: Sendable>(
        _ limits: Step.Limits, waiting: @Sendable () -> Void, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let memory = min(limits.memoryBytes, self.memory)
        try await enter(memory, waiting)
        defer { leave(memory) }
        try Task.checkCancellation()
        return try await body()
    }

    private func enter(_ memory: Int64, _ waiting: @Sendable () -> Void) async throws {
        try Task.checkCancellation()
        let id: Int? = state.withLock { state in
            if state.queue.isEmpty, fits(memory, state) {
                state.running += 1
                state.taken += memory
                return nil
            }
            state.counter += 1
            return state.counter
        }
        guard let id else { return }
        waiting()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { turn in
                let isGivenUp = state.withLock { state in
                    if state.givenUp.remove(id) != nil { return true }
                    state.queue.append(Waiting(id: id, memory: memory, turn: turn))
                    return false
                }
                if isGivenUp { turn.resume(throwing: CancellationError()) } else { letIn() }
            }
        } onCancel: {
            let left = state.withLock { state -> Waiting? in
                guard let index = state.queue.firstIndex(where: { $0.id == id }) else {
                    state.givenUp.insert(id)
                    return nil
                }
                return state.queue.remove(at: index)
            }
            left?.turn.resume(throwing: CancellationError())
            letIn()
        }
    }

    private func fits(_ memory: Int64, _ state: State) -> Bool {
        state.running == 0 || (state.running < cores && state.taken + memory <= self.memory)
    }

    private func leave(_ memory: Int64) {
        state.withLock { state in
            state.running -= 1
            state.taken -= memory
        }
        letIn()
    }

    private func letIn() {
        while true {
            let next = state.withLock { state -> Waiting? in
                guard let first = state.queue.first, fits(first.memory, state) else { return nil }
                state.queue.removeFirst()
                state.running += 1
                state.taken += first.memory
                return first
            }
            guard let next else { return }
            next.turn.resume()
        }
    }
}
