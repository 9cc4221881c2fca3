/// Which sockets a step may make: local ones, TCP and UDP, and the one netlink family by which interfaces are listed (the namespace
/// holds only loopback). Not raw or packet sockets, vsock, and the many families and protocols that few programs know and few people
/// have looked at.
enum SocketRules {
    static let all: [RuntimeSpecification.Seccomp.Rule] =
        [rule("socket", [equal(0, Family.local)]), rule("socketpair", [equal(0, Family.local)])]
        + [Family.internet, Family.internet6].flatMap { family in
            [Kind.stream, Kind.datagram].flatMap { kind in
                protocols.map { rule("socket", [equal(0, family), ofKind(kind), equal(2, $0)]) }
            }
        } + [rule("socket", [equal(0, Family.netlink), equal(2, 0)])]

    private enum Family {
        static let local: UInt64 = 1, internet: UInt64 = 2, internet6: UInt64 = 10, netlink: UInt64 = 16
    }
    private enum Kind {
        static let stream: UInt64 = 1, datagram: UInt64 = 2
    }
    /// The kind's own, TCP, UDP.
    private static let protocols: [UInt64] = [0, 6, 17]

    /// Without the flags (SOCK_CLOEXEC, SOCK_NONBLOCK) that share the argument.
    private static func ofKind(_ kind: UInt64) -> RuntimeSpecification.Seccomp.Argument {
        .init(index: 1, value: 0xF, valueTwo: kind, op: "SCMP_CMP_MASKED_EQ")
    }

    private static func equal(_ index: Int, _ value: UInt64) -> RuntimeSpecification.Seccomp.Argument {
        SeccompProfile.equal(index, value)
    }

    private static func rule(_ call: String, _ args: [RuntimeSpecification.Seccomp.Argument]) -> RuntimeSpecification.Seccomp.Rule {
        .init(names: [call], action: "SCMP_ACT_ALLOW", errnoRet: nil, args: args)
    }
}
