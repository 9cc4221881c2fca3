internal import CLibgit2

/// The library's global state: started once, blind to the configuration of this machine and its users, so that a
/// repository reads the same for everybody. That a repository must belong to whoever reads it stays as libgit2 has it.
enum Libgit2 {
    private static let started: Void = {
        git_libgit2_init()
        for level in [GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL] {
            _ = forge_git_set_search_path(Int32(level.rawValue), "")
        }
        _ = forge_git_set_owner_validation(1)
    }()

    static func start() { started }

    /// Turns libgit2's negative results into throws.
    @discardableResult
    static func check(_ result: Int32) throws(GitFailure) -> Int32 {
        guard result < 0 else { return result }
        let last = git_error_last()?.pointee
        throw GitFailure(
            code: git_error_code(rawValue: result), category: last.map { git_error_t(UInt32(bitPattern: $0.klass)) } ?? GIT_ERROR_NONE,
            message: last?.message.map { String(cString: $0) } ?? "error \(result)")
    }
}

/// A failed call of libgit2.
struct GitFailure: Error, CustomStringConvertible {
    let code: git_error_code
    /// Which part of the library failed.
    var category = GIT_ERROR_NONE
    let message: String

    var isNotFound: Bool { code == GIT_ENOTFOUND }
    var description: String { message }
}
