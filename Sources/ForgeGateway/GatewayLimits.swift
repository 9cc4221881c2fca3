/// What one client, or one app, may ask of the gateway.
package struct GatewayLimits: Hashable, Sendable {
    /// Bytes of a request's head; more is answered 431.
    package var headerBytes = 32 << 10
    /// Header fields of a request; more is answered 431.
    package var headerFields = 100
    /// Bytes of a request's body that are read and thrown away; more is answered 413.
    package var bodyBytes = 1 << 20
    /// Bytes of a request's body that are passed on to an app; more is answered 413.
    package var uploadBytes = 100 << 20
    /// Open connections of all clients, and of one address; further ones are closed at once.
    package var connections = 16_384
    package var connectionsPerAddress = 4096

    /// How long a connection may stay silent between two requests.
    package var idleTimeout = Duration.seconds(60)
    /// From the first byte of a head to its end, and from the connection's start to its first.
    package var headTimeout = Duration.seconds(10)
    /// From the end of the head to the end of a body that is thrown away; between two pieces of one that is passed on.
    package var bodyTimeout = Duration.seconds(30)
    /// How long a client may take to accept a quarter of a megabyte of an answer.
    package var writeTimeout = Duration.seconds(60)
    /// How long a connection that is being closed may go on sending.
    package var lingerTimeout = Duration.seconds(2)

    /// Bytes and fields of the head of an app's answer; more is answered 502.
    package var answerHeaderBytes = 64 << 10
    package var answerHeaderFields = 200
    /// How long a request waits for an app that starts; then it is answered 503.
    package var startTimeout = Duration.seconds(30)
    /// From the end of a request to the end of the head of its answer; later ones are answered 504.
    package var answerTimeout = Duration.seconds(60)
    /// How long an answer, or a tunnel, may be silent.
    package var streamTimeout = Duration.seconds(300)

    package init() {}
}
