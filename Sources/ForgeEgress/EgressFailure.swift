package import ForgeModel

/// Why a request goes no further: what the step is told, and what the record keeps.
package struct EgressFailure: Error, Hashable, Sendable {
    package let origin: EgressOrigin?
    package let verdict: EgressRecord.Verdict
    /// From a fixed set of phrases, for the record.
    package let reason: String
    /// The status of the answer.
    package let status: Int
    /// One line for whoever reads the package manager's output.
    package let message: String

    private init(_ origin: EgressOrigin?, _ verdict: EgressRecord.Verdict, _ status: Int, _ reason: String, _ message: String) {
        self.origin = origin
        self.verdict = verdict
        self.reason = reason
        self.status = status
        self.message = message
    }

    private static func wayOut(_ origin: EgressOrigin) -> String {
        "whoever runs Forge can allow it with `FORGE_EGRESS_ALLOW=\(origin)` or `[network] allow = [\"\(origin)\"]` in config.toml"
    }

    package static func notAllowed(_ origin: EgressOrigin) -> EgressFailure {
        .init(origin, .refused, 403, "not an allowed server", "this step may not reach \(origin); \(wayOut(origin))")
    }

    package static func specialAddress(_ origin: EgressOrigin, _ address: IPAddress, _ use: String) -> EgressFailure {
        .init(
            origin, .refused, 403, "resolves to \(use) address",
            "\(origin) resolves to \(use) address, \(address); \(wayOut(origin))")
    }

    package static let noServer = EgressFailure(
        nil, .refused, 403, "not a plain host name or address",
        "the request's host is not a plain host name or address; write it as `name.example:443`")

    package static func badRequest(_ message: String, to origin: EgressOrigin? = nil) -> EgressFailure {
        .init(origin, .refused, 400, "malformed request", message)
    }

    package static func otherHost(_ origin: EgressOrigin) -> EgressFailure {
        .init(origin, .refused, 403, "Host header names another server", "the request's Host header is not that of \(origin)")
    }

    package static func onlyReading(_ origin: EgressOrigin, _ method: String) -> EgressFailure {
        .init(
            origin, .refused, 405, "writes to a registry",
            "a step may only read from \(origin): \(method) is not passed on, nor is a request with a body")
    }

    /// Nothing is asked of servers in this build.
    package static func offline(_ origin: EgressOrigin) -> EgressFailure {
        .init(origin, .refused, 403, "offline", "this build is offline: \(origin) is not asked")
    }

    package static func otherServerName(_ origin: EgressOrigin) -> EgressFailure {
        .init(origin, .refused, 403, "TLS names another server", "the TLS handshake does not name \(origin.host)")
    }

    package static func unresolvable(_ origin: EgressOrigin) -> EgressFailure {
        .init(origin, .failed, 502, "name not found", "the name of \(origin) was not found")
    }

    package static func unreachable(_ origin: EgressOrigin) -> EgressFailure {
        .init(origin, .failed, 502, "no connection", "no connection to \(origin) could be made")
    }

    package static func timedOut(_ origin: EgressOrigin) -> EgressFailure {
        .init(origin, .failed, 504, "timed out", "\(origin) did not answer in time")
    }

    package static func untrusted(_ origin: EgressOrigin) -> EgressFailure {
        .init(
            origin, .failed, 502, "certificate not trusted",
            "the TLS of \(origin) is not to be trusted: neither this system's authorities nor the operator's have signed its certificate for that name"
        )
    }

    package static func brokeOff(_ origin: EgressOrigin) -> EgressFailure {
        .init(origin, .failed, 502, "broke off its answer", "\(origin) broke off or answered no HTTP")
    }
}
