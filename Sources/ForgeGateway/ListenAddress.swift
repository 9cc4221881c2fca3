internal import ForgeModel

/// Where a gateway listens: an address and a port, 0 for any free one.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package static let standard = ListenAddress(host: "127.0.0.1", port: 8080)

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Takes `127.0.0.1:8080`, `[::1]:8080`, `:8080` or `8080`; without an address it is 127.0.0.1.
    /// - Throws: `ForgeError` `usage.invalid-address`
    package init(parsing text: String) throws {
        let colon = text.lastIndex(of: ":")
        let portText = colon.map { text[text.index(after: $0)...] } ?? text[...]
        var host = colon.map { String(text[..<$0]) } ?? ""
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            host = " "
        }
        guard let port = UInt16(portText), !host.contains(" ") else {
            throw ForgeError(
                .usage, "usage.invalid-address", "`\(text)` is not an address to listen on: expected `ADDRESS:PORT`",
                hint: "for example `--listen 127.0.0.1:8080`")
        }
        self.init(host: host.isEmpty ? Self.standard.host : host, port: Int(port))
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
