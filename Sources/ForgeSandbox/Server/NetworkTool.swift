internal import ForgeModel
internal import ForgeSystem

/// A program of the system that configures the kernel's network.
enum NetworkTool: String, CaseIterable {
    case ip, nft

    private var package: String {
        switch self {
        case .ip: "iproute2"
        case .nft: "nftables"
        }
    }

    static let directories = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]

    var path: String? { Self.directories.map { "\($0)/\(rawValue)" }.first(where: Files.exists) }

    /// - Throws: `ForgeError` naming what to install.
    static func checkAll() throws {
        let missing = allCases.filter { $0.path == nil }
        guard !missing.isEmpty else { return }
        throw ForgeError(
            .deploy, "server.no-network-tools",
            "servers with a network need \(missing.map { "`\($0.rawValue)`" }.joined(separator: " and "))",
            hint: "install \(missing.count == 1 ? "it" : "them"): `apt-get install \(missing.map(\.package).joined(separator: " "))`")
    }

    struct Result {
        let succeeded: Bool
        let output: String
        /// The first line of what it complained about.
        let failure: String
    }

    /// Runs it with `input`, which must fit into a pipe, as standard input.
    func run(_ arguments: [String], input: String = "") async throws -> Result {
        guard let path else { throw ForgeError(.deploy, "server.no-network-tools", "`\(rawValue)` is missing", hint: "install \(package)") }
        return try await Self.run(path, arguments, input: input)
    }

    /// Runs the program at `path`, which need not be one of these.
    static func run(_ path: String, _ arguments: [String], input: String = "") async throws -> Result {
        var request = ChildProcess.Request(path, arguments, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        request.descriptors[0] = try pipe(holding: input)
        let result = try await ChildProcess.output(request)
        let lines = String(decoding: result.error, as: UTF8.self).split(separator: "\n")
        return Result(
            succeeded: result.status.isSuccess, output: String(decoding: result.output, as: UTF8.self),
            failure: lines.first.map(String.init) ?? "\(result.status)")
    }

    private static func pipe(holding text: String) throws -> Descriptor {
        let (end, input) = try Descriptor.pipe()
        try input.write(Array(text.utf8), to: "standard input")
        return end
    }
}
