/// What a change of route was like for the requests that met it.
package struct SwapRecord: Hashable, Sendable, Codable {
    /// From the server's start to its first healthy answer; nil where nothing had to start.
    package var healthyMs: Int?
    /// The release that answered until then; nil for a first one.
    package var replaced: String?
    /// Requests that were under way on the old release at the moment of the change.
    package var crossed: Int
    /// Of these, the ones that did not end as they would have; nil until the old release is drained.
    package var failed: Int?
    /// From the change to the end of the last of them; nil until then.
    package var drainMs: Int?

    package init(healthyMs: Int?, replaced: String?, crossed: Int, failed: Int? = nil, drainMs: Int? = nil) {
        self.healthyMs = healthyMs
        self.replaced = replaced
        self.crossed = crossed
        self.failed = failed
        self.drainMs = drainMs
    }
}
