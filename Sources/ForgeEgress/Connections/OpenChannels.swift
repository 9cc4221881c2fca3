internal import NIOCore
internal import Synchronization

/// The channels of one proxy, so that all can be closed with it and no more than a few are open at once.
final class OpenChannels: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.channels.count } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// From now on a channel that is added is closed at once.
    func beginClosing() { state.withLock { $0.isClosed = true } }

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let isLate = state.withLock {
            $0.channels[id] = channel
            return $0.isClosed
        }
        channel.closeFuture.whenComplete { [weak self] _ in self?.remove(id) }
        if isLate { channel.close(promise: nil) }
    }

    private func remove(_ id: ObjectIdentifier) { _ = state.withLock { $0.channels.removeValue(forKey: id) } }

    /// Returns once every channel is closed.
    func closeAll() async {
        let channels = state.withLock {
            $0.isClosed = true
            return Array($0.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
        for channel in channels { try? await channel.closeFuture.get() }
    }
}
