/// The system calls a step may make; all others fail with EPERM.
///
/// An allow-list: what a kernel adds later stays closed until someone has thought about it. Left out on purpose: mounting,
/// namespaces, ptrace, bpf, perf, keyrings, userfaultfd, io_uring, kernel modules, clocks, chroot, open_by_handle_at; io_setup, whose
/// contexts are counted for the whole machine. Only the native architecture: libseccomp's filter kills whoever calls by another (ia32, x32).
enum SeccompProfile {
    static let allowList = RuntimeSpecification.Seccomp(
        defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1, architectures: [architecture],
        syscalls: [
            .init(
                names: files + processes + memory + events + sockets + time + identity, action: "SCMP_ACT_ALLOW", errnoRet: nil, args: nil),
            // CLONE_NEW* (0x7E020080 with CLONE_NEWTIME) must be clear: no namespaces from inside.
            .init(
                names: ["clone"], action: "SCMP_ACT_ALLOW", errnoRet: nil,
                args: [.init(index: 0, value: 0x7E02_0000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ")]),
            // clone3's flags lie in memory, where a filter cannot look; libc falls back to clone on ENOSYS.
            .init(names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38, args: nil),
            .init(names: ["personality"], action: "SCMP_ACT_ALLOW", errnoRet: nil, args: [equal(0, 0)]),
            .init(names: ["personality"], action: "SCMP_ACT_ALLOW", errnoRet: nil, args: [equal(0, 0xFFFF_FFFF)]),
        ] + SocketRules.all + unequal("ioctl", index: 1, to: [0x5412, 0x541C]))  // TIOCSTI and TIOCLINUX type into a terminal

    #if arch(x86_64)
        private static let architecture = "SCMP_ARCH_X86_64"
    #else
        private static let architecture = "SCMP_ARCH_AARCH64"
    #endif

    static func equal(_ index: Int, _ value: UInt64) -> RuntimeSpecification.Seccomp.Argument {
        .init(index: index, value: value, valueTwo: nil, op: "SCMP_CMP_EQ")
    }

    /// Allows `call` unless the lower half of an argument, all the kernel reads of it, is one of `values`.
    ///
    /// Two "not equal" on one argument are joined by "or" in the runtimes, which lets everything pass, and they compare 64 bits, so that a
    /// set upper bit would get by. Masked equality does neither: one rule for each set of numbers that share their first bits
    /// and hold none of `values`.
    static func unequal(_ call: String, index: Int, to values: [UInt32]) -> [RuntimeSpecification.Seccomp.Rule] {
        var rules: [RuntimeSpecification.Seccomp.Rule] = []
        func divide(prefix: UInt32, bits: Int) {
            let mask: UInt32 = bits == 0 ? 0 : ~0 << UInt32(32 - bits)
            if values.contains(where: { $0 & mask == prefix }) {
                guard bits < 32 else { return }
                divide(prefix: prefix, bits: bits + 1)
                divide(prefix: prefix | 1 << UInt32(31 - bits), bits: bits + 1)
            } else {
                let argument = RuntimeSpecification.Seccomp.Argument(
                    index: index, value: UInt64(mask), valueTwo: UInt64(prefix), op: "SCMP_CMP_MASKED_EQ")
                rules.append(.init(names: [call], action: "SCMP_ACT_ALLOW", errnoRet: nil, args: [argument]))
            }
        }
        divide(prefix: 0, bits: 0)
        return rules
    }

    private static let files = """
        access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fallocate fchdir fchmod
        fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate
        futimesat getcwd getdents getdents64 getxattr lchown lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat
        mkdir mkdirat mknod mknodat newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead
        readlink readlinkat readv removexattr rename renameat renameat2 rmdir sendfile setxattr splice stat statfs statx symlink symlinkat sync
        sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let processes = """
        arch_prctl execve execveat exit exit_group fork futex futex_wait futex_wake futex_waitv futex_requeue get_robust_list getcpu getpgid
        getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid kill pidfd_open pidfd_send_signal pause prctl prlimit64 restart_syscall rseq
        rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
        sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
        sched_setattr sched_setparam sched_setscheduler sched_yield seccomp set_robust_list set_tid_address setpgid setpriority setrlimit setsid
        sigaltstack tgkill tkill vfork wait4 waitid ioprio_get ioprio_set landlock_add_rule landlock_create_ruleset landlock_restrict_self
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let memory = """
        brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap msync munlock munlockall munmap pkey_alloc pkey_free
        pkey_mprotect remap_file_pages get_mempolicy set_mempolicy mbind shmat shmctl shmdt shmget semctl semget semop semtimedop msgctl msgget
        msgrcv msgsnd
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let events = """
        epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 inotify_add_watch inotify_init inotify_init1
        inotify_rm_watch mq_getsetattr mq_notify mq_open mq_timedreceive
        mq_timedsend mq_unlink poll ppoll pselect6 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let sockets = """
        accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg sendmsg sendto setsockopt shutdown
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let time = """
        alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun
        timer_gettime timer_settime times
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let identity = """
        capget capset getegid geteuid getgid getgroups getrandom getresgid getresuid getuid setfsgid setfsuid setgid setgroups setregid setresgid
        setresuid setreuid setuid sysinfo uname
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
