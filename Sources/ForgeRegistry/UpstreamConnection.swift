internal import ForgeEgress
internal import ForgeModel
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// One connection to a registry, kept for the next request while both sides allow.
final class UpstreamConnection: Sendable {
    private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>
    private typealias Writer = NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    fileprivate typealias Parts = NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

    /// The body of an answer, piece by piece.
    struct Body {
        fileprivate var parts: Parts
        fileprivate var isAtEnd = false

        /// nil at the end. An answer that was cut short throws.
        mutating func next() async throws -> ByteBuffer? {
            while !isAtEnd {
                let part: HTTPClientResponsePart?
                do { part = try await parts.next() } catch { throw UpstreamFailure.brokeOff }
                switch part {
                case .head?: continue
                case .body(let bytes)?: return bytes
                case .end?: isAtEnd = true
                case nil: throw UpstreamFailure.brokeOff
                }
            }
            return nil
        }
    }

    private struct Job: Sendable {
        /// Whether another may follow.
        let perform: @Sendable (inout Parts, Writer) async -> Bool
    }

    private let jobs: AsyncStream<Job>.Continuation

    private init(jobs: AsyncStream<Job>.Continuation) { self.jobs = jobs }

    /// - Throws: `EgressFailure`; `NIOSSLError` and others of TLS only come with the first exchange.
    static func open(to origin: EgressOrigin, _ upstream: EgressUpstream, tls: NIOSSLContext?) async throws -> UpstreamConnection {
        let channel = try await upstream.connect(to: origin) { channel in
            let pipeline = channel.pipeline.syncOperations
            if let tls {
                try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: origin.isAddress ? nil : origin.host))
            }
            try pipeline.addHandler(IdleStateHandler(readTimeout: .seconds(60)))
            try pipeline.addHandler(HTTPRequestEncoder())
            try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
            try pipeline.addHandler(SilenceLimit())
        }
        let wrapped = try await channel.eventLoop.submit {
            try Channel(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: false))
        }.get()
        let (stream, jobs) = AsyncStream.makeStream(of: Job.self)
        Task {
            try? await wrapped.executeThenClose { inbound, outbound in
                var parts = inbound.makeAsyncIterator()
                for await job in stream { guard await job.perform(&parts, outbound) else { break } }
            }
        }
        return UpstreamConnection(jobs: jobs)
    }

    /// Sends a request without a body and gives `take` the answer. The connection may be used again when the second value is true.
    func exchange<Value: Sendable>(
        _ head: HTTPRequestHead, take: @escaping @Sendable (HTTPResponseHead, inout Body) async throws -> Value
    ) async throws -> (Value, Bool) {
        try await withCheckedThrowingContinuation { continuation in
            let job = Job { parts, writer in
                do {
                    // Why a request could not be sent is found by reading.
                    try? await writer.write(.head(head))
                    try? await writer.write(.end(nil))
                    let answer = try await Self.finalHead(&parts)
                    var body = Body(parts: parts)
                    let value = try await take(answer, &body)
                    let isReusable = body.isAtEnd && answer.isKeepAlive
                    continuation.resume(returning: (value, isReusable))
                    return isReusable
                } catch {
                    continuation.resume(throwing: error)
                    return false
                }
            }
            if case .terminated = jobs.yield(job) { continuation.resume(throwing: UpstreamFailure.stale) }
        }
    }

    /// Skips interim answers.
    private static func finalHead(_ parts: inout Parts) async throws -> HTTPResponseHead {
        do {
            while let part = try await parts.next() {
                if case .head(let head) = part, head.status.code >= 200 { return head }
            }
        } catch  where !(error is NIOSSLError || error is BoringSSLError) {
            throw UpstreamFailure.stale
        }
        throw UpstreamFailure.stale
    }

    func close() { jobs.finish() }
}

enum UpstreamFailure: Error {
    /// The server had closed the connection before it answered at all.
    case stale
    /// It did in the middle of an answer.
    case brokeOff
}

/// Closes a connection whose server says nothing for too long.
private final class SilenceLimit: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}

/// The idle connections of one step.
actor UpstreamPool {
    private var idle: [EgressOrigin: [UpstreamConnection]] = [:]
    private var isClosed = false
    private static let mostIdle = 16

    func take(_ origin: EgressOrigin) -> UpstreamConnection? { idle[origin]?.popLast() }

    func give(_ connection: UpstreamConnection, _ origin: EgressOrigin) {
        guard !isClosed, idle[origin, default: []].count < Self.mostIdle else { return connection.close() }
        idle[origin, default: []].append(connection)
    }

    func close() {
        isClosed = true
        for connection in idle.values.joined() { connection.close() }
        idle = [:]
    }
}
