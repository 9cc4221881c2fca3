/// The part of the OCI runtime specification's `config.json` that a step needs. Field names are the specification's.
struct RuntimeSpecification: Encodable {
    struct User: Encodable { var uid: UInt32, gid: UInt32, umask: UInt32 }
    struct Capabilities: Encodable {
        var bounding: [String], effective: [String], permitted: [String], inheritable: [String], ambient: [String]
    }
    struct ResourceLimit: Encodable { var type: String, hard: UInt64, soft: UInt64 }
    struct Process: Encodable {
        var terminal: Bool
        var user: User
        var args: [String]
        var env: [String]
        var cwd: String
        var capabilities: Capabilities
        var rlimits: [ResourceLimit]
        var noNewPrivileges: Bool
    }
    struct Root: Encodable { var path: String, readonly: Bool }
    struct Mount: Encodable { var destination: String, type: String, source: String, options: [String] }
    struct IDMapping: Encodable { var containerID: UInt32, hostID: UInt32, size: UInt32 }
    struct Namespace: Encodable { var type: String, path: String? }
    /// Bytes; `swap` is memory and swap together.
    struct Memory: Encodable { var limit: Int64, swap: Int64 }
    struct Processes: Encodable { var limit: Int }
    /// Microseconds of CPU per period, over all cores.
    struct CPU: Encodable { var quota: Int64, period: UInt64 }
    struct Resources: Encodable { var memory: Memory?, pids: Processes?, cpu: CPU? }
    struct Seccomp: Encodable {
        struct Argument: Encodable { var index: Int, value: UInt64, valueTwo: UInt64?, op: String }
        struct Rule: Encodable { var names: [String], action: String, errnoRet: UInt32?, args: [Argument]? }
        var defaultAction: String
        var defaultErrnoRet: UInt32
        var architectures: [String]
        var syscalls: [Rule]
    }
    struct Linux: Encodable {
        var uidMappings: [IDMapping]
        var gidMappings: [IDMapping]
        var namespaces: [Namespace]
        var cgroupsPath: String?
        var resources: Resources?
        var seccomp: Seccomp?
        var maskedPaths: [String]
        var readonlyPaths: [String]
    }

    var ociVersion: String
    var process: Process
    var root: Root
    var hostname: String?
    var mounts: [Mount]
    var linux: Linux
}
