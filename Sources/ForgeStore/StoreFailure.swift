internal import GRDB
internal import ForgeModel
internal import ForgeSystem

/// Turns the failures of files and of SQLite into errors a person can act on.
enum StoreFailure {
    /// Runs `body`; what it was about is `subject` (a path).
    static func reported<Value>(_ subject: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw translated(error, subject) }
    }

    static func reported<Value>(_ subject: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value)
        async throws -> Value
    {
        do { return try await body() } catch { throw translated(error, subject) }
    }

    static func translated(_ error: any Error, _ subject: String) -> any Error {
        switch error {
        case let error as SystemError where error.isNoSpace: noSpace(subject, error)
        case let error as SystemError where error.isPermission:
            ForgeError(.store, "store.permission", "no permission in `\(subject)`", hint: "run as its owner", cause: error)
        case let error as SystemError: ForgeError(.store, "store.failed", "the store at `\(subject)` failed", cause: error)
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL: noSpace(subject, error)
        // Of a file that cannot grow SQLite sometimes only says that it failed.
        case let error as DatabaseError where error.resultCode == .SQLITE_IOERR && isFull(subject): noSpace(subject, error)
        case let error as DatabaseError:
            ForgeError(.store, "store.index-failed", "the index of the store at `\(subject)` failed", cause: error)
        default: error
        }
    }

    /// Whether not even a small file can be written beside the index. Blocks for a moment.
    private static func isFull(_ subject: String) -> Bool {
        let folder = Files.isDirectory(subject) ? subject : Files.parent(of: subject)
        let path = "\(folder)/probe.\(UInt64.random(in: .min ... .max))"
        defer { try? Files.removeTree(path) }
        do { try Files.replace(path, with: [UInt8](repeating: 1, count: 4096)) } catch let error as SystemError {
            return error.isNoSpace
        } catch {}
        return false
    }

    private static func noSpace(_ subject: String, _ cause: any Error) -> ForgeError {
        ForgeError(
            .store, "store.no-space", "no space is left in `\(subject)`",
            hint: "free some space, or move the store by setting `FORGE_HOME`", cause: cause)
    }

    static func missing(_ digest: Digest) -> ForgeError {
        ForgeError(
            .store, "store.missing-blob", "`\(digest)` is not in the store, or was damaged and removed",
            hint: "build again: what is missing is made anew")
    }
}
