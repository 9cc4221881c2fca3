internal import Glibc

/// A failed system call: which, on what, why.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    package let call: String
    package let subject: String
    package let errno: Int32

    package init(_ call: String, _ subject: String, errno: Int32) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    /// The calling thread's `errno`, right after a failed call.
    package static func last(_ call: String, _ subject: String) -> SystemError {
        SystemError(call, subject, errno: Glibc.errno)
    }

    package var isNotFound: Bool { errno == ENOENT || errno == ENOTDIR }
    package var isNoSpace: Bool { errno == ENOSPC || errno == EDQUOT }
    package var isPermission: Bool { errno == EACCES || errno == EPERM }
    package var reason: String { String(cString: strerror(errno)) }
    package var description: String { "\(subject): \(reason) (\(call))" }
}

/// Turns the shims' `-errno` convention into throws.
@discardableResult
func checked(_ result: Int32, _ call: String, _ subject: String) throws(SystemError) -> Int32 {
    guard result >= 0 else { throw SystemError(call, subject, errno: -result) }
    return result
}
