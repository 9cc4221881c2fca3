/// When a server that ends by itself is started again, and when no more.
struct CrashPolicy: Sendable {
    /// That many within `window` and the release has failed.
    static let limit = 3
    static let window = Duration.seconds(300)

    /// What a server did that is not started again.
    static let words = "crashed \(limit) times in \(window.components.seconds / 60) minutes"

    private var crashes: [ContinuousClock.Instant] = []

    enum Verdict: Hashable, Sendable {
        case restart(after: Duration)
        case giveUp
    }

    /// Notes a crash at `now`. The pause doubles with every crash that the window still holds.
    mutating func noteCrash(at now: ContinuousClock.Instant) -> Verdict {
        crashes.removeAll { now - $0 > Self.window }
        crashes.append(now)
        guard crashes.count < Self.limit else { return .giveUp }
        return .restart(after: .milliseconds(250) * (1 << crashes.count))
    }
}
