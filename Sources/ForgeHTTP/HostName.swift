/// The host name of a request in the one form the route table uses.
package enum HostName {
    /// Lower case, without port and without the dot of a fully qualified name.
    /// - Returns: nil when `header` is not a host name with an optional port.
    package static func canonical(_ header: String) -> String? {
        var name = Substring(header)
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") {
            let port = name[name.index(after: colon)...]
            guard port.utf8.allSatisfy({ (48...57).contains($0) }), port.isEmpty || UInt16(port) != nil else { return nil }
            name = name[..<colon]
        }
        if name.hasSuffix(".") { name = name.dropLast() }
        guard !name.isEmpty, name.utf8.count <= 253 else { return nil }
        if name.hasPrefix("[") && name.hasSuffix("]") { return bracketed(name) }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy({ !$0.isEmpty && $0.count <= 63 && $0.allSatisfy(isLabelByte) }) else { return nil }
        return name.lowercased()
    }

    /// An IPv6 literal is well formed but never names a project.
    private static func bracketed(_ name: Substring) -> String? {
        let inner = name.dropFirst().dropLast()
        return inner.utf8.allSatisfy { isLabelByte($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") } ? name.lowercased() : nil
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
