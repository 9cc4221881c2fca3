internal import NIOCore
internal import Synchronization

/// The connections a gateway has accepted and not yet closed.
final class OpenConnections: Sendable {
    private struct Content {
        var channels: [ObjectIdentifier: any Channel] = [:]
        /// How many of them come from one address.
        var counts: [String: Int] = [:]
    }

    /// How long exchanges that were told to end may take for it.
    private static let endTimeout = Duration.seconds(1)

    private let content = Mutex(Content())

    /// Counts `channel` until it is closed; false when there are too many.
    func admit(_ channel: any Channel, _ limits: GatewayLimits) -> Bool {
        let id = ObjectIdentifier(channel)
        let address = channel.remoteAddress?.ipAddress ?? ""
        let isAdmitted = content.withLock { content in
            guard content.channels.count < limits.connections, content.counts[address, default: 0] < limits.connectionsPerAddress else {
                return false
            }
            content.channels[id] = channel
            content.counts[address, default: 0] += 1
            return true
        }
        if isAdmitted { channel.closeFuture.whenComplete { _ in self.remove(id, address) } }
        return isAdmitted
    }

    private func remove(_ id: ObjectIdentifier, _ address: String) {
        content.withLock { content in
            content.channels[id] = nil
            content.counts[address, default: 1] -= 1
            if content.counts[address] == 0 { content.counts[address] = nil }
        }
    }

    private var all: [any Channel] { content.withLock { Array($0.channels.values) } }

    /// Closes the idle ones at once, the others after their answer, and after `grace` all that are left, as properly as they allow.
    func drain(grace: Duration) async {
        let open = all
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        let timer = Task {
            try await Task.sleep(for: grace)
            for channel in all { channel.pipeline.fireUserInboundEventTriggered(ReleaseMustEnd(release: nil)) }
            try await Task.sleep(for: Self.endTimeout)
            closeAll()
        }
        for channel in open { try? await channel.closeFuture.get() }
        timer.cancel()
    }

    func closeAll() {
        for channel in all { channel.close(promise: nil) }
    }
}
