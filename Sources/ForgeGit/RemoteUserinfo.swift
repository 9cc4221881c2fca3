internal import ForgeModel

/// Text that never shows itself: not in logs, errors, records or a debugger's dump.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What a URL carries before its host.
package struct RemoteUserinfo: Hashable, Sendable {
    package let user: String?
    package let password: Secret?

    /// Takes the secret part out of what a person typed, whether or not the rest is a URL at all: everything before the host
    /// for http and https, the password for other schemes.
    package static func split(_ text: String) -> (location: String, userinfo: RemoteUserinfo?) {
        guard let mark = text.firstRange(of: "://") else { return (text, nil) }
        let end = text[mark.upperBound...].firstIndex { "/?#".contains($0) } ?? text.endIndex
        guard let at = text[mark.upperBound..<end].lastIndex(of: "@") else { return (text, nil) }
        let whole = text[mark.upperBound..<at]
        let colon = whole.firstIndex(of: ":")
        let user = whole[..<(colon ?? whole.endIndex)]
        let password = colon.map { Secret(PercentEncoding.decoded(whole[whole.index(after: $0)...]) ?? "") }
        let scheme = text[..<mark.lowerBound].lowercased()
        let isHTTP = scheme == "http" || scheme == "https"
        let kept = isHTTP ? "" : user + "@"
        let location = text[..<mark.upperBound] + kept + text[text.index(after: at)...]
        return (String(location), RemoteUserinfo(user: user.isEmpty ? nil : PercentEncoding.decoded(user), password: password))
    }
}
