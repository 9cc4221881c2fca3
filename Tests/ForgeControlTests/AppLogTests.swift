import ForgeControl
import ForgeTestSupport
import Foundation
import Synchronization
import Testing

@Suite struct AppLogTests {
    @Test func linesAreKeptAsWrittenWhereverTheirBytesArrive() throws {
        let log = try Log()
        let writer = try log.writer()
        for piece in ["one\ntw", "o\n\n", "\u{1B}[31mred\u{0}\r\nla"] { writer.write(piece) }
        #expect(try log.lines() == ["1000 o one", "1000 o two", "1000 o ", "1000 o \u{1B}[31mred\u{0}\r"])
        #expect(writer.lastLines(2) == ["\u{1B}[31mred\u{0}\r", "la"])
        #expect(writer.lastLines(0) == [])
    }

    @Test func aRemarkStandsBehindWhatTheServerHadWritten() throws {
        let log = try Log()
        let writer = try log.writer()
        writer.remark("started")
        writer.write("no end")
        log.time.withLock { $0 = 2000 }
        writer.remark("exited with 1,\nstarting again in 2 s")
        #expect(try log.lines() == ["1000 r started", "2000 o no end", "2000 r exited with 1, starting again in 2 s"])
        #expect(writer.lastLines(5) == ["no end"])
    }

    @Test func theLastLineIsKeptWhenTheWriterGoes() throws {
        let log = try Log()
        do { try log.writer().write("no end") }
        #expect(try log.lines() == ["1000 o no end"])
    }

    @Test func theBeginningOfALongLineIsKept() throws {
        var limits = AppLogLimits()
        limits.lineBytes = 4
        let log = try Log()
        let writer = try log.writer(limits)
        for piece in ["abcd", "ef", "gh\nabcd\n"] { writer.write(piece) }
        #expect(try log.lines() == ["1000 c abcd", "1000 o abcd"])
    }

    @Test func whatComesTooFastIsCountedAndTheLastLinesAreKnownAllTheSame() throws {
        var limits = AppLogLimits()
        limits.linesPerSecond = 2
        let log = try Log()
        let writer = try log.writer(limits)
        writer.write("1\n2\n3\n4\n5\n")
        #expect(writer.lastLines(2) == ["4", "5"])
        log.time.withLock { $0 = 2000 }
        writer.write("6\n7\n8\n")
        writer.remark("exited with 1")
        #expect(
            try log.lines() == [
                "1000 o 1", "1000 o 2", "2000 d 3 lines dropped", "2000 o 6", "2000 o 7", "2000 d 1 line dropped", "2000 r exited with 1",
            ])
    }

    @Test func twoFilesOfBoundedSizeAreAllThatIsKept() throws {
        var limits = AppLogLimits()
        limits.fileBytes = 1000
        let log = try Log()
        let writer = try log.writer(limits)
        for number in 0..<500 { writer.write("line \(number)\n") }
        let sizes = try [log.path, log.path + ".1"].map { try Data(contentsOf: URL(filePath: $0)).count }
        #expect(sizes.allSatisfy { $0 <= 1000 })
        var reader = AppLogReader(path: log.path, last: 70)
        #expect(try reader.take().map { String(decoding: $0.bytes, as: UTF8.self) } == (430..<500).map { "line \($0)" })
        #expect(try FileManager.default.contentsOfDirectory(atPath: log.folder).sorted() == ["r.log", "r.log.1"])
    }

    @Test func aLineThatADeathTornIsNeitherLostNorMixedWithTheNext() throws {
        let log = try Log()
        try Data("1000 o whole\n1000 o to".utf8).write(to: URL(filePath: log.path))
        var reader = AppLogReader(path: log.path, last: 10)
        #expect(try reader.take().map(\.text) == ["whole"])
        let writer = try log.writer()
        writer.write("next\n")
        #expect(try log.lines() == ["1000 o whole", "1000 o to", "1000 o next"])
        #expect(try reader.take().map(\.text) == ["to", "next"])
        try Data("100\n\n1000 x odd\n1000 o good\n".utf8).write(to: URL(filePath: log.path))
        var second = AppLogReader(path: log.path, last: 10)
        #expect(try second.take().map(\.text) == ["good"])
    }

    @Test func aReaderFollowsIntoTheNextFilesAndMissesNothing() throws {
        var limits = AppLogLimits()
        limits.fileBytes = 300
        let log = try Log()
        var reader = AppLogReader(path: log.path, last: 1)
        #expect(try reader.take() == [])
        let writer = try log.writer(limits)
        var seen: [String] = []
        for number in 0..<100 {
            writer.write("line \(number)\n")
            if number % 7 == 0 { seen += try reader.take().map(\.text) }
        }
        seen += try reader.take().map(\.text)
        #expect(seen == (0..<100).map { "line \($0)" })
    }

    @Test func aReaderThatLooksTooRarelyGoesOnWithWhatIsLeft() throws {
        var limits = AppLogLimits()
        limits.fileBytes = 300
        let log = try Log()
        let writer = try log.writer(limits)
        writer.write("first\n")
        var reader = AppLogReader(path: log.path, last: 1)
        #expect(try reader.take().map(\.text) == ["first"])
        for number in 0..<100 { writer.write("line \(number)\n") }
        let seen = try reader.take().map(\.text)
        #expect(seen.suffix(20) == (80..<100).map { "line \($0)" })
    }

    @Test func theLogsOfTheNewestReleasesStay() throws {
        let log = try Log()
        let folder = AppLogFolder(log.folder)
        for release in ["a", "b", "c", "other"] { try Data().write(to: URL(filePath: folder.log(of: release))) }
        try Data().write(to: URL(filePath: folder.log(of: "a") + ".1"))
        try folder.prune(newestFirst: ["c", "b", "a"], keeping: 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: log.folder).sorted() == ["b.log", "c.log", "other.log"])
    }

    private final class Log: Sendable {
        let folder = NSTemporaryDirectory() + "forge-log-" + UUID().uuidString
        let time = Mutex<Int64>(1000)
        var path: String { folder + "/r.log" }

        init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func writer(_ limits: AppLogLimits = .init()) throws -> AppLogWriter {
            try AppLogWriter(path: path, limits: limits) { self.time.withLock { $0 } }
        }

        func lines() throws -> [String] {
            let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
            #expect(text.utf8.last == UInt8(ascii: "\n"))
            return text.unicodeScalars.split(separator: "\n").map { String($0) }
        }
    }
}

extension AppLogWriter {
    fileprivate func write(_ text: String) { Array(text.utf8).withUnsafeBytes { write($0) } }
}

extension AppLogRecord {
    fileprivate var text: String { String(decoding: bytes, as: UTF8.self) }
}
