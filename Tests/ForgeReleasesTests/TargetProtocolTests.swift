import ForgeSystem
import ForgeTargetProtocol
import Foundation
import Testing

@Suite struct TargetProtocolTests {
    private static let artifact = ArtifactDescription(digest: "sha256:00", kind: "static", size: 12, files: 3)

    private static let hostMessages: [(HostMessage, String)] = [
        (.hello(HostHello(services: ["a.b"])), #"{"protocol":1,"services":["a.b"],"type":"hello"}"#),
        (
            .deploy(
                DeployRequest(release: "r", project: "p", environment: "preview", preview: 7, host: "p-pr-7.localhost", artifact: artifact)),
            #"{"artifact":{"digest":"sha256:00","files":3,"kind":"static","size":12},"environment":"preview","#
                + #""host":"p-pr-7.localhost","preview":7,"project":"p","release":"r","type":"deploy"}"#
        ),
        (
            .response(ServiceResponse(id: 1, outcome: .success(ServiceResult(path: "/a/b")))),
            #"{"id":1,"result":{"path":"/a/b"},"type":"response"}"#
        ),
        (
            .response(ServiceResponse(id: 2, outcome: .failure(ServiceFailure(code: "a.b", message: "no")))),
            #"{"error":{"code":"a.b","message":"no"},"id":2,"type":"response"}"#
        ),
    ]

    private static let targetMessages: [(TargetMessage, String)] = [
        (
            .hello(TargetHello(name: "t", version: "1", kinds: ["static"])),
            #"{"capabilities":["deploy"],"kinds":["static"],"name":"t","protocol":1,"type":"hello","version":"1"}"#
        ),
        (.progress("ü\n"), #"{"text":"ü\n","type":"progress"}"#),
        (
            .request(ServiceRequest(id: 1, call: .materialize(MaterializeArguments(artifact: "sha256:00")))),
            #"{"arguments":{"artifact":"sha256:00"},"id":1,"service":"artifact.materialize","type":"request"}"#
        ),
        (
            .request(ServiceRequest(id: 2, call: .publishRoute(RouteArguments(host: "h", artifact: "a", directory: "d", fallback: "f")))),
            #"{"arguments":{"artifact":"a","directory":"d","fallback":"f","host":"h"},"id":2,"service":"route.publish","type":"request"}"#
        ),
        (
            .request(ServiceRequest(id: 3, call: .withdrawRoute(WithdrawArguments(host: "h")))),
            #"{"arguments":{"host":"h"},"id":3,"service":"route.withdraw","type":"request"}"#
        ),
        (.request(ServiceRequest(id: 4, call: .other("x.y"))), #"{"arguments":{},"id":4,"service":"x.y","type":"request"}"#),
        (.released(url: nil), #"{"type":"released"}"#), (.released(url: "https://x/"), #"{"type":"released","url":"https://x/"}"#),
        (
            .failed(TargetFailure(code: "a.b", message: "no", hint: "yes")),
            #"{"code":"a.b","hint":"yes","message":"no","type":"failed"}"#
        ),
    ]

    @Test func messagesAreTheLinesOfTheManual() throws {
        for (message, line) in Self.hostMessages {
            #expect(String(decoding: try MessageLine.encode(message), as: UTF8.self) == line + "\n")
            #expect(try MessageLine.decode(HostMessage.self, from: Array(line.utf8)) == message)
        }
        for (message, line) in Self.targetMessages {
            #expect(String(decoding: try MessageLine.encode(message), as: UTF8.self) == line + "\n")
            #expect(try MessageLine.decode(TargetMessage.self, from: Array(line.utf8)) == message)
        }
    }

    @Test func linesAreCutWhereverTheBytesWereAndNeverOverTheLimit() throws {
        let bytes = Array("one\n\ntwo\nthree".utf8)
        for size in 1...bytes.count {
            var splitter = LineSplitter(limit: 5)
            var lines: [String] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                lines += try splitter.take(bytes[start..<min(start + size, bytes.count)]).map { String(decoding: $0, as: UTF8.self) }
            }
            #expect(lines == ["one", "two"])
            #expect(throws: ProtocolViolation("a line of more than 5 bytes")) { _ = try splitter.take(Array("x".utf8)) }
        }
    }

    @Test func aMessageOverTheLimitIsNotSent() {
        let text = String(repeating: "x", count: TargetProtocol.maximumLineLength)
        #expect(throws: ProtocolViolation.self) { try MessageLine.encode(TargetMessage.progress(text)) }
    }

    /// Asks for its files twice at once, then says what it got.
    private struct EchoTarget: DeployTarget {
        let hello = TargetHello(name: "echo", version: "1", kinds: ["static"])

        func deploy(_ request: DeployRequest, host: HostServices) async throws -> String? {
            guard request.project != "refused" else { throw TargetFailure(code: "echo.refused", message: "not this one", hint: "another") }
            async let first = host.materialize(request.artifact)
            async let second = host.materialize(request.artifact)
            let paths = try await [first, second].sorted()
            return "https://echo\(paths.joined())"
        }
    }

    /// Plays the host: sends `lines` and returns what the target wrote.
    private func converse(_ messages: [HostMessage]) async throws -> [TargetMessage] {
        let input: Descriptor
        var hostOutput: Descriptor?
        (input, hostOutput) = try Descriptor.pipe()
        let (hostInput, output) = try Descriptor.pipe()
        for message in messages { try hostOutput?.write(MessageLine.encode(message)) }
        async let served: Void = serve(EchoTarget(), input: input.raw, output: output.raw)
        var heard: [TargetMessage] = []
        var splitter = LineSplitter()
        while true {
            let chunk = try await BlockingPool.run {
                try [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                    count = try hostInput.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
            for line in try splitter.take(chunk) {
                let message: TargetMessage = try MessageLine.decode(from: line)
                heard.append(message)
                if case .request(let request) = message {
                    let result = ServiceResult(path: "/files-\(request.id)")
                    try hostOutput?.write(
                        MessageLine.encode(HostMessage.response(ServiceResponse(id: request.id, outcome: .success(result)))))
                }
            }
            if let last = heard.last, last.isLast { break }
        }
        withExtendedLifetime(output) {}
        // The end of its input lets the target return.
        hostOutput = nil
        await served
        withExtendedLifetime(input) {}
        return heard
    }

    private func deploy(_ project: String) -> HostMessage {
        .deploy(
            DeployRequest(
                release: "r", project: project, environment: "production", preview: nil, host: "h.localhost", artifact: Self.artifact))
    }

    @Test func aTargetInSwiftHoldsTheConversation() async throws {
        let heard = try await converse([.hello(HostHello(services: [])), deploy("my-site")])
        #expect(heard.first == .hello(EchoTarget().hello))
        #expect(heard.last == .released(url: "https://echo/files-1/files-2"))
        #expect(heard.count == 4)
    }

    @Test func itsFailureReachesTheHostInItsOwnWords() async throws {
        let heard = try await converse([.hello(HostHello(services: [])), deploy("refused")])
        #expect(heard.last == .failed(TargetFailure(code: "echo.refused", message: "not this one", hint: "another")))
    }

    @Test func anotherProtocolVersionIsRefusedByTheTargetToo() async throws {
        let heard = try await converse([.hello(HostHello(protocol: 2, services: []))])
        #expect(
            heard == [.failed(TargetFailure(code: "target.protocol", message: "the host sent protocol 2, this target speaks 1"))])
    }
}

extension TargetMessage {
    fileprivate var isLast: Bool {
        switch self {
        case .released, .failed: true
        default: false
        }
    }
}
