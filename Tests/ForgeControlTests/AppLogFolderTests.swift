import ForgeControl
import ForgeSystem
import Foundation
import Testing

@Suite struct AppLogFolderTests {
    private func withFolder(_ body: (AppLogFolder, _ path: String) throws -> Void) throws {
        let folder = try TemporaryDirectory(in: NSTemporaryDirectory() + "forge-log-tests", prefix: "logs")
        defer { try? folder.remove() }
        try body(AppLogFolder(folder.path), folder.path)
    }

    private func write(_ texts: String..., to path: String) throws {
        let writer = try AppLogWriter(path: path)
        for text in texts { writer.remark(text) }
    }

    @Test func aReleaseThatTookOverAServerHasTheLogOfThatServer() throws {
        try withFolder { logs, path in
            try write("started", to: logs.log(of: "r1"))
            try logs.take("r3", over: "r1")
            try logs.take("r5", over: "r3")
            #expect(logs.log(of: "r3") == logs.log(of: "r1"))
            #expect(logs.log(of: "r5") == "\(path)/r1.log")
            var reader = AppLogReader(path: logs.log(of: "r5"), last: 10)
            #expect(try reader.take().map { String(decoding: $0.bytes, as: UTF8.self) } == ["started"])
            #expect(logs.log(of: "r2") == "\(path)/r2.log")
        }
    }

    @Test func oldLogsGoButNotThoseThatAYoungerReleaseTookOver() throws {
        try withFolder { logs, path in
            for release in ["r1", "r2", "r3"] { try write("x", to: logs.log(of: release)) }
            try logs.take("r4", over: "r1")
            try logs.prune(newestFirst: ["r4", "r3", "r2", "r1"], keeping: 2)
            #expect(try Files.list(path).sorted() == ["r1.log", "r3.log", "r4.log"])
            try logs.prune(newestFirst: ["r5", "r4", "r3", "r2", "r1"], keeping: 1)
            #expect(try Files.list(path).sorted() == [])
        }
    }
}
