internal import CForgeSystem
internal import Glibc

/// The process's own output streams, unbuffered.
package enum StandardStreams {
    package static func writeError(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { forge_stderr_write($0.baseAddress, $0.count) }
    }

    /// - Throws: `SystemError` (`EPIPE` when the reader has gone).
    package static func writeOutput(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 {
                guard errno == EINTR else { throw SystemError.last("write", "standard output") }
                continue
            }
            rest = rest.dropFirst(count)
        }
    }

    package static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    package static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Columns of the terminal behind standard error; nil when there is none.
    package static var errorWidth: Int? { width(of: STDERR_FILENO) }
    /// The same for standard output.
    package static var outputWidth: Int? { width(of: STDOUT_FILENO) }

    private static func width(of stream: Int32) -> Int? {
        let width = forge_terminal_width(stream)
        return width > 0 ? Int(width) : nil
    }
}
