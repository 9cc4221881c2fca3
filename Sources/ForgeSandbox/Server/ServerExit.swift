/// How a server ended and why.
package struct ServerExit: Hashable, Sendable {
    package enum Ending: Hashable, Sendable {
        case exited(Int32)
        case signaled(Int32)
    }

    package enum Cause: String, Hashable, Sendable {
        case itself
        /// `stop` was called.
        case stopped
        /// A process of it was killed for the memory limit.
        case outOfMemory
        /// A process of it could not be started for the limit of processes.
        case outOfProcesses
        /// Its sandbox was killed from outside.
        case lost
    }

    package let ending: Ending
    package let cause: Cause

    package init(ending: Ending, cause: Cause) {
        self.ending = ending
        self.cause = cause
    }

    /// For people, to follow the server's name: `ended with status 1`, `ran out of memory (was killed by signal 9)`.
    package var message: String {
        switch cause {
        case .itself: ended
        case .stopped: "was stopped (\(ended))"
        case .outOfMemory: "ran out of memory (\(ended))"
        case .outOfProcesses: "reached its limit of processes (\(ended))"
        case .lost: "was lost: its sandbox was killed from outside"
        }
    }

    private var ended: String {
        switch ending {
        case .exited(let status): "ended with status \(status)"
        case .signaled(let signal): "was killed by signal \(signal)"
        }
    }
}
