internal import NIOCore

/// The idle connections to apps of one event loop. Used on that loop only.
final class UpstreamPool {
    func closeIdle(_ release: String) {}
}

/// The pools of all event loops.
final class UpstreamPools: Sendable {
    private let boxes: [ObjectIdentifier: NIOLoopBoundBox<UpstreamPool>]

    init(_ group: any EventLoopGroup) {
        let loops = Array(group.makeIterator())
        boxes = Dictionary(
            uniqueKeysWithValues: loops.map { loop in
                (ObjectIdentifier(loop), NIOLoopBoundBox.makeBoxSendingValue(UpstreamPool(), eventLoop: loop))
            })
    }

    /// The pool of `eventLoop`, on which this is called.
    func pool(of eventLoop: any EventLoop) -> UpstreamPool? { boxes[ObjectIdentifier(eventLoop)]?.value }

    /// Returns when every event loop has closed its idle connections to `release`.
    func closeIdle(_ release: String) async {
        for box in boxes.values { try? await box.eventLoop.submit { box.value.closeIdle(release) }.get() }
    }
}
