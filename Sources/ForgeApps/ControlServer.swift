internal import ForgeControl
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc

/// Answers the commands of this machine over the gateway's control socket.
struct ControlServer: Sendable {
    let listener: Descriptor
    let supervisor: AppSupervisor
    let watch: RouteWatch

    static func listen(_ path: String) async throws -> Descriptor { try await BlockingPool.run { try LocalSocket.listen(path) } }

    /// Accepts until the calling task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            await withTaskCancellationHandler {
                while !Task.isCancelled {
                    do {
                        guard let connection = try await BlockingPool.run({ try LocalSocket.accept(listener) }) else { break }
                        group.addTask { await serve(connection) }
                    } catch {
                        // Out of descriptors, most likely: deploys must be possible again as soon as there are some.
                        try? await Task.sleep(for: .milliseconds(100))
                    }
                }
            } onCancel: {
                shutdown(listener.raw, Int32(SHUT_RDWR))
            }
            group.cancelAll()
        }
    }

    /// One connection, to its end: what it launched and did not bring online is given up then.
    private func serve(_ connection: Descriptor) async {
        let lease = AppSupervisor.Lease()
        let (requests, received) = AsyncStream.makeStream(of: ControlRequest.self)
        await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await Self.receive(connection, received) }
                group.addTask {
                    for await request in requests {
                        let reply = await answer(request, lease, on: connection)
                        guard !Task.isCancelled, (try? await Self.send(reply, on: connection)) != nil else { break }
                    }
                }
                // Whoever asked has gone, or cannot be answered: either way the other half is of no use.
                await group.next()
                shutdown(connection.raw, Int32(SHUT_RDWR))
                group.cancelAll()
            }
        } onCancel: {
            shutdown(connection.raw, Int32(SHUT_RDWR))
        }
        if let routes = try? await BlockingPool.run({ try watch.current() }) { await supervisor.end(lease, routes: routes) }
    }

    private static func receive(_ connection: Descriptor, _ received: AsyncStream<ControlRequest>.Continuation) async {
        var lines = ControlLines()
        while let bytes = try? await BlockingPool.run({ try LocalSocket.receive(connection) }), !bytes.isEmpty {
            guard let complete = try? lines.take(bytes) else { return }
            for line in complete {
                guard let request = try? ControlLine.decode(ControlRequest.self, from: line) else { return }
                received.yield(request)
            }
        }
    }

    private static func send(_ reply: ControlReply, on connection: Descriptor) async throws {
        let line = try ControlLine.encode(reply)
        try await BlockingPool.run { try connection.write(line, to: "control socket") }
    }

    private func answer(_ request: ControlRequest, _ lease: AppSupervisor.Lease, on connection: Descriptor) async -> ControlReply {
        do {
            switch request {
            case .launch(let app): return .launched(kept: try await supervisor.launch(app, lease: lease))
            case .check(let release):
                return .healthy(
                    milliseconds: try await supervisor.check(release) { text in
                        guard let line = try? ControlLine.encode(ControlReply.progress(text)) else { return }
                        try? connection.write(line, to: "control socket")
                    })
            case .retire(let release): await supervisor.retire(release)
            case .settle: await supervisor.reconcile(try await BlockingPool.run { try watch.current() })
            case .list: return .apps(await supervisor.list())
            }
            return .done
        } catch let failure as ControlFailure {
            return .failed(failure)
        } catch {
            return .failed(ControlFailure(code: "gateway.failed", message: "the gateway could not do it: \(error)", hint: nil))
        }
    }
}
