internal import Glibc

/// Text out of a stranger's bytes: UTF-8 with or without a byte order mark, UTF-16 of either order.
package enum SourceText {
    /// Never fails: what is not text of these encodings comes out with replacement characters.
    package static func decode(_ bytes: [UInt8]) -> String {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return String(decoding: bytes.dropFirst(3), as: UTF8.self) }
        if bytes.starts(with: [0xFF, 0xFE]) { return utf16(bytes.dropFirst(2), bigEndian: false) }
        if bytes.starts(with: [0xFE, 0xFF]) { return utf16(bytes.dropFirst(2), bigEndian: true) }
        if bytes.count >= 4, bytes.count % 2 == 0 {
            if bytes[0] != 0, bytes[1] == 0, bytes[2] != 0, bytes[3] == 0 { return utf16(bytes[...], bigEndian: false) }
            if bytes[0] == 0, bytes[1] != 0, bytes[2] == 0, bytes[3] != 0 { return utf16(bytes[...], bigEndian: true) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The lines without their ends; `\n`, `\r\n` and `\r` all end one.
    package static func lines(_ text: String) -> [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            if scalar == "\n" && previous == "\r" {
                // The line ended with the carriage return.
            } else if scalar == "\n" || scalar == "\r" {
                lines.append(String(line))
                line = String.UnicodeScalarView()
            } else {
                line.append(scalar)
            }
            previous = scalar
        }
        if !line.isEmpty { lines.append(String(line)) }
        return lines
    }

    /// The line of the first conflict that git marked and nobody settled.
    static func conflict(in bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { all in
            guard let begin = marker(UInt8(ascii: "<"), in: all, from: 0), marker(UInt8(ascii: ">"), in: all, from: begin) != nil else {
                return nil
            }
            return all[..<begin].count { $0 == UInt8(ascii: "\n") } + 1
        }
    }

    /// Where a line begins with seven of a sign and a space.
    private static func marker(_ sign: UInt8, in all: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = all.baseAddress else { return nil }
        var place = start
        while place + 8 <= all.count, let found = memchr(base + place, Int32(sign), all.count - place) {
            let index = UnsafeRawPointer(found) - base
            var end = index
            while end < all.count, all[end] == sign { end += 1 }
            let isLine = index == 0 || all[index - 1] == UInt8(ascii: "\n")
            if isLine, end - index == 7, end < all.count, all[end] == UInt8(ascii: " ") { return index }
            place = end
        }
        return nil
    }

    private static func utf16(_ bytes: ArraySlice<UInt8>, bigEndian: Bool) -> String {
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        var index = bytes.startIndex
        while index + 1 < bytes.endIndex {
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            units.append(bigEndian ? first << 8 | second : second << 8 | first)
            index += 2
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// Words of a shell line as a person sees them: `cross-env A=b vite build` has `vite`.
    package static func words(of line: String) -> [String] {
        line.split { $0.isWhitespace || "&|;()\"'".contains($0) }.map(String.init)
    }
}
