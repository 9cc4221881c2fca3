internal import ForgeModel
package import ForgeSandbox
package import ForgeStore
internal import ForgeControl
internal import ForgeSystem

/// Where servers run and what they get there: files, variables, log, limits.
package struct AppHousing: Sendable {
    package let openSandbox: @Sendable () async throws -> ServerSandbox
    package let trees: TreeStore
    package let vault: Vault
    /// Folder of the log files, one a release.
    package let logs: String
    package let limits: ServerLimits
    package let health: HealthLimits

    package init(
        trees: TreeStore, vault: Vault, logs: String, limits: ServerLimits, health: HealthLimits,
        openSandbox: @escaping @Sendable () async throws -> ServerSandbox
    ) {
        self.trees = trees
        self.vault = vault
        self.logs = logs
        self.limits = limits
        self.health = health
        self.openSandbox = openSandbox
    }

    func log(of app: AppSpecification) async throws -> AppLogWriter {
        let path = AppLogFolder(logs).log(of: app.release)
        return try await BlockingPool.run {
            try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
            return try AppLogWriter(path: path)
        }
    }

    /// The server that wrote the log of `older` goes on as that of `release`.
    func takeLog(_ release: String, over older: String) async {
        // Without it `forge logs` finds nothing of this release; the server runs all the same.
        try? await BlockingPool.run { [logs] in try AppLogFolder(logs).take(release, over: older) }
    }

    /// Starts one process of `app`; its output goes to `log`.
    func start(_ app: AppSpecification, _ log: AppLogWriter, in sandbox: ServerSandbox, gatewayPort: Int) async throws -> RunningServer {
        let owners = try SealedVariables.open(app.variables, of: app.release, in: vault)
        let environment = AppEnvironment(app, owners: owners, gatewayPort: gatewayPort)
        var request = ServerRequest(
            root: try await trees.materialize(app.root), command: app.launch.command, directory: app.launch.directory ?? .root,
            environment: searchPath(of: app).merging(environment.variables) { $1 }, limits: limits, system: try await system(of: app))
        for toolchain in app.toolchains ?? [] {
            request.mounts.append(ReadOnlyMount(source: try await trees.materialize(toolchain.tree), path: toolchain.path))
        }
        request.writable = app.launch.writable ?? []
        return try await RunningServer.start(request, in: sandbox) { log.write($0) }
    }

    private func system(of app: AppSpecification) async throws -> SystemFiles {
        guard let system = app.system else { return .host }
        let folder = try await trees.materialize(system.root)
        return system.image == nil ? .hostWithPackages(folder) : .root(folder)
    }

    private func searchPath(of app: AppSpecification) -> [String: String] {
        let folders = (app.toolchains ?? []).flatMap(\.searchPath) + (app.system?.path ?? [])
        guard !folders.isEmpty, let usual = SandboxWorld.serverEnvironment["PATH"] else { return [:] }
        var seen: Set<String> = []
        let path = (folders + usual.split(separator: ":").map(String.init)).filter { seen.insert($0).inserted }
        return ["PATH": path.joined(separator: ":")]
    }
}
