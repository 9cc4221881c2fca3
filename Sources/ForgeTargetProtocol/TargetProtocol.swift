/// The numbers both sides of the deploy-target protocol hold to.
///
/// One JSON object per line, UTF-8, ended by a line feed. The host writes to the target's standard input and reads its
/// standard output; standard error is prose for people. Unknown keys are ignored, an unknown `type` is an error.
public enum TargetProtocol {
    /// The version spoken here. A change that an older peer would misread raises it.
    public static let version = 1
    /// Longest line in bytes, without its line feed; the reader refuses a longer one before holding it.
    public static let maximumLineLength = 1 << 20
}

/// Text that is not a message of the protocol.
public struct ProtocolViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong: lower case, no full stop.
    public let description: String

    /// `description` completes the sentence "the peer sent …".
    public init(_ description: String) { self.description = description }
}
