/// One answered request, for the access log.
package struct AccessRecord: Hashable, Sendable {
    /// As sent; empty when there was none.
    package let host: String
    package let method: String
    package let target: String
    package let status: Int
    /// Bytes of the body that were sent.
    package let bytes: Int64
    package let durationMs: Int
    /// The release that answered; nil when the gateway did itself.
    package let release: String?

    /// One line without its line feed: `my-site.localhost GET /docs/ 200 1432 2ms 01jd…`. What a client wrote cannot break it.
    package var line: String {
        "\(Self.plain(host)) \(Self.plain(method)) \(Self.plain(target)) \(status) \(bytes) \(durationMs)ms \(release ?? "-")"
    }

    private static func plain(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(512).map { scalar in
            scalar.value <= 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.properties.generalCategory == .format
                ? "\u{FFFD}" : String(scalar)
        }
        return shown.isEmpty ? "-" : shown.joined()
    }
}
