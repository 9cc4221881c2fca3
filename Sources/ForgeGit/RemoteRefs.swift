internal import CLibgit2
internal import ForgeModel

/// What a server says its refs are.
struct RemoteRefs {
    /// What to ask for.
    enum Choice {
        case ref(String)
        case id(String)
    }

    /// Name → full id. `refs/tags/v1^{}` is the commit behind the annotated tag `v1`.
    let ids: [String: String]

    init(ids: [String: String]) { self.ids = ids }

    init(of remote: RemoteConnection) throws { ids = try remote.refs() }

    /// - Parameter revision: nil is the default branch.
    /// - Throws: `FetchFailure`
    func choose(_ revision: String?, at location: RemoteLocation) throws -> Choice {
        guard let revision else { return try chooseDefault(location) }
        for candidate in ["", "refs/", "refs/tags/", "refs/heads/"].map({ $0 + revision }) {
            if ids[candidate] != nil && !candidate.hasSuffix("^{}") { return .ref(candidate) }
        }
        let isHex = revision.utf8.allSatisfy {
            ("0"..."9" ~= Character(UnicodeScalar($0))) || ("a"..."f" ~= Character(UnicodeScalar($0 | 32)))
        }
        if isHex, (4...40).contains(revision.utf8.count) { return try choose(id: revision.lowercased(), location) }
        if isHex && revision.utf8.count == 64 {
            throw failure("source.unsupported-commit", "`\(revision)` is a SHA-256 id; only SHA-1 repositories can be fetched", nil)
        }
        throw failure(
            "source.unknown-commit", "no branch, tag or commit `\(revision)` in the repository `\(location.text)`",
            nearest(revision).map { "did you mean `\($0)`?" } ?? "`git ls-remote \(location.text)` lists its branches and tags")
    }

    /// The full id behind a choice; an annotated tag stands for its commit.
    func commit(of choice: Choice) -> String? {
        switch choice {
        case .id(let id): id
        case .ref(let ref): ids[ref + "^{}"] ?? ids[ref]
        }
    }

    private func chooseDefault(_ location: RemoteLocation) throws -> Choice {
        if ids["HEAD"] != nil { return .ref("HEAD") }
        let branches = ids.keys.filter { $0.hasPrefix("refs/heads/") }.sorted()
        guard !branches.isEmpty else {
            throw failure("source.no-commits", "the repository `\(location.text)` has no commit yet", "push something first")
        }
        let named = branches.prefix(3).map { "`--commit \($0.dropFirst("refs/heads/".count))`" }.joined(separator: ", ")
        throw failure("source.no-default", "the repository `\(location.text)` has no default branch", "name one: \(named)")
    }

    private func choose(id: String, _ location: RemoteLocation) throws -> Choice {
        let matches = ids.filter { $0.value.hasPrefix(id) }
        let distinct = Set(matches.values)
        guard distinct.count <= 1 else {
            throw failure("source.ambiguous-commit", "several refs of `\(location.text)` begin with `\(id)`", "write more digits")
        }
        // The shortest, first name: the same every time. A tag is asked for by its own name, not by what is behind it.
        if let ref = matches.keys.min(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) {
            return .ref(ref.hasSuffix("^{}") ? String(ref.dropLast(3)) : ref)
        }
        if id.utf8.count == 40 { return .id(id) }
        throw failure(
            "source.unknown-commit", "no branch or tag of `\(location.text)` stands at a commit beginning with `\(id)`",
            "write the full id of 40 digits: a server cannot be asked for a part of one")
    }

    /// A branch or tag that differs in case or a few letters.
    private func nearest(_ revision: String) -> String? {
        let names = ids.keys.compactMap { name in
            ["refs/heads/", "refs/tags/"].first { name.hasPrefix($0) }.map { String(name.dropFirst($0.utf8.count)) }
        }.filter { !$0.hasSuffix("^{}") }
        return names.sorted().first { $0.lowercased() == revision.lowercased() || "v" + revision == $0 || "v" + $0 == revision }
    }

    private func failure(_ code: String, _ message: String, _ hint: String?) -> FetchFailure {
        FetchFailure(code: code, message: message, hint: hint)
    }
}
