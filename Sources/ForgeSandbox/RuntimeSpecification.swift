/// The part of the OCI runtime specification's `config.json` that a step needs. Field names are the specification's.
struct RuntimeSpecification: Encodable {
    struct User: Encodable { let uid: UInt32, gid: UInt32, umask: UInt32 }
    struct Capabilities: Encodable {
        let bounding: [String], effective: [String], permitted: [String], inheritable: [String], ambient: [String]
    }
    struct ResourceLimit: Encodable { let type: String, hard: UInt64, soft: UInt64 }
    struct Process: Encodable {
        let terminal: Bool
        let user: User
        let args: [String]
        let env: [String]
        let cwd: String
        let capabilities: Capabilities
        let rlimits: [ResourceLimit]
        let noNewPrivileges: Bool
    }
    struct Root: Encodable { let path: String, readonly: Bool }
    struct Mount: Encodable { let destination: String, type: String, source: String, options: [String] }
    struct IDMapping: Encodable { let containerID: UInt32, hostID: UInt32, size: UInt32 }
    struct Namespace: Encodable { let type: String, path: String? }
    /// Bytes; `swap` is memory and swap together.
    struct Memory: Encodable { let limit: Int64, swap: Int64 }
    struct Processes: Encodable { let limit: Int }
    /// Microseconds of CPU per period, over all cores.
    struct CPU: Encodable { let quota: Int64, period: UInt64 }
    struct Resources: Encodable { let memory: Memory, pids: Processes, cpu: CPU? }
    struct Seccomp: Encodable {
        struct Argument: Encodable { let index: Int, value: UInt64, valueTwo: UInt64?, op: String }
        struct Rule: Encodable { let names: [String], action: String, errnoRet: UInt32?, args: [Argument]? }
        let defaultAction: String
        let defaultErrnoRet: UInt32
        let architectures: [String]
        let syscalls: [Rule]
    }
    struct Linux: Encodable {
        let uidMappings: [IDMapping]
        let gidMappings: [IDMapping]
        let namespaces: [Namespace]
        let cgroupsPath: String?
        let resources: Resources?
        let seccomp: Seccomp
        let maskedPaths: [String]
        let readonlyPaths: [String]
    }

    let ociVersion: String
    let process: Process
    let root: Root
    let hostname: String
    let mounts: [Mount]
    let linux: Linux
}
