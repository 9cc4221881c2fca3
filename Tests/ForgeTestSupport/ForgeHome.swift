import Foundation
import Glibc
import Synchronization

/// A folder of a test's own with a `FORGE_HOME` in it, and the real `forge` to run there. Made by `withForgeHome`.
package final class ForgeHome: Sendable {
    /// Holds everything below; a name that occurs nowhere else on the machine.
    package let folder: String
    /// `FORGE_HOME`.
    package let path: String
    private let children = Mutex<[Child]>([])
    private let projects = Mutex(0)

    fileprivate init() throws {
        folder = "\(try Folder.temporaryRoot())/forge-test-\(UUID().uuidString.prefix(13).lowercased())"
        path = "\(folder)/home"
        for name in ["", "/home", "/output", "/person"] { try Folder.make(folder + name) }
    }

    /// Runs `forge` to its end.
    package func run(
        _ arguments: String..., cwd: String? = nil, environment: [String: String] = [:], timeout: Int = 120
    ) async throws -> ForgeRun {
        try await run(arguments, cwd: cwd, environment: environment, timeout: timeout)
    }

    package func run(_ arguments: [String], cwd: String? = nil, environment: [String: String] = [:], timeout: Int = 120) async throws
        -> ForgeRun
    {
        try await start(arguments, cwd: cwd, environment: environment).finish(within: timeout)
    }

    /// Starts `forge`; what still runs when the test ends is killed.
    package func start(_ arguments: String..., cwd: String? = nil, environment: [String: String] = [:]) throws -> Child {
        try start(arguments, cwd: cwd, environment: environment)
    }

    package func start(_ arguments: [String], cwd: String? = nil, environment: [String: String] = [:]) throws -> Child {
        try start(program: BuildProducts.executable("forge"), arguments, cwd: cwd, environment: environment)
    }

    /// Runs another program to its end, with the same environment and output files.
    package func tool(_ program: String, _ arguments: String..., cwd: String? = nil, environment: [String: String] = [:]) async throws
        -> ForgeRun
    {
        try await start(program: program, arguments, cwd: cwd, environment: environment).finish()
    }

    package func start(program: String, _ arguments: [String], cwd: String? = nil, environment: [String: String] = [:]) throws -> Child {
        let base = [
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "\(folder)/person", "LANG": "C.UTF-8", "FORGE_HOME": path,
            // What tests build is not about toolchains: no megabytes are fetched for it.
            "FORGE_TOOLCHAIN_SOURCES": "host",
        ]
        let child = try Child(
            program, arguments, environment: base.merging(environment) { _, own in own }, directory: cwd ?? folder,
            files: "\(folder)/output")
        children.withLock { $0.append(child) }
        return child
    }

    /// Starts the gateway on a free port and waits until it answers.
    package func startGateway() async throws -> Gateway {
        let child = try start("gateway", "--listen", "127.0.0.1:0")
        let line = try await child.errorLine { $0.hasPrefix("gateway  http://") }
        guard let match = line.firstMatch(of: /127\.0\.0\.1:([0-9]+)/), let port = Int(match.1) else {
            throw TestSupportError("the gateway did not say its port: \(line)")
        }
        return Gateway(home: self, child: child, port: port)
    }

    /// A new project folder beside this home.
    package func project(_ files: [String: String] = [:], named name: String? = nil) throws -> TemporaryProject {
        let number = projects.withLock { number in
            number += 1
            return number
        }
        return try TemporaryProject(at: "\(folder)/projects-\(number)/\(name ?? "site")", files: files)
    }

    fileprivate func close() async {
        let all = children.withLock { $0 }
        for child in all { child.signal(SIGKILL) }
        for child in all { _ = try? await child.finish(within: 10) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    package struct Gateway: Sendable {
        private let home: ForgeHome
        package let child: Child
        package let port: Int

        fileprivate init(home: ForgeHome, child: Child, port: Int) {
            self.home = home
            self.child = child
            self.port = port
        }

        /// The status code and the body that `http://HOST:PORT/path` gives to curl, which resolves `*.localhost` by itself.
        package func fetch(_ host: String, _ path: String = "/") async throws -> String {
            try await home.curl("http://\(host):\(port)\(path)")
        }
    }

    /// `STATUS BODY`, as curl sees it.
    package func curl(_ arguments: String...) async throws -> String {
        let body = "\(folder)/output/\(UUID().uuidString).body"
        let child = try start(
            program: "/usr/bin/curl", ["-s", "--noproxy", "*", "--max-time", "20", "-o", body, "-w", "%{http_code}"] + arguments)
        let run = try await child.finish()
        guard run.exitCode == 0 else { throw TestSupportError("`\(child.commandLine)` ended with \(run.exitCode)") }
        return run.output + " " + String(decoding: FileManager.default.contents(atPath: body) ?? Data(), as: UTF8.self)
    }
}

/// Runs `body` with a home of its own; afterwards nothing of it runs and its folder is gone. Few homes exist at a time: each
/// may run whole builds.
package func withForgeHome<Value: Sendable>(_ body: @Sendable (ForgeHome) async throws -> Value) async throws -> Value {
    await Turnstile.shared.enter()
    do {
        let home = try ForgeHome()
        do {
            let value = try await body(home)
            await home.close()
            await Turnstile.shared.leave()
            return value
        } catch {
            await home.close()
            throw error
        }
    } catch {
        await Turnstile.shared.leave()
        throw error
    }
}

private actor Turnstile {
    static let shared = Turnstile()
    private var free = 4
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
