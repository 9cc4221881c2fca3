internal import ForgeStore
internal import NIOPosix

/// What every connection of a gateway shares.
struct GatewayServices: Sendable {
    let watch: RouteWatch
    let responder: StaticResponder
    let pool: NIOThreadPool
    let limits: GatewayLimits
    let upstreams: Upstreams
    let traffic: ReleaseTraffic
    let connections: UpstreamPools
    let log: @Sendable (AccessRecord) -> Void
}
