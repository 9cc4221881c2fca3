/// Follows the frames of one direction of a WebSocket, so that a frame of the gateway's own can stand between two of them.
package struct WebSocketFrames {
    private enum Part {
        case opcode, length
        case extendedLength(left: Int, value: UInt64)
        /// Mask and payload.
        case rest(UInt64)
    }

    /// Going away (RFC 6455, 7.4.1).
    package static let goingAway: [UInt8] = [0x88, 0x02, 0x03, 0xE9]

    private var part = Part.opcode
    private var isMasked = false
    /// Whether a close frame went by: none may follow it.
    package private(set) var isClosing = false

    package init() {}

    package var isAtBoundary: Bool {
        if case .opcode = part { true } else { false }
    }

    /// Follows `bytes` to their end, or with `toBoundary` no further than to the end of the current frame. Returns how far it got.
    package mutating func follow(_ bytes: UnsafeRawBufferPointer, toBoundary: Bool = false) -> Int {
        var index = 0
        while index < bytes.count, !(toBoundary && isAtBoundary) {
            if case .rest(let left) = part {
                let count = min(left, UInt64(bytes.count - index))
                index += Int(count)
                enterRest(left - count)
            } else {
                step(bytes[index])
                index += 1
            }
        }
        return index
    }

    private mutating func step(_ byte: UInt8) {
        switch part {
        case .opcode:
            isClosing = isClosing || byte & 0x0F == 0x8
            part = .length
        case .length:
            isMasked = byte & 0x80 != 0
            switch byte & 0x7F {
            case 126: part = .extendedLength(left: 2, value: 0)
            case 127: part = .extendedLength(left: 8, value: 0)
            default: enterRest(UInt64(byte & 0x7F) + (isMasked ? 4 : 0))
            }
        case .extendedLength(let left, let value):
            let grown = (value << 8 | UInt64(byte)) & (UInt64.max >> 1)
            if left > 1 { part = .extendedLength(left: left - 1, value: grown) } else { enterRest(grown &+ (isMasked ? 4 : 0)) }
        case .rest: break
        }
    }

    private mutating func enterRest(_ left: UInt64) { part = left == 0 ? .opcode : .rest(left) }
}
