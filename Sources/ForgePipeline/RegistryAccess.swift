internal import ForgeEgress
internal import ForgeEngine
internal import ForgeManifests
internal import ForgeModel
internal import ForgeOperator
internal import ForgePresets
internal import ForgeRegistry
internal import ForgeStore
internal import ForgeSystem

/// Learns which registries a step may reach, by asking this machine's own package managers for their configuration.
actor RegistryAccess {
    /// What one package manager said.
    private struct Answer: Sendable {
        var origins: Set<EgressOrigin> = []
        var variables: [String: String] = [:]
        /// Of addresses that hold a name and a password.
        var credentials: [RegistryCredential] = []
    }

    /// What it takes to answer steps in the place of their registries.
    struct Answering: Sendable {
        let cache: RegistryCache
        let vault: Vault
        let isOffline: Bool
    }

    private let presets: PresetShelf
    private let configuration: OperatorConfiguration
    private let environment: [String: String]
    private let answering: Answering?
    private let tools: @Sendable () async throws -> [String]
    private var answers: [String: Task<Answer, any Error>] = [:]

    /// - Parameters:
    ///   - environment: the operator's, in which the package managers are asked.
    ///   - answering: nil where only the question counts, or steps are to speak to their registries themselves.
    ///   - tools: folders with package managers, for machines that have none of their own.
    init(
        presets: PresetShelf, configuration: OperatorConfiguration, environment: [String: String], answering: Answering? = nil,
        tools: @escaping @Sendable () async throws -> [String] = { [] }
    ) {
        self.tools = tools
        self.presets = presets
        self.configuration = configuration
        self.environment = environment
        self.answering = answering
    }

    /// - Parameters:
    ///   - scope: names who may read what the step downloads; '' for everybody.
    ///   - lockfile: what the project's own says of its packages.
    /// - Throws: `network.unknown-registry`, `network.not-allowed`, `config.credential-file`
    func network(for step: Step, scope: String, lockfile: LockedHashes?) async throws -> StepNetwork {
        var policy = EgressPolicy(
            operatorEntries: configuration.egress, caBundle: configuration.caBundle, isOffline: answering?.isOffline ?? false)
        guard let registries = step.registries, let manager = try presets.catalog().packageManager(registries.manager) else {
            return StepNetwork(policy: policy, environment: [:])
        }
        let answer = try await answer(of: manager)
        for origin in answer.origins where !configuration.egress.contains(origin) {
            guard origin.port == origin.scheme.defaultPort else { throw notAllowed(origin, manager) }
        }
        policy.registries = answer.origins.union(registries.origins)
        let responder = try await responder(manager, policy, answer, scope, lockfile)
        return StepNetwork(
            policy: policy, environment: answer.variables.filter { !registries.replaces.contains($0.key) }, responder: responder)
    }

    /// npm's registries and Python's are answered from the store; the others' are tunnels.
    private func responder(
        _ manager: PackageManager, _ policy: EgressPolicy, _ answer: Answer, _ scope: String, _ lockfile: LockedHashes?
    ) async throws -> (any EgressResponder)? {
        guard let answering, [.npm, .pypi].contains(manager.ecosystem) else { return nil }
        // Those that no policy lets through are refused before anybody answers for them.
        let reachable = policy.registries.filter { (try? policy.target($0)) != nil }
        var settings = StepRegistry.Settings(
            origins: reachable.union(configuration.credentials.map(\.origin).filter(configuration.egress.contains)))
        guard !settings.origins.isEmpty else { return nil }
        settings.credentials = try await credentials(manager, answer, isStranger: !scope.isEmpty)
        settings.lockfile = lockfile
        settings.scope = scope
        settings.isOffline = answering.isOffline
        return try StepRegistry(settings, cache: answering.cache) { [vault = answering.vault] in vault.tag($0) }
    }

    /// The operator's own first, then what the package manager would have said itself. A stranger could put what he is given into what he
    /// builds: his builds get only what the operator says is for them too.
    private func credentials(
        _ manager: PackageManager, _ answer: Answer, isStranger: Bool
    ) async throws -> [RegistryCredential] {
        let files = CredentialFiles(environment: environment)
        let own = configuration.credentials.filter { !isStranger || $0.isForStrangers }
        if isStranger { return try await BlockingPool.run { try own.map { try $0.load() } } }
        return try await BlockingPool.run {
            try own.map { try $0.load() } + answer.credentials
                + (manager.ecosystem == .npm ? files.npm(for: answer.origins) : files.netrc(for: answer.origins))
        }
    }

    /// What `manager` of this machine uses, and of that what only the operator's word lets a step reach.
    /// - Throws: `network.unknown-registry`
    func registries(of manager: PackageManager) async throws -> [EgressOrigin] { try await answer(of: manager).origins.sorted() }

    private func answer(of manager: PackageManager) async throws -> Answer {
        if let known = answers[manager.id] { return try await known.value }
        let task = Task { [environment, tools] in
            var answer = Answer()
            var environment = environment
            environment["PATH"] = (HostToolchains.searchPath + (try await tools())).joined(separator: ":")
            for command in manager.registries.ask { try await Self.ask(command, manager, environment, into: &answer) }
            return answer
        }
        answers[manager.id] = task
        return try await task.value
    }

    private static func ask(
        _ command: [String], _ manager: PackageManager, _ environment: [String: String], into answer: inout Answer
    ) async throws {
        // Outside the project: its own files are read as data, by the planner.
        let request = ChildProcess.Request("/usr/bin/env", command, environment: environment, workingDirectory: "/")
        let result = try await ChildProcess.output(request)
        guard result.status.isSuccess else {
            let said = String(decoding: result.error, as: UTF8.self).split(separator: "\n").last.map(String.init) ?? "it said nothing"
            throw ForgeError(
                .build, "network.unknown-registry", "\(manager.name) does not tell which registries it uses: \(said)",
                hint: "`\(command.prefix(1).joined()) …` of `\(manager.file)` must work on this machine")
        }
        for line in String(decoding: result.output, as: UTF8.self).split(separator: "\n") { take(String(line), into: &answer) }
    }

    /// `NAME=VALUE`, or a bare URL.
    private static func take(_ line: String, into answer: inout Answer) {
        let name = line.prefix { $0 != "=" && $0 != "/" }
        let isVariable = name.count < line.count && line[name.endIndex] == "="
        let words = (isVariable ? line[name.endIndex...].dropFirst() : line[...]).split(separator: " ").map(String.init)
        var clean: [String] = []
        for word in words {
            let bare = withoutPassword(word)
            clean.append(bare)
            guard let origin = EgressOrigin(url: bare) else { continue }
            answer.origins.insert(origin)
            if let credential = CredentialText.url(word) { answer.credentials.append(credential) }
        }
        if isVariable { answer.variables[String(name)] = clean.joined(separator: " ") }
    }

    /// A word can hold several addresses: settings are told as XML and JSON.
    private static func withoutPassword(_ word: String) -> String {
        var clean = ""
        var rest = word[...]
        while let scheme = rest.firstRange(of: "://") {
            clean += rest[..<scheme.upperBound]
            rest = rest[scheme.upperBound...]
            let authority = rest.prefix { !"/?#<>\"'".contains($0) }
            if let at = authority.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        }
        return clean + rest
    }

    private func notAllowed(_ origin: EgressOrigin, _ manager: PackageManager) -> ForgeError {
        ForgeError(
            .build, "network.not-allowed",
            "\(manager.name) of this machine uses `\(origin)`, and a registry on a port of its own is reached only if the operator says so",
            hint: "set `FORGE_EGRESS_ALLOW=\(origin)`, or write `allow = [\"\(origin)\"]` below `[network]` in Forge's `config.toml`")
    }
}
