package import ForgeSystem

/// A TCP connection to a server, made inside its network namespace.
package struct ServerConnection: Sendable {
    /// Non-blocking.
    package let socket: Descriptor
    /// False when the listener's queue was full: the kernel tries again by itself, as for any connecting socket.
    package let isEstablished: Bool

    /// The socket once it is connected.
    /// - Throws: `SystemError`; `ETIMEDOUT` when it still is not after `timeout`.
    package func established(within timeout: Duration) async throws -> Descriptor {
        if !isEstablished {
            let milliseconds = Int(timeout / .milliseconds(1))
            try await BlockingPool.run { try socket.finishConnecting(milliseconds: milliseconds) }
        }
        return socket
    }
}
