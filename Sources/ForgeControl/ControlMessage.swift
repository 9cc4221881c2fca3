package import ForgeModel

/// What a command asks of the gateway that runs on this machine, one JSON object a line over its control socket.
///
/// Servers that a connection had launched and that no route leads to when it ends are stopped: a deploy that dies leaves none.
package enum ControlRequest: Hashable, Sendable, Codable {
    /// Start the server, or take one that is kept and can answer for it. Answered when its process runs.
    case launch(AppSpecification)
    /// Wait until the launched server of this release is healthy, or find out why it is not.
    case check(release: String)
    /// Stop a server that no route leads to.
    case retire(release: String)
    /// Look at the route table now. Answered when the routes are as the table says.
    case settle
    /// What runs.
    case list
}

/// What the gateway says: any number of `progress`, then one of the others.
package enum ControlReply: Hashable, Sendable, Codable {
    case progress(String)
    /// Whether a kept server was taken instead of starting one.
    case launched(kept: Bool)
    /// How long it took from the server's start to its first healthy answer.
    case healthy(milliseconds: Int)
    case done
    case apps([AppStatus])
    case failed(ControlFailure)
}

/// Why the gateway could not do what it was asked for.
package struct ControlFailure: Error, Hashable, Sendable, Codable {
    /// As of a `ForgeError`.
    package let code: String
    package let message: String
    package let hint: String?
    /// The last lines the server wrote, as written.
    package let lastLines: [String]

    package init(code: String, message: String, hint: String?, lastLines: [String] = []) {
        self.code = code
        self.message = message
        self.hint = hint
        self.lastLines = lastLines
    }
}

/// One server that the gateway looks after.
package struct AppStatus: Hashable, Sendable, Codable {
    package enum State: String, Sendable, Codable {
        /// Not healthy yet, or being started again.
        case starting
        case running
        /// Kept for a rollback; uses memory and no CPU.
        case frozen
        /// Given up after repeated crashes.
        case down
    }

    package let release: String
    package let host: String
    package let state: State
    /// How often it was started again.
    package let restarts: Int
    /// Bytes; nil when nothing runs.
    package let memory: Int64?

    package init(release: String, host: String, state: State, restarts: Int, memory: Int64?) {
        self.release = release
        self.host = host
        self.state = state
        self.restarts = restarts
        self.memory = memory
    }
}
