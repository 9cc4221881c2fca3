/// The field names a gateway has to know; all others it passes on.
package enum FieldName: UInt8 {
    case other
    case host, contentLength, transferEncoding, connection, upgrade, expect, contentType, keepAlive
    /// Meant for the next hop only.
    case hopByHop
    /// Said by the gateway alone: a client that could say it could lie.
    case reserved
    case ifNoneMatch, ifRange, range

    package init(_ name: UnsafeRawBufferPointer) {
        self = .other
        switch name.count {
        case 2: if Self.equal(name, "te") { self = .hopByHop }
        case 4: if Self.equal(name, "host") { self = .host }
        case 5:
            // Read by CGI-like servers as the environment variable HTTP_PROXY.
            if Self.equal(name, "proxy") { self = .reserved } else if Self.equal(name, "range") { self = .range }
        case 6: if Self.equal(name, "expect") { self = .expect }
        case 7: if Self.equal(name, "upgrade") { self = .upgrade } else if Self.equal(name, "trailer") { self = .hopByHop }
        case 8: if Self.equal(name, "if-range") { self = .ifRange }
        case 9: if Self.equal(name, "forwarded") || Self.equal(name, "x-real-ip") { self = .reserved }
        case 10:
            if Self.equal(name, "connection") { self = .connection } else if Self.equal(name, "keep-alive") { self = .keepAlive }
        case 12: if Self.equal(name, "content-type") { self = .contentType }
        case 13: if Self.equal(name, "if-none-match") { self = .ifNoneMatch }
        case 14:
            if Self.equal(name, "content-length") { self = .contentLength } else if Self.equal(name, "http2-settings") { self = .hopByHop }
        case 16: if Self.equal(name, "proxy-connection") { self = .hopByHop }
        case 17: if Self.equal(name, "transfer-encoding") { self = .transferEncoding }
        case 19: if Self.equal(name, "proxy-authorization") { self = .hopByHop }
        default: break
        }
        guard self == .other else { return }
        if name.count > 12 && Self.equal(UnsafeRawBufferPointer(rebasing: name[..<12]), "x-forwarded-") { self = .reserved }
        // Servers that make variables of names read `_` and `-` alike: `X_Forwarded_For`, `Content_Length`.
        if name.contains(UInt8(ascii: "_")) { self = .reserved }
    }

    /// Whether `name`, of token bytes, is `lowercase` in any case.
    package static func equal(_ name: UnsafeRawBufferPointer, _ lowercase: StaticString) -> Bool {
        guard name.count == lowercase.utf8CodeUnitCount else { return false }
        for index in 0..<name.count where name[index] | 0x20 != lowercase.utf8Start[index] { return false }
        return true
    }

    /// RFC 9110, 5.6.2.
    package static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 97...122, 65...90, 48...57, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"): true
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"): true
        default: false
        }
    }

    /// A byte of a field's value: no control characters but the tabulator.
    package static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }
}
