internal import Foundation
package import ForgeModel
internal import ForgeREAPI
internal import SwiftProtobuf

/// Writes an action as the Remote Execution API does, so that local and remote caches share keys.
package enum ActionCodec {
    /// The `Action` and `Command` messages in canonical form, and the digest of the former: the key of the action's result.
    /// Lists whose order means nothing are sorted by UTF-8 bytes; `Action.keyVersion` is the salt.
    package static func encode(_ action: Action) throws -> (action: [UInt8], command: [UInt8], digest: Digest) {
        let platform = Build_Bazel_Remote_Execution_V2_Platform.with {
            $0.properties = sorted(properties(of: action)).map { name, value in .with { ($0.name, $0.value) = (name, value) } }
        }
        let command = Build_Bazel_Remote_Execution_V2_Command.with {
            $0.arguments = action.command
            $0.environmentVariables = sorted(action.environment).map { name, value in .with { ($0.name, $0.value) = (name, value) } }
            $0.outputPaths = action.outputPaths.sorted().map(\.string)
            $0.workingDirectory = action.workingDirectory.string
            // Older servers look for the platform here, newer ones in the action; clients are asked to give both.
            $0.platform = platform
        }
        let commandBytes: [UInt8] = try command.serializedBytes()
        let message = Build_Bazel_Remote_Execution_V2_Action.with {
            $0.commandDigest = .init(Digest(of: commandBytes))
            $0.inputRootDigest = .init(action.inputRoot)
            $0.salt = Data("forge.\(Action.keyVersion)".utf8)
            $0.platform = platform
        }
        let actionBytes: [UInt8] = try message.serializedBytes()
        return (actionBytes, commandBytes, Digest(of: actionBytes))
    }

    /// The API has no words for what may be written and need not be.
    private static func properties(of action: Action) -> [String: String] {
        guard let amends = action.amends else { return action.platform }
        return action.platform.merging(["amends": amends.joined(separator: "\n")]) { $1 }
    }

    private static func sorted(_ values: [String: String]) -> [(String, String)] {
        values.sorted { $0.key.precedes($1.key) }.map { ($0.key, $0.value) }
    }
}
