import ForgeTestSupport
import Foundation

/// A machine that lacks a layer of the sandbox, made of this one for one command.
enum MissingLayer: String, Sendable, CaseIterable {
    /// Masked, in a mount namespace of the command's own.
    case runtime, cgroups, overlay, seccomp, userNamespaces = "user-namespaces"
    /// Refused by the kernel when it is asked for, though everything says that it is there.
    case refusedUserNamespaces, refusedFilters

    /// The end of the error's code.
    var id: String {
        switch self {
        case .refusedUserNamespaces: "user-namespaces"
        case .refusedFilters: "seccomp"
        default: rawValue
        }
    }

    /// Shell lines that take it away.
    fileprivate func mask(_ folder: String) -> String {
        switch self {
        case .runtime:
            "for p in crun runc; do for d in /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin; do "
                + "[ ! -e $d/$p ] || mount --bind /dev/null $d/$p; done; done"
        case .cgroups: "mount -t tmpfs none /sys/fs/cgroup"
        case .overlay: "grep -v overlay /proc/filesystems > \(folder)/filesystems; mount --bind \(folder)/filesystems /proc/filesystems"
        case .seccomp: "mount --bind /dev/null /proc/sys/kernel/seccomp/actions_avail"
        case .userNamespaces: "echo 0 > \(folder)/zero; mount --bind \(folder)/zero /proc/sys/user/max_user_namespaces"
        case .refusedUserNamespaces, .refusedFilters: ":"
        }
    }

    /// System calls that get EPERM, when their first argument passes a test of a filter program: holds some of these bits, is this number.
    fileprivate var refusals: [(call: String, test: String, value: Int)] {
        let newUser = 0x1000_0000
        return switch self {
        case .refusedUserNamespaces: [("unshare", "holds", newUser), ("clone", "holds", newUser)]
        // SECCOMP_SET_MODE_FILTER, and PR_SET_SECCOMP, which libseccomp tries next.
        case .refusedFilters: [("seccomp", "is", 1), ("prctl", "is", 22)]
        default: []
        }
    }

    /// Installs a filter that refuses the calls, then becomes the command.
    fileprivate var launcher: [String] {
        guard !refusals.isEmpty else { return [] }
        let list = refusals.map { "('\($0.call)', '\($0.test)', \($0.value))" }.joined(separator: ", ")
        return ["/usr/bin/python3", "-c", Self.filter.replacing("REFUSALS", with: "[\(list)]")]
    }

    private static let filter = """
        import ctypes, os, platform, struct, sys
        numbers = {
            'x86_64': {'unshare': 272, 'clone': 56, 'seccomp': 317, 'prctl': 157},
            'aarch64': {'unshare': 97, 'clone': 220, 'seccomp': 277, 'prctl': 167},
        }[platform.machine()]
        tests = {'is': 0x15, 'holds': 0x45}
        def line(code, true, false, value): return struct.pack('HBBI', code, true, false, value)
        program = b''
        for name, test, value in REFUSALS:
            program += line(0x20, 0, 0, 0) + line(0x15, 0, 3, numbers[name]) + line(0x20, 0, 0, 16)
            program += line(tests[test], 0, 1, value) + line(0x06, 0, 0, 0x00050001)
        program += line(0x06, 0, 0, 0x7fff0000)
        memory = ctypes.create_string_buffer(program)
        header = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(program) // 8, ctypes.addressof(memory)))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(22, 2, header, 0, 0): raise OSError(ctypes.get_errno(), 'seccomp')
        os.execv(sys.argv[1], sys.argv[1:])
        """
}

extension ForgeHome {
    /// Runs `forge` to its end on a machine without `layer`.
    func run(without layer: MissingLayer, _ arguments: String..., environment: [String: String] = [:]) async throws -> ForgeRun {
        try await start(without: layer, arguments, environment: environment).finish()
    }

    /// Starts it, and becomes it: a signal to the child is one to `forge`.
    func start(without layer: MissingLayer, _ arguments: String...) throws -> Child {
        try start(without: layer, arguments, environment: [:])
    }

    private func start(without layer: MissingLayer, _ arguments: [String], environment: [String: String]) throws -> Child {
        let script = "set -e\n\(layer.mask(folder))\nexec \"$@\""
        let command = layer.launcher + [BuildProducts.executable("forge")] + arguments
        return try start(
            program: "/usr/bin/unshare", ["-m", "--propagation", "private", "/bin/sh", "-c", script, "sh"] + command,
            environment: environment)
    }
}
