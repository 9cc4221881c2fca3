internal import Glibc

/// What the kernel lets this process use.
package enum ResourceLimits {
    /// Raises the number of files it may have open to what it may raise it to; for servers, whose soft limit is often 1,024.
    package static func raiseOpenFiles() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }
}
