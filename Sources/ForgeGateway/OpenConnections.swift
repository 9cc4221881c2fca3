internal import NIOCore
internal import Synchronization

/// The connections a gateway has accepted and not yet closed.
final class OpenConnections: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        channels.withLock { $0[id] = channel }
        channel.closeFuture.whenComplete { _ in self.channels.withLock { _ = $0.removeValue(forKey: id) } }
    }

    /// Closes the idle ones at once, the others after their answer, and after `grace` all that are left.
    func drain(grace: Duration) async {
        let open = channels.withLock { Array($0.values) }
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        let timer = Task {
            try await Task.sleep(for: grace)
            closeAll()
        }
        for channel in open { try? await channel.closeFuture.get() }
        timer.cancel()
    }

    func closeAll() {
        for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
}
