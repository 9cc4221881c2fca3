internal import ForgeSystem

/// One line of the log of a running server.
///
/// In the file it is `<milliseconds since 1970> <kind> <bytes>` and a line feed. The bytes are as the server wrote them: escape
/// them before they reach a terminal.
package struct AppLogRecord: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        /// A line of the server's.
        case output = 0x6F
        /// The beginning of a line of the server's that was too long.
        case cut = 0x63
        /// What the gateway has to say about it: `started`, `exited with 1, starting again in 2 s`.
        case remark = 0x72
        /// How many lines came too fast to be kept.
        case dropped = 0x64
    }

    /// Milliseconds since 1970.
    package let time: Int64
    package let kind: Kind
    /// Without the line's end.
    package let bytes: [UInt8]

    package init(time: Int64, kind: Kind, bytes: [UInt8]) {
        self.time = time
        self.kind = kind
        self.bytes = bytes
    }

    /// The record in a line of the file; nil for what a death in the middle of a line left of one.
    init?(line: some Collection<UInt8>) {
        let digits = line.prefix { (48...57).contains($0) }
        let rest = line.dropFirst(digits.count)
        guard digits.count <= 18, let time = Int64(String(decoding: digits, as: UTF8.self)), rest.first == Self.space,
            let kind = rest.dropFirst().first.flatMap(Kind.init(rawValue:)), rest.dropFirst(2).first == Self.space
        else { return nil }
        self.init(time: time, kind: kind, bytes: Array(rest.dropFirst(3)))
    }

    /// The line of the file, with its end.
    static func append(time: Int64, kind: Kind, _ bytes: some Collection<UInt8>, to line: inout [UInt8]) {
        line.append(contentsOf: String(time).utf8)
        line += [space, kind.rawValue, space]
        line.append(contentsOf: bytes)
        line.append(lineFeed)
    }

    static let space = UInt8(ascii: " ")
    static let lineFeed = UInt8(ascii: "\n")
}

/// How much of what a server writes is kept.
package struct AppLogLimits: Hashable, Sendable {
    /// Of a longer line the beginning is kept.
    package var lineBytes = 64 << 10
    /// Size of the file after which a new one is begun; one older one is kept.
    package var fileBytes = 8 << 20
    /// What comes faster is counted, not kept.
    package var linesPerSecond = 10_000
    package var bytesPerSecond = 8 << 20
    /// Lines that `AppLogWriter.lastLines` can give back.
    package var tailLines = 100

    package init() {}
}

/// The log files of this machine's running servers, one and an older one a release. Calls block.
package struct AppLogFolder: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// The file with the log of `release`: that of the release whose server it took over, where it did.
    package func log(of release: String) -> String {
        let own = own(release)
        guard let real = (try? Files.resolved(own)) ?? nil, let name = real.split(separator: "/").last else { return own }
        return "\(path)/\(name)"
    }

    private func own(_ release: String) -> String { "\(path)/\(release).log" }

    /// The server of `older` goes on as that of `release`, and so does its log.
    package func take(_ release: String, over older: String) throws {
        let target = log(of: older).split(separator: "/").last.map(String.init) ?? ""
        try Files.removeTree(own(release))
        try Files.symlink(target, at: own(release))
    }

    /// Removes the logs of a project's releases but those of the first `count`, and those that they took over.
    package func prune(newestFirst releases: [String], keeping count: Int = 20) throws {
        let kept = Set(releases.prefix(count).map(log))
        for release in releases.dropFirst(count) {
            let file = log(of: release)
            if file != own(release) { try Files.removeTree(own(release)) }
            guard !kept.contains(file) else { continue }
            for name in [file, AppLogFile.older(file)] { try Files.removeTree(name) }
        }
    }
}
