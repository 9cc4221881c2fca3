internal import NIOCore
internal import NIOHTTP1

/// The handlers that make HTTP of a client's bytes, with their limits; kept so that a tunnel can take them away.
final class HTTPCodec {
    let encoder = HTTPResponseEncoder()
    /// Set once a tunnel took the encoder away; the decoder then goes as soon as its last bytes have somewhere to go.
    var isReplaced = false
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>

    /// The generic types of a connection, made once before event loops make them side by side: Swift's runtime can read a type that another
    /// thread is the first to make before it is whole, and crash (swiftlang/swift#37656 and #61276 mended other ways to it).
    private static let types: [Any.Type] = {
        [type(of: HTTPCodec().decoder), type(of: ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))]
    }()

    /// To be called before the first connection is accepted.
    static func prepare() { _ = types }

    init() {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 16 << 10
        limits.maxHeaderListSize = 32 << 10
        limits.maxHeaderFieldCount = 100
        decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits))
    }
}
