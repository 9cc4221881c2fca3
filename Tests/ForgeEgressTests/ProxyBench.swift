import ForgeEgress
import ForgeModel
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc

/// The proxy alone, on a port of the host's loopback, so that its resolver can be another.
struct ProxyBench: Sendable {
    let proxy: EgressProxy
    let port: Int
    /// For the output of programs; removed with the bench.
    private let folder: String

    static func with<Value: Sendable>(
        _ entries: [String], registries: [String] = [], limits: EgressProxy.Limits = .init(),
        resolver: @escaping EgressResolver = { _ in [IPAddress("127.0.0.1")].compactMap { $0 } },
        _ body: (ProxyBench) async throws -> Value
    ) async throws -> (value: Value, records: [EgressRecord]) {
        let policy = EgressPolicy(
            registries: Set(try registries.map(EgressOrigin.init(parsing:))),
            operatorEntries: Set(try entries.map(EgressOrigin.init(parsing:))))
        let folder = try Folder.temporaryRoot() + "/forge-proxy-" + UUID().uuidString
        try Folder.make(folder)
        defer { try? Files.removeTree(folder) }
        let (listener, port) = try loopbackListener()
        let proxy = try await EgressProxy.start(on: listener, policy: policy, limits: limits, resolver: resolver)
        do {
            let value = try await body(ProxyBench(proxy: proxy, port: port, folder: folder))
            return (value, await proxy.stop())
        } catch {
            _ = await proxy.stop()
            throw error
        }
    }

    /// What curl prints, without the proxy's variables of this machine.
    func curl(_ arguments: String...) async throws -> ForgeRun {
        try await Child(
            "/usr/bin/curl", ["-sS", "-m", "300", "-x", "http://127.0.0.1:\(port)"] + arguments, environment: ["PATH": "/usr/bin:/bin"],
            directory: "/", files: folder
        ).finish()
    }

    func startCurl(_ arguments: String...) throws -> Child {
        try Child(
            "/usr/bin/curl", ["-sS", "-x", "http://127.0.0.1:\(port)"] + arguments, environment: ["PATH": "/usr/bin:/bin"], directory: "/",
            files: folder)
    }

    /// Sends `bytes` and gives all that comes back; closes its own side first when `halfClosed`.
    func raw(_ bytes: String, halfClosed: Bool = false) async throws -> String {
        try await BlockingPool.run { [port] in
            let descriptor = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
            guard loopbackAddress(port, { connect(descriptor.raw, $0, 16) }) == 0 else { throw SystemError.last("connect", "proxy") }
            try descriptor.write(Array(bytes.utf8))
            if halfClosed { shutdown(descriptor.raw, Int32(SHUT_WR)) }
            var answer: [UInt8] = []
            while let more = try? descriptor.readAll(limit: 1 << 16), !more.isEmpty { answer += more }
            return String(decoding: answer, as: UTF8.self)
        }
    }

    /// A raw request's status line, without the version; empty when the connection was cut.
    func status(_ bytes: String) async throws -> String {
        try await raw(bytes).prefix { $0 != "\r\n" }.split(separator: " ").dropFirst().first.map(String.init) ?? ""
    }
}

/// sockaddr_in by its bytes: family, port, address.
private func loopbackAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>) -> Int32) -> Int32 {
    let bytes: [UInt8] = [UInt8(AF_INET), 0, UInt8(port >> 8), UInt8(port & 255), 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
    return bytes.withUnsafeBytes { body($0.assumingMemoryBound(to: sockaddr.self).baseAddress!) }
}

private func loopbackListener() throws -> (Descriptor, Int) {
    let listener = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    var bound = [UInt8](repeating: 0, count: 16)
    var size = socklen_t(16)
    guard loopbackAddress(0, { bind(listener.raw, $0, 16) }) == 0, listen(listener.raw, 64) == 0,
        bound.withUnsafeMutableBytes({ getsockname(listener.raw, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &size) }) == 0
    else { throw SystemError.last("listen", "loopback") }
    return (listener, Int(bound[2]) << 8 | Int(bound[3]))
}
