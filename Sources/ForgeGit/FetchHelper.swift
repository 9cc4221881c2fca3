internal import CLibgit2
internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The process that talks to strangers' servers and unpacks what they send: this executable again, with nothing it could
/// write but one folder, nobody's secrets but those it asks for, and a life no longer than its asker's.
package enum FetchHelper {
    /// First argument of the executable that makes it this process.
    package static let argument = "__fetch"

    /// Answers one request on the standard streams and ends the process. Call on the main thread, before any other exists.
    package static func main() -> Never {
        Signals.ignoreBrokenPipes()
        let channel = FetchChannel()
        do {
            guard let request = try channel.receive(FetchRequest.self) else { exit(2) }
            try channel.send(answer(request, channel))
        } catch {
            StandardStreams.writeError("forge: the fetching process was started without a request: \(error)\n")
            exit(2)
        }
        exit(0)
    }

    private static func answer(_ request: FetchRequest, _ channel: FetchChannel) -> FetchReply {
        do {
            try confine(request)
            if let objects = request.objects { return .stored(try LFSFetcher(request, channel).run(objects)) }
            return .done(try RemoteFetcher(request, channel).run())
        } catch let failure as FetchFailure {
            return .failed(failure)
        } catch {
            return .failed(FetchFailure(code: "source.fetch", message: "cannot fetch from `\(request.location.text)`", cause: "\(error)"))
        }
    }

    private static func confine(_ request: FetchRequest) throws {
        try Confinement.die(with: request.parent, after: request.limits.totalSeconds + request.limits.idleSeconds)
        try Confinement.limitFiles(to: request.limits.maximumBytes)
        // A kernel without Landlock (before 5.13, or built without) leaves the other layers: rights that cannot grow, bounded
        // files, no configuration, transports by list, and the asker's own reading of the result object by object.
        _ = try Confinement.writesOnly(below: request.folder)
        Libgit2.start()
        let idle = Int32(clamping: request.limits.idleSeconds * 1000)
        try Libgit2.check(forge_git_set_server_timeouts(idle, idle))
        try Libgit2.check(forge_git_set_pack_limit(request.limits.maximumObjects))
        let (file, folder) = (getenv("SSL_CERT_FILE"), getenv("SSL_CERT_DIR"))
        guard file != nil || folder != nil else { return }
        do { try Libgit2.check(forge_git_set_certificates(file, folder)) } catch {
            let named = [file, folder].compactMap { $0.map { "`\(String(cString: $0))`" } }.joined(separator: " and ")
            throw FetchFailure(
                code: "source.certificates", message: "cannot load the certificate authorities in \(named)",
                hint: "check `SSL_CERT_FILE` and `SSL_CERT_DIR`, or unset them", cause: error.message)
        }
    }
}
