/// One range of bytes of a request. Source: RFC 9110 section 14.1.2; several ranges may be answered with the whole.
enum ByteRange: Hashable {
    case whole
    case part(Range<Int>)
    case unsatisfiable

    init(_ header: String?, of size: Int) {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else {
            self = .whole
            return
        }
        let ends = header.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else {
            self = .whole
            return
        }
        switch (Int(ends[0]), Int(ends[1])) {
        case (let first?, let last?) where first <= last && first < size: self = .part(first..<min(last, size - 1) + 1)
        case (let first?, nil) where ends[1].isEmpty && first < size: self = .part(first..<size)
        case (nil, let count?) where ends[0].isEmpty && count > 0 && size > 0: self = .part(max(0, size - count)..<size)
        case (_?, _), (nil, _?): self = .unsatisfiable
        case (nil, nil): self = .whole
        }
    }
}
