/// The gateway's answers in the place of an app. `project` is what a person types after `--project`.
extension GatewayResponse {
    private static func logs(_ project: String) -> String { "Its last words: forge logs --project \(project)" }

    static func appBroke(_ project: String) -> GatewayResponse {
        page(502, "Bad gateway", "The app closed the connection before it answered.", hint: logs(project))
    }

    static func appSpokeNonsense(_ project: String) -> GatewayResponse {
        page(502, "Bad gateway", "What the app answered is not well-formed HTTP.", hint: logs(project))
    }

    static func appRefuses(_ project: String) -> GatewayResponse {
        page(
            503, "Service unavailable", "The app takes no connections at the moment.", hint: logs(project),
            headers: [("Retry-After", "5")])
    }

    static func appStarts(_ project: String) -> GatewayResponse {
        page(503, "Starting", "The app is still starting. Try again in a moment.", hint: logs(project), headers: [("Retry-After", "5")])
    }

    static func appIsDown(_ project: String, _ reason: String) -> GatewayResponse {
        page(
            503, "Service unavailable", "The app does not run: \(reason).",
            hint: "See why: forge logs --project \(project). Go back: forge rollback --project \(project)", headers: [("Retry-After", "30")]
        )
    }

    static func appTimeout(_ project: String) -> GatewayResponse {
        page(504, "Gateway timeout", "The app did not answer in time.", hint: logs(project))
    }

    static let releaseLeft = page(
        503, "Replaced", "This request took longer than the release it was for. Send it again.", headers: [("Retry-After", "1")])

    static let methodRefused = page(405, "Method not allowed", "This server answers neither CONNECT nor TRACE.")
}
