import Foundation

/// Where this test run's own build left its executables.
package enum BuildProducts {
    /// The folder that holds `forge`, `forge-sandbox` and the plugins beside the test bundle.
    package static let directory: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return (executable as NSString).deletingLastPathComponent
    }()

    /// The checkout, found from this file's own place in it.
    package static let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path(percentEncoded: false)

    package static func executable(_ name: String) -> String { "\(directory)/\(name)" }
}
