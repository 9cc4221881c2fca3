internal import ForgeModel

/// What the process that fetches is asked, on its standard input, as one line of JSON.
struct FetchRequest: Sendable, Codable {
    /// Process id of the asker: the fetching process does not outlive it.
    let parent: Int32
    let location: RemoteLocation
    /// A full or abbreviated id, a branch, a tag or a whole ref name; nil is the default branch.
    let revision: String?
    /// The only place that is written to. The repository in its `repository` is added to, or made there.
    let folder: String
    let limits: FetchLimits
    /// Instead of a commit: objects of the LFS server that `location` is.
    var objects: [LFSObject]?
}

/// Bounds of one fetch.
package struct FetchLimits: Sendable, Hashable, Codable {
    /// Longest silence of the server, and longest wait for a connection.
    package var idleSeconds = 60
    package var totalSeconds = 3600
    package var maximumBytes: UInt64 = 8 << 30
    package var maximumObjects = 10_000_000

    package init() {}
}

/// What the fetching process says, one line of JSON each.
enum FetchReply: Sendable, Codable {
    case progress(FetchProgress)
    /// The server wants to know who asks; a `FetchAnswer` is waited for.
    case credentials(refused: Bool)
    case done(FetchedCommit)
    case stored(FetchedCommit.Transfer)
    case failed(FetchFailure)
}

/// The asker's answer, one line of JSON.
enum FetchAnswer: Sendable, Codable {
    case credentials(user: String, password: String)
    case none
}

/// How far the transfer is.
package struct FetchProgress: Sendable, Hashable, Codable {
    package let receivedObjects: Int
    package let totalObjects: Int
    package let receivedBytes: Int
}

/// What was fetched.
package struct FetchedCommit: Sendable, Hashable, Codable {
    /// Full id.
    package let commit: String
    /// What came over the network for it.
    package var received = Transfer()

    package struct Transfer: Sendable, Hashable, Codable {
        package var objects = 0
        package var bytes: UInt64 = 0
    }
}

/// A failure in the words of `ForgeError`.
struct FetchFailure: Error, Sendable, Codable {
    let code: String
    let message: String
    var hint: String?
    var cause: String?

    var error: ForgeError {
        ForgeError(code == "store.no-space" ? .store : .usage, code, message, hint: hint, cause: cause.map(Words.init))
    }

    private struct Words: Error, CustomStringConvertible {
        let description: String
    }
}
