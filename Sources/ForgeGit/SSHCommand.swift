internal import FoundationEssentials
internal import ForgeSystem
internal import Glibc

/// The user's own ssh, with their configuration, agent and known hosts, told never to ask anything.
struct SSHCommand {
    /// Options come first: ssh takes the first value it sees, so no configuration loosens them.
    static func options(connectSeconds: Int) -> [String] {
        [
            "BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ConnectTimeout=\(connectSeconds)", "ServerAliveInterval=15",
            "ServerAliveCountMax=4", "ControlMaster=no", "ControlPath=none", "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no",
            "PermitLocalCommand=no", "RequestTTY=no", "LogLevel=ERROR",
        ].flatMap { ["-o", $0] }
    }

    let arguments: [String]

    init(_ location: RemoteLocation, connectSeconds: Int) {
        let port = location.port.map { ["-p", String($0)] } ?? []
        let host = location.user.map { "\($0)@\(location.host)" } ?? location.host
        // The path is read by a shell over there.
        let path = "'" + location.path.replacing("'", with: "'\\''") + "'"
        arguments = Self.options(connectSeconds: connectSeconds) + port + ["--", host, "git-upload-pack \(Self.home(path))"]
    }

    /// `~ada/site` must stay bare for the shell to see the home folder in it.
    private static func home(_ quoted: String) -> String {
        guard quoted.hasPrefix("'~") else { return quoted }
        let inner = quoted.dropFirst()
        let end = inner.firstIndex(of: "/") ?? inner.index(before: inner.endIndex)
        let name = inner[..<end]
        guard name.dropFirst().allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }) else { return quoted }
        return name + "'" + inner[end...]
    }

    /// `GIT_SSH_COMMAND` counts as it does for git: a command line of the user's own, to which the arguments are added.
    func start(_ descriptors: [Int32: Descriptor]) throws -> ChildProcess {
        let environment = Environment.all
        if let command = environment["GIT_SSH_COMMAND"], !command.isEmpty {
            return try ChildProcess.spawn(
                .init("/bin/sh", ["-c", command + " \"$@\"", "ssh"] + arguments, environment: environment, descriptors: descriptors))
        }
        guard let ssh = Environment.executable("ssh") else {
            throw FetchFailure(
                code: "source.no-ssh", message: "no program `ssh` was found", hint: "install the OpenSSH client, or use an https:// URL")
        }
        return try ChildProcess.spawn(.init(ssh, arguments, environment: environment, descriptors: descriptors))
    }
}

/// This process's environment.
enum Environment {
    static var all: [String: String] { ProcessInfo.processInfo.environment }

    /// Where a program lies that a shell would find.
    static func executable(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 && !Files.isDirectory($0) }
    }
}
