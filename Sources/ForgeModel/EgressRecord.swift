/// What a step had to do with one server, summed over its connections. Belongs to the build record, never to an artifact.
package struct EgressRecord: Hashable, Sendable, Codable {
    package enum Verdict: String, Sendable, Codable {
        /// Connected and passed on.
        case allowed
        /// Against the policy; nothing was sent.
        case refused
        /// Allowed, but the server could not be had or broke off.
        case failed
    }

    /// nil when the request named no server that could be understood, and for the records that sum up what
    /// `mostRecords` left over.
    package let origin: EgressOrigin?
    package let verdict: Verdict
    /// Why, unless allowed; from a fixed set of phrases.
    package let reason: String?
    package let connections: Int
    /// To the server, TLS and HTTP headers included.
    package let bytesSent: Int64
    package let bytesReceived: Int64

    package init(
        origin: EgressOrigin?, verdict: Verdict, reason: String? = nil, connections: Int, bytesSent: Int64 = 0, bytesReceived: Int64 = 0
    ) {
        self.origin = origin
        self.verdict = verdict
        self.reason = reason
        self.connections = connections
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
    }

    /// Whether an entry of the operator's would have let it through.
    package var couldBeAllowed: Bool {
        verdict == .refused && origin != nil && (reason == "not an allowed server" || reason?.hasPrefix("resolves to ") == true)
    }

    /// A step that tries every host there is does not make the record grow without end.
    package static let mostRecords = 200
    /// The reason of a record that sums up the rest.
    package static let summedUp = "further servers"
}

extension EgressRecord: Comparable {
    /// By server, verdict and reason: the order they are recorded in. Those without a server come last.
    package static func < (left: EgressRecord, right: EgressRecord) -> Bool {
        switch (left.origin, right.origin) {
        case (let one?, let other?) where one != other: one < other
        case (_?, nil): true
        case (nil, _?): false
        default: (left.verdict.rawValue, left.reason ?? "") < (right.verdict.rawValue, right.reason ?? "")
        }
    }
}
