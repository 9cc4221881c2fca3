/// What one client may ask of the gateway.
package struct GatewayLimits: Hashable, Sendable {
    /// Bytes of all names and values of a request's head; more is answered 431.
    package var headerBytes = 32 << 10
    /// Header fields of a request; more is answered 431.
    package var headerFields = 100
    /// Bytes of a request's body that are read and thrown away; more is answered 413.
    package var bodyBytes = 1 << 20
    /// From the connection's start, or the end of an answer, to the end of the next request's head.
    package var idleTimeout = Duration.seconds(60)
    /// From the end of the head to the end of the body.
    package var bodyTimeout = Duration.seconds(30)
    /// How long a client may take to accept a quarter of a megabyte of an answer.
    package var writeTimeout = Duration.seconds(60)
    /// How long a connection that is being closed may go on sending.
    package var lingerTimeout = Duration.seconds(2)

    package init() {}
}
