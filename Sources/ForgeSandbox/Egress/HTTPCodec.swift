internal import NIOCore
internal import NIOHTTP1

/// The handlers that make HTTP of a client's bytes, with their limits; kept so that a tunnel can take them away.
final class HTTPCodec {
    let encoder = HTTPResponseEncoder()
    /// Set once a tunnel took the encoder away; the decoder then goes as soon as its last bytes have somewhere to go.
    var isReplaced = false
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>

    init() {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 16 << 10
        limits.maxHeaderListSize = 32 << 10
        limits.maxHeaderFieldCount = 100
        decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits))
    }
}
