internal import ForgeSystem
package import ForgeStore

/// The servers' part of a running gateway: the supervisor and its control socket, from the gateway's beginning to its end.
package actor AppService {
    private enum State {
        case idle, starting
        case running(work: Task<Void, Never>, control: Task<Void, Never>)
        case ended
    }

    private let supervisor: AppSupervisor
    private let controlPath: String
    private var state = State.idle

    /// - Parameter controlPath: where commands of this machine find it.
    package init(supervisor: AppSupervisor, controlPath: String) {
        self.supervisor = supervisor
        self.controlPath = controlPath
    }

    /// Starts the servers that the routes want and answers on the control socket from then on.
    /// - Parameter gatewayPort: for addresses in the servers' variables.
    package func begin(gatewayPort: Int, watch: RouteWatch) async throws {
        guard case .idle = state else { return }
        state = .starting
        let listener = try await ControlServer.listen(controlPath)
        await supervisor.setGatewayPort(gatewayPort)
        let work = Task { [supervisor] in await supervisor.run() }
        await supervisor.reconcile(watch.last)
        let server = ControlServer(listener: listener, supervisor: supervisor, watch: watch)
        state = .running(work: work, control: Task { await server.run() })
    }

    package func follow(_ routes: RouteSnapshot) async { await supervisor.reconcile(routes) }

    /// Deploys under way learn that it is over; the servers still answer.
    package func closeControl() async {
        guard case .running(_, let control) = state else { return }
        control.cancel()
        await control.value
    }

    /// Returns when nothing of the servers is left.
    package func end() async {
        guard case .running(let work, let control) = state else { return }
        state = .ended
        control.cancel()
        await supervisor.stop()
        await work.value
        await control.value
    }
}
