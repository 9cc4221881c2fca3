internal import CLibgit2
internal import ForgeSystem
internal import Glibc

/// Makes ssh:// and git:// go through `RemoteStream`, and shuts the transports that nobody asked for.
///
/// libgit2's own would not do: 1.8 sends its wants twice there (see `WantsFilter`), and its ssh knows neither the user's
/// configuration nor, without asking, the known hosts.
enum TransportRegistry {
    /// The session must outlive every connection. Once a process.
    static func register(_ session: FetchSession) throws(GitFailure) {
        let payload = Unmanaged.passUnretained(session).toOpaque()
        for scheme in ["ssh", "git"] { try Libgit2.check(git_transport_register(scheme, makeTransport, payload)) }
        for scheme in ["file", "ssh+git", "git+ssh"] {
            try Libgit2.check(git_transport_register(scheme, refuseTransport, nil))
        }
    }
}

/// The state behind one of libgit2's subtransports; freed by libgit2's call.
private final class StreamTransport {
    let session: FetchSession
    var stream: RemoteStream?

    init(_ session: FetchSession) { self.session = session }

    func open() throws -> RemoteStream {
        let stream = try RemoteStream.open(session)
        self.stream = stream
        return stream
    }

    func close() {
        guard let stream else { return }
        self.stream = nil
        stream.close(session)
    }

    /// Runs `body`; what it throws ends libgit2's call.
    func guarded(_ body: () throws -> Void) -> Int32 {
        do { try body() } catch {
            if session.stop == nil {
                session.stop = error is StreamSilence ? FetchFault(session.request.location, session).timeout() : error as? FetchFailure
            }
            return -1
        }
        return 0
    }
}

// Free functions, all of them: a closure handed to C could be given an actor's isolation, and trap on another thread.

private func refuseTransport(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_transport>?>?, _ remote: OpaquePointer?, _ payload: UnsafeMutableRawPointer?
) -> Int32 {
    GIT_ENOTSUPPORTED.rawValue
}

private func makeTransport(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_transport>?>?, _ remote: OpaquePointer?, _ payload: UnsafeMutableRawPointer?
) -> Int32 {
    // rpc = 0: one connection, on which both sides go on.
    var definition = git_smart_subtransport_definition(callback: makeSubtransport, rpc: 0, param: payload)
    return git_transport_smart(out, remote, &definition)
}

private func makeSubtransport(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_smart_subtransport>?>?, _ transport: UnsafeMutablePointer<git_transport>?,
    _ payload: UnsafeMutableRawPointer?
) -> Int32 {
    guard let out, let payload else { return -1 }
    let session = Unmanaged<FetchSession>.fromOpaque(payload).takeUnretainedValue()
    let made = UnsafeMutablePointer<forge_subtransport>.allocate(capacity: 1)
    made.initialize(to: forge_subtransport())
    made.pointee.parent = git_smart_subtransport(action: act, close: closeSubtransport, free: freeSubtransport)
    made.pointee.owner = Unmanaged.passRetained(StreamTransport(session)).toOpaque()
    out.pointee = UnsafeMutableRawPointer(made).assumingMemoryBound(to: git_smart_subtransport.self)
    return 0
}

private func owner(of subtransport: UnsafeMutablePointer<git_smart_subtransport>?) -> StreamTransport? {
    guard let subtransport, let owner = UnsafeMutableRawPointer(subtransport).assumingMemoryBound(to: forge_subtransport.self).pointee.owner
    else { return nil }
    return Unmanaged<StreamTransport>.fromOpaque(owner).takeUnretainedValue()
}

private func act(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_smart_subtransport_stream>?>?,
    _ subtransport: UnsafeMutablePointer<git_smart_subtransport>?, _ url: UnsafePointer<CChar>?, _ service: git_smart_service_t
) -> Int32 {
    guard let out, let transport = owner(of: subtransport) else { return -1 }
    switch service {
    case GIT_SERVICE_UPLOADPACK_LS:
        transport.close()
        return transport.guarded {
            let stream = try transport.open()
            let made = UnsafeMutablePointer<forge_subtransport_stream>.allocate(capacity: 1)
            made.initialize(to: forge_subtransport_stream())
            made.pointee.parent = git_smart_subtransport_stream(
                subtransport: subtransport, read: readStream, write: writeStream, free: freeStream)
            made.pointee.owner = Unmanaged.passUnretained(transport).toOpaque()
            stream.handle = UInt(bitPattern: made)
            out.pointee = UnsafeMutableRawPointer(made).assumingMemoryBound(to: git_smart_subtransport_stream.self)
        }
    case GIT_SERVICE_UPLOADPACK:
        // The same stream goes on.
        guard let stream = transport.stream, let handle = UnsafeMutablePointer<git_smart_subtransport_stream>(bitPattern: stream.handle)
        else { return -1 }
        out.pointee = handle
        return 0
    default: return -1
    }
}

private func closeSubtransport(_ subtransport: UnsafeMutablePointer<git_smart_subtransport>?) -> Int32 {
    owner(of: subtransport)?.close()
    return 0
}

private func freeSubtransport(_ subtransport: UnsafeMutablePointer<git_smart_subtransport>?) {
    guard let subtransport else { return }
    let made = UnsafeMutableRawPointer(subtransport).assumingMemoryBound(to: forge_subtransport.self)
    if let owner = made.pointee.owner {
        let transport = Unmanaged<StreamTransport>.fromOpaque(owner).takeRetainedValue()
        transport.close()
    }
    made.deallocate()
}

private func transport(of stream: UnsafeMutablePointer<git_smart_subtransport_stream>?) -> StreamTransport? {
    guard let stream, let owner = UnsafeMutableRawPointer(stream).assumingMemoryBound(to: forge_subtransport_stream.self).pointee.owner
    else {
        return nil
    }
    return Unmanaged<StreamTransport>.fromOpaque(owner).takeUnretainedValue()
}

private func readStream(
    _ stream: UnsafeMutablePointer<git_smart_subtransport_stream>?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int,
    _ count: UnsafeMutablePointer<Int>?
) -> Int32 {
    guard let transport = transport(of: stream), let remote = transport.stream, let count else { return -1 }
    return transport.guarded { count.pointee = try remote.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size)) }
}

private func writeStream(
    _ stream: UnsafeMutablePointer<git_smart_subtransport_stream>?, _ buffer: UnsafePointer<CChar>?, _ size: Int
) -> Int32 {
    guard let transport = transport(of: stream), let remote = transport.stream else { return -1 }
    return transport.guarded { try remote.write(UnsafeRawBufferPointer(start: buffer, count: size)) }
}

/// The connection itself is closed with its subtransport.
private func freeStream(_ stream: UnsafeMutablePointer<git_smart_subtransport_stream>?) {
    guard let stream else { return }
    UnsafeMutableRawPointer(stream).assumingMemoryBound(to: forge_subtransport_stream.self).deallocate()
}
