internal import CLibgit2
internal import ForgeModel

/// What libgit2, ssh or a server said, in words that help.
struct FetchFault {
    private let location: RemoteLocation
    private let session: FetchSession

    init(_ location: RemoteLocation, _ session: FetchSession) {
        self.location = location
        self.session = session
    }

    /// The server does not give the object asked for: it forbids asking (libgit2 says so itself), has no such object, or hangs
    /// up, which libgit2 reports as a packet of a type it did not expect or as an early end.
    static func isRefusal(_ failure: GitFailure) -> Bool {
        let signs = ["cannot fetch a specific object", "not our ref", "unexpected packet type", "upload-pack:", "no matching refs"]
        return failure.code == GIT_ENOTFOUND || signs.contains { failure.message.contains($0) }
    }

    func translated(_ failure: GitFailure) -> FetchFailure {
        if let stop = session.stop { return stop }
        if let text = session.sshError, let fault = sshFault(text, failure) { return fault }
        switch failure.code {
        case GIT_ECERTIFICATE: return certificate(failure)
        case GIT_EAUTH: return credentials(failure)
        case GIT_TIMEOUT: return timeout(failure)
        default: break
        }
        if failure.category == GIT_ERROR_HTTP || failure.message.contains("http status") { return http(failure) }
        if Self.isLocal(failure) { return local(failure) }
        return network(failure)
    }

    // MARK: By where it comes from

    private func network(_ failure: GitFailure) -> FetchFailure {
        let text = failure.message
        if text.contains("failed to resolve") || text.contains("Name or service") { return unknownHost(text) }
        if text.contains("failed to connect") || text.contains("onnection refused") { return unreachable(text) }
        if text.contains("timed out") { return timeout(failure) }
        if text.contains("invalid SSL record") {
            return fault("source.tls", "`\(location.authority)` does not speak https", "check the port, or write `http://`", text)
        }
        if text.contains("certificate") { return certificate(failure) }
        if text.contains("redirect") {
            return fault(
                "source.redirected", "the server of `\(location.text)` redirects to another place", "if it can be trusted, use that URL",
                text)
        }
        if text.contains("ERR ") || text.contains("access denied") || text.contains("not exported") || text.contains("remote error") {
            return notARepository(text)
        }
        return cut(text)
    }

    private func http(_ failure: GitFailure) -> FetchFailure {
        let text = failure.message
        if text.contains("401") || text.contains("authentication") { return credentials(failure) }
        if text.contains("403") {
            return fault(
                "source.forbidden", "the server refuses access to `\(location.text)`",
                "check that the account or token may read the repository", text)
        }
        if text.contains("404") || text.contains("content-type") || text.contains("content type") || text.contains("410") {
            return notARepository(text)
        }
        if text.contains("redirect") {
            return fault(
                "source.redirected", "the server of `\(location.text)` redirects to another place", "if it can be trusted, use that URL",
                text)
        }
        if text.contains("status") {
            return fault("source.server", "the server of `\(location.text)` answers with an error", "try again later", text)
        }
        return cut(text)
    }

    private func sshFault(_ said: String, _ failure: GitFailure) -> FetchFailure? {
        let lines = said.split(whereSeparator: \.isNewline)
        let text = lines.suffix(4).joined(separator: "; ")
        func has(_ signs: String...) -> Bool { signs.contains { said.contains($0) } }
        if has("Host key verification failed", "host key is known", "HOST IDENTIFICATION HAS CHANGED") {
            return fault(
                "source.host-key", "the host key of `\(location.authority)` is not known, or not the known one",
                "compare its fingerprint and add it to `~/.ssh/known_hosts`: ssh \(location.port.map { "-p \($0) " } ?? "")\(location.host)",
                text)
        }
        if has("Permission denied", "Too many authentication failures", "No supported authentication") {
            return fault(
                "source.credentials", "`\(location.authority)` accepts none of the keys that ssh offered",
                "add the right key to the agent (`ssh-add`) or name it in `~/.ssh/config`; keys with a passphrase need the agent", text)
        }
        if has("Could not resolve hostname") { return unknownHost(text) }
        if has("timed out") { return timeout(GitFailure(code: GIT_TIMEOUT, message: text)) }
        if has("Connection refused", "No route to host", "unreachable", "port 22: ") { return unreachable(text) }
        if has("does not appear to be a git repository", "not a git repository") {
            return notARepository(text)
        }
        return session.wasSilent && !text.isEmpty ? fault("source.server", "`\(location.authority)` gave no repository", nil, text) : nil
    }

    /// Whether it is this machine's disk that failed.
    private static func isLocal(_ failure: GitFailure) -> Bool {
        let signs = ["No space left", "File too large", "Disk quota", "Read-only file system", "Permission denied"]
        return signs.contains { failure.message.contains($0) }
    }

    private func local(_ failure: GitFailure) -> FetchFailure {
        if failure.message.contains("File too large") {
            return fault("source.too-large", "the repository `\(location.text)` is larger than one fetch may be", nil, failure.message)
        }
        if failure.message.contains("No space left") || failure.message.contains("Disk quota") {
            return fault(
                "store.no-space", "no space left to unpack what `\(location.text)` sends", "free some space and run the command again",
                failure.message)
        }
        return fault("source.fetch", "cannot unpack what `\(location.text)` sends", nil, failure.message)
    }

    // MARK: The faults

    func timeout(_ failure: GitFailure? = nil) -> FetchFailure {
        fault(
            "source.timeout", "`\(location.authority)` said nothing for \(session.request.limits.idleSeconds) s",
            "try again; `FORGE_FETCH_TIMEOUT` sets how many seconds of silence are waited for", failure?.message)
    }

    private func certificate(_ failure: GitFailure) -> FetchFailure {
        fault(
            "source.certificate", "the certificate of `\(location.authority)` is not one that this machine trusts",
            "for a private authority, name its file in `SSL_CERT_FILE`", failure.message)
    }

    private func credentials(_ failure: GitFailure) -> FetchFailure {
        session.credentials == nil
            ? fault(
                "source.no-credentials", "`\(location.text)` asks for credentials and there are none",
                "store them with git (`git credential approve`), or give a token with `--token-file`", nil)
            : fault(
                "source.credentials", "`\(location.text)` refuses the credentials", "check that they are right and may read the repository",
                nil
            )
    }

    private func unknownHost(_ text: String) -> FetchFailure {
        fault("source.unknown-host", "no host `\(location.host)` is known", "check the spelling, and that the name service answers", text)
    }

    private func unreachable(_ text: String) -> FetchFailure {
        fault("source.unreachable", "cannot connect to `\(location.authority)`", "check the address and the network, and try again", text)
    }

    private func notARepository(_ text: String) -> FetchFailure {
        fault(
            "source.not-a-repository", "no repository answers at `\(location.text)`",
            "check the path; a private repository may look like none without credentials", text)
    }

    private func cut(_ text: String) -> FetchFailure {
        fault("source.cut", "the transfer from `\(location.text)` broke off", "nothing of it was kept; try again", text)
    }

    private func fault(_ code: String, _ message: String, _ hint: String?, _ cause: String?) -> FetchFailure {
        FetchFailure(code: code, message: message, hint: hint, cause: cause)
    }
}
