internal import NIOCore

/// The idle connections to apps of one event loop. Used on that loop only.
final class UpstreamPool {
    /// Idle connections of one release that are kept; each costs two descriptors here and one in the app.
    private static let limit = 64
    private static let sweepInterval = TimeAmount.seconds(1)

    /// Oldest first.
    private var idle: [String: [UpstreamConnection]] = [:]
    private let eventLoop: any EventLoop
    private var isSweeping = false

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// The connection used last, when it is fresh enough for the request.
    func take(_ release: String, isRepeatable: Bool) -> UpstreamConnection? {
        let now = NIODeadline.now()
        while let last = idle[release]?.last, last.isFresh(forRepeatable: isRepeatable, at: now) {
            idle[release]?.removeLast()
            if last.isQuiet { return last }
            last.close()
        }
        return nil
    }

    func put(_ connection: UpstreamConnection) {
        idle[connection.release, default: []].append(connection)
        if let all = idle[connection.release], all.count > Self.limit {
            idle[connection.release]?.removeFirst()
            all[0].close()
        }
        sweepLater()
    }

    func remove(_ connection: UpstreamConnection) {
        guard let place = idle[connection.release]?.firstIndex(where: { $0 === connection }) else { return }
        idle[connection.release]?.remove(at: place)
    }

    func closeIdle(_ release: String) {
        for connection in idle.removeValue(forKey: release) ?? [] { connection.close() }
    }

    func closeAll() {
        for release in idle.keys { closeIdle(release) }
    }

    /// Closes connections that are too old for any request, as long as there are idle ones.
    private func sweepLater() {
        guard !isSweeping else { return }
        isSweeping = true
        eventLoop.assumeIsolated().scheduleTask(in: Self.sweepInterval) {
            self.isSweeping = false
            let now = NIODeadline.now()
            for (release, connections) in self.idle {
                let old = connections.prefix { !$0.isFresh(forRepeatable: true, at: now) }
                self.idle[release] = old.count == connections.count ? nil : Array(connections.dropFirst(old.count))
                for connection in old { connection.close() }
            }
            if !self.idle.isEmpty { self.sweepLater() }
        }
    }
}

/// The pools of all event loops.
final class UpstreamPools: Sendable {
    private let boxes: [ObjectIdentifier: NIOLoopBoundBox<UpstreamPool>]

    init(_ group: any EventLoopGroup) {
        boxes = Dictionary(
            uniqueKeysWithValues: Array(group.makeIterator()).map { loop in
                (ObjectIdentifier(loop), NIOLoopBoundBox.makeBoxSendingValue(UpstreamPool(loop), eventLoop: loop))
            })
    }

    /// The pool of `eventLoop`, on which this is called.
    func pool(of eventLoop: any EventLoop) -> UpstreamPool {
        // A loop outside the group has one of its own a connection.
        boxes[ObjectIdentifier(eventLoop)]?.value ?? UpstreamPool(eventLoop)
    }

    /// Returns when every event loop has closed its idle connections to `release`.
    func closeIdle(_ release: String) async {
        for box in boxes.values { try? await box.eventLoop.submit { box.value.closeIdle(release) }.get() }
    }

    func closeAll() {
        for box in boxes.values { box.eventLoop.execute { box.value.closeAll() } }
    }
}
