package import ForgeSystem

/// The side that carries the requests of servers: told where they go, asked what is under way.
package struct AppCarrier: Sendable {
    /// Where the requests of one release go.
    package enum Destination: Sendable {
        /// To a socket of this; called for each connection, on a thread that must not block.
        case server(@Sendable () throws -> Descriptor)
        /// They wait.
        case starting
        /// They are told why not, in half a sentence.
        case down(String)
    }

    /// What became of the requests that were under way when a release lost its route.
    package struct Drained: Hashable, Sendable {
        package let crossed: Int
        package let failed: Int
        package let duration: Duration

        package init(crossed: Int, failed: Int, duration: Duration) {
            self.crossed = crossed
            self.failed = failed
            self.duration = duration
        }
    }

    /// Sends the requests of a release there from now on; nil forgets the release.
    let send: @Sendable (_ release: String, Destination?) -> Void
    let inFlight: @Sendable (_ release: String) -> Int
    /// Lets the requests of a release that has lost its route end, for at most so long.
    let drain: @Sendable (_ release: String, Duration) async -> Drained

    package init(
        send: @escaping @Sendable (_ release: String, Destination?) -> Void, inFlight: @escaping @Sendable (_ release: String) -> Int,
        drain: @escaping @Sendable (_ release: String, Duration) async -> Drained
    ) {
        self.send = send
        self.inFlight = inFlight
        self.drain = drain
    }
}
