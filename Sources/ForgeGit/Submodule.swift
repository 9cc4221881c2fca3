package import ForgeModel

/// A folder that stands for one commit of another repository.
package struct Submodule: Hashable, Sendable, Codable {
    /// Below the tree that was listed.
    package let path: RelativePath
    /// Full id.
    package let commit: String
    /// As `.gitmodules` calls it; nil when it says nothing of the folder.
    package let name: String?
    package let url: String?

    /// Where `.gitmodules` says the repository lies. Nothing of it was believed until here.
    package enum Place: Sendable {
        case remote(RemoteLocation, RemoteUserinfo?)
        /// Only for a superproject that lies on this machine as well.
        case local(String)
    }

    /// - Parameter base: where the superproject lies; relative URLs start there.
    /// - Throws: `source.submodule-url`
    package func place(relativeTo base: Place) throws -> Place {
        guard let url else {
            throw ForgeError(
                .usage, "source.submodule-url", "`.gitmodules` does not say where the submodule `\(path)` comes from",
                hint: "`git submodule add URL \(path)` writes it down")
        }
        guard !url.hasPrefix("-"), !url.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            throw refusal("is no URL")
        }
        if url.hasPrefix("./") || url.hasPrefix("../") { return try relative(url, to: base) }
        let (text, userinfo) = RemoteUserinfo.split(url)
        do {
            if let location = try RemoteLocation(parsing: text) { return .remote(location, userinfo) }
        } catch {
            throw refusal("is not a kind of URL that sources are fetched from", cause: error)
        }
        guard case .local = base else { throw refusal("lies on this machine, the repository that names it does not") }
        return .local(try GitLocation.path(of: text))
    }

    private func relative(_ url: String, to base: Place) throws -> Place {
        switch base {
        case .local(let path):
            guard let target = Self.joined(path, url) else { throw refusal("leads above the root") }
            return .local(target)
        case .remote(let location, let userinfo):
            guard let target = Self.joined(location.path, url), let sibling = location.elsewhere(target) else {
                throw refusal("leads out of the server's folder")
            }
            return .remote(sibling, userinfo)
        }
    }

    /// As git joins them: each `../` takes a part of the base away. Nil when there is none left.
    private static func joined(_ base: String, _ relative: String) -> String? {
        var parts = base.split(separator: "/").map(String.init)
        for part in relative.split(separator: "/") where part != "." {
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
            } else {
                parts.append(String(part))
            }
        }
        return parts.isEmpty ? nil : (base.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }

    private func refusal(_ why: String, cause: (any Error)? = nil) -> ForgeError {
        ForgeError(
            .usage, "source.submodule-url", "the URL of the submodule `\(path)` in `.gitmodules` \(why)",
            hint: "write an http://, https://, ssh:// or git:// URL, or one relative to the repository's own", cause: cause)
    }

    package static func undeclared(_ path: RelativePath) -> ForgeError {
        ForgeError(
            .usage, "source.submodule", "`\(path)` is a git submodule; its files are not part of this repository",
            hint: "write `submodules = true` below `[source]` in `crowdforge.toml` to have it fetched, `false` to do without")
    }
}

extension RemoteLocation {
    /// Another path on the same server; nil when that is no place.
    func elsewhere(_ path: String) -> RemoteLocation? {
        let user = user.map { "\($0)@" } ?? ""
        let text =
            path.hasPrefix("/")
            ? "\(transport.rawValue)://\(user)\(authority)\(path)" : "\(user)\(authority):\(path)"
        return (try? RemoteLocation(parsing: text)) ?? nil
    }

    /// Whether credentials for one may be shown to the other.
    package func isSameServer(as other: RemoteLocation) -> Bool {
        transport == other.transport && authority.lowercased() == other.authority.lowercased()
    }
}
