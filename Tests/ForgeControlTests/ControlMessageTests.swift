import ForgeControl
import ForgeModel
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Testing

@Suite struct ControlMessageTests {
    @Test func everyMessageSurvivesItsLine() throws {
        let failure = ControlFailure(code: "health.no-answer", message: "it\nsays \"no\"", hint: nil, lastLines: ["\u{1B}[31mred", ""])
        let status = AppStatus(release: "r1", host: "tides.localhost", state: .frozen, restarts: 2, memory: 1 << 40)
        let replies: [ControlReply] = [
            .progress("waiting"), .launched(kept: true), .healthy(milliseconds: 12), .done, .apps([status]), .failed(failure),
        ]
        for reply in replies {
            var lines = ControlLines()
            let line = try #require(try lines.take(ControlLine.encode(reply)).first)
            #expect(try ControlLine.decode(ControlReply.self, from: line) == reply)
        }
    }

    @Test func linesAreCutWhereverTheirBytesArrive() throws {
        var lines = ControlLines()
        #expect(try lines.take(Array("ab".utf8)) == [])
        #expect(try lines.take(Array("c\n\nd".utf8)) == [Array("abc".utf8), []])
        #expect(try lines.take(Array("\n".utf8)) == [Array("d".utf8)])
    }

    @Test func aLineThatDoesNotEndIsRefusedBeforeItIsHeld() {
        var lines = ControlLines()
        #expect(throws: ControlLines.TooLong.self) { try lines.take([UInt8](repeating: 65, count: ControlLine.limit + 1)) }
    }

    @Test func aGatewayThatDoesNotRunIsSaidWithTheCommandThatStartsIt() async throws {
        let folder = NSTemporaryDirectory() + "forge-control-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for path in ["\(folder)/none.sock", "\(folder)/dead.sock"] {
            if path.contains("dead") { _ = try LocalSocket.listen(path) }
            let error = await #expect(throws: ForgeError.self) { _ = try await ControlClient.connect(path) }
            #expect(error?.code == "gateway.not-running")
            #expect(error?.exitCode == 70)
            #expect(error?.hint == "start it: `forge gateway`")
        }
    }

    @Test func aSocketMayLieDeeperThanAnAddressIsLong() throws {
        let folder = NSTemporaryDirectory() + "forge-control-" + UUID().uuidString + "/" + String(repeating: "long/", count: 40)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let listener = try LocalSocket.listen(folder + "gateway.sock")
        let client = try LocalSocket.connect(folder + "gateway.sock")
        let server = try #require(try LocalSocket.accept(listener))
        try client.write(Array("hello".utf8))
        #expect(try LocalSocket.receive(server) == Array("hello".utf8))
        var status = stat()
        #expect(stat(folder + "gateway.sock", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }
}
