import Dispatch
import Foundation
import Glibc
import Synchronization

/// Sockets of this machine.
package enum Loopback {
    /// A port that nothing listens on now.
    package static func freePort() throws -> Int {
        while true {
            let (descriptor, port) = try listener()
            close(descriptor)
            if handedOut.withLock({ $0.insert(port).inserted }) { return port }
        }
    }

    /// Two tests that run at once must not be given the same port: one's server would answer for the other's.
    private static let handedOut = Mutex<Set<Int>>([])

    /// A port at which this process listens, at every address of the machine, for as long as the value lives.
    package static func openPort() throws -> OpenPort { try OpenPort() }

    package final class OpenPort: Sendable {
        package let port: Int
        private let descriptor: Int32

        fileprivate init() throws { (descriptor, port) = try listener(everywhere: true) }

        deinit { close(descriptor) }
    }

    /// Whether something listens.
    package static func answers(_ port: Int) -> Bool {
        guard let descriptor = connect(port) else { return false }
        close(descriptor)
        return true
    }

    static func listener(everywhere: Bool = false) throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = address(0)
        if everywhere { address.sin_addr.s_addr = 0 }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound else { throw TestSupportError("no port to listen on: \(String(cString: strerror(errno)))") }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    static func connect(_ port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = address(port)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if isConnected { return descriptor }
        close(descriptor)
        return nil
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// A bad line: hands connections on to a server and cuts each off after so many bytes of what the server says.
package final class CuttingProxy: Sendable {
    package let port: Int
    private let listener: Int32
    private let budget: Budget

    /// - Parameters:
    ///   - target: the server's port; nil accepts and never says anything.
    ///   - limit: bytes from the server, counted over all connections; then every connection is cut.
    ///   - stalls: at the limit connections stay open and silent instead, until `lift`.
    package init(to target: Int?, after limit: Int = .max, stalls: Bool = false) throws {
        (listener, port) = try Loopback.listener()
        budget = Budget(limit, stalls: stalls)
        Thread.detachNewThread { [listener, budget] in
            while case let client = accept(listener, nil, nil), client >= 0 {
                guard let target else { continue }
                guard let server = Loopback.connect(target) else {
                    close(client)
                    continue
                }
                Thread.detachNewThread { Self.pump(client, server, nil) }
                Thread.detachNewThread { Self.pump(server, client, budget) }
            }
        }
    }

    /// What has come from the server so far.
    package var passedBytes: Int { budget.taken }

    /// From now on there is no limit.
    package func lift() { budget.lift() }

    deinit {
        budget.lift()
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// Both are shut, not closed: the other direction's thread may still use the numbers.
    private static func pump(_ from: Int32, _ to: Int32, _ budget: Budget?) {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while case let count = read(from, &buffer, buffer.count), count > 0 {
            let allowed = budget?.take(count) ?? count
            guard send(to, buffer, allowed, Int32(MSG_NOSIGNAL)) == allowed, allowed == count else { break }
        }
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
    }

    private final class Budget: Sendable {
        private let stalls: Bool
        private let lifted = DispatchSemaphore(value: 0)
        private let state: Mutex<(rest: Int, passed: Int)>

        init(_ bytes: Int, stalls: Bool) {
            self.stalls = stalls
            state = Mutex((bytes, 0))
        }

        var taken: Int { state.withLock { $0.passed } }

        func lift() {
            state.withLock { $0.rest = .max }
            lifted.signal()
        }

        func take(_ count: Int) -> Int {
            if stalls && state.withLock({ $0.rest < count }) {
                lifted.wait()
                // For whoever else waits.
                lifted.signal()
            }
            return state.withLock { state in
                let taken = min(state.rest, count)
                state.rest -= taken
                state.passed += taken
                return taken
            }
        }
    }
}
