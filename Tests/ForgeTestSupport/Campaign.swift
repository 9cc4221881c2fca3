import Foundation

/// How much is tried: a little in the suite; all of it, many times, where `FORGE_CAMPAIGN` says so (10: the figures that are named as `campaign`).
package enum Campaign {
    package static let factor = environment["FORGE_CAMPAIGN"].flatMap(Int.init) ?? 1
    package static var isOn: Bool { factor > 1 }

    package static func rounds(_ suite: Int, campaign: Int) -> Int { isOn ? max(1, campaign * factor / 10) : suite }

    /// Of this run; `FORGE_SEED` repeats another's.
    package static let seed = environment["FORGE_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...999_999_999)

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }
}
