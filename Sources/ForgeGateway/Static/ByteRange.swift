/// What a `Range` header asks of a file of known size. One range is honoured; several, other units and nonsense are ignored
/// (RFC 9110, 14.2 lets a server do so).
enum ByteRange: Hashable {
    case whole
    case part(Range<Int64>)
    /// Answered 416.
    case unsatisfiable

    init(_ header: String?, size: Int64) {
        self = .whole
        guard let header, header.lowercased().hasPrefix("bytes=") else { return }
        let specification = header.dropFirst("bytes=".count)
        let parts = specification.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } && $0.utf8.count <= 18 }) else { return }
        switch (Int64(parts[0]), Int64(parts[1])) {
        case (nil, nil): return
        case (nil, let suffix?):
            self = suffix == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - suffix)..<size)
        case (let first?, nil): self = first < size ? .part(first..<size) : .unsatisfiable
        case (let first?, let last?):
            guard first <= last else { return }
            self = first < size ? .part(first..<min(size, last + 1)) : .unsatisfiable
        }
    }
}
