internal import ForgeModel
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// A client connection whose requests a responder answers, one after the other.
struct InterceptedConnection: Sendable {
    typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    let connector: EgressConnector
    let responder: any EgressResponder
    let form: ProxyRequest.Form

    /// Puts itself at the end of the pipeline of a client's HTTP and starts to serve.
    static func install(_ connection: InterceptedConnection, on channel: any NIOCore.Channel) throws {
        let wrapped = try Channel(
            wrappingChannelSynchronously: channel,
            configuration: .init(backPressureStrategy: .init(lowWatermark: 2, highWatermark: 4), isOutboundHalfClosureEnabled: false))
        Task { await connection.serve(wrapped) }
    }

    private func serve(_ channel: Channel) async {
        do {
            try await channel.executeThenClose { parts, writer in
                var requests = parts.makeAsyncIterator()
                while let part = try await requests.next() {
                    guard case .head(let head) = part else { continue }
                    var hasBody = false
                    body: while let part = try await requests.next() {
                        switch part {
                        case .head, .end: break body
                        case .body: hasBody = true
                        }
                    }
                    guard try await answer(head, hasBody: hasBody, writer) else { break }
                }
                writer.finish()
            }
        } catch {
            // The client went, or an answer had to be cut: closing says all that can be said.
            try? await channel.channel.close()
        }
    }

    /// Whether another request may follow.
    private func answer(
        _ head: HTTPRequestHead, hasBody: Bool, _ writer: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        // Several servers are asked over one plain connection to the proxy: each request gets one of its own.
        let isTunnel = if case .inside = form { true } else { false }
        let keepsAlive = isTunnel && head.isKeepAlive && head.version == .http1_1 && head.method != .HEAD
        let progress = AnswerProgress()
        let answer = EgressAnswer(writer: writer, request: head, keepsAlive: keepsAlive, progress: progress)
        do {
            try await respond(head, hasBody: hasBody, answer)
        } catch let failure as EgressFailure where !progress.hasBegun {
            try await answer.begin(failure.head.status, failure.head.headers)
            try await answer.send(failure.body)
        }
        try await writer.write(.end(nil))
        return keepsAlive
    }

    private func respond(_ head: HTTPRequestHead, hasBody: Bool, _ answer: EgressAnswer) async throws {
        let request: ProxyRequest
        do throws(EgressFailure) { request = try ProxyRequest(head, form: form, policy: connector.policy) } catch {
            connector.ledger.note(error)
            throw error
        }
        guard case .forward(let onward) = request.kind, responder.origins.contains(request.target.origin) else {
            throw EgressFailure.badRequest("one connection, one server", to: request.target.origin)
        }
        guard [.GET, .HEAD].contains(head.method), !hasBody else {
            let failure = EgressFailure.onlyReading(request.target.origin, head.method.rawValue)
            connector.ledger.note(failure)
            throw failure
        }
        let query = EgressQuery(origin: request.target.origin, method: onward.method, path: onward.uri, headers: onward.headers)
        try await responder.respond(to: query, upstream: EgressUpstream(connector: connector), answer: answer)
    }
}

/// Whether the head of an answer is on its way.
final class AnswerProgress: Sendable {
    private let begun = Mutex(false)

    var hasBegun: Bool { begun.withLock { $0 } }
    func begin() { begun.withLock { $0 = true } }
}
