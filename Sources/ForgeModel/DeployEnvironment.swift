/// Where a release lives (seed §3): decides host name, variables and history.
package enum DeployEnvironment: String, Sendable, Codable, CaseIterable {
    case production, staging, preview
}
