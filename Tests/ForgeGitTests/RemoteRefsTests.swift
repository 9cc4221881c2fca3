import Testing

@testable import ForgeGit

@Suite struct RemoteRefsTests {
    private static let one = String(repeating: "1", count: 40)
    private static let two = String(repeating: "2", count: 39) + "a"
    private static let tag = String(repeating: "2", count: 39) + "b"

    private let refs = RemoteRefs(ids: [
        "HEAD": one, "refs/heads/main": one, "refs/heads/v1": two, "refs/tags/v1": tag, "refs/tags/v1^{}": two, "refs/heads/deadbeef": one,
        "refs/pull/7/head": two,
    ])

    private func chosen(_ revision: String?, _ refs: RemoteRefs) -> String {
        do {
            let location = try #require(try RemoteLocation(parsing: "https://example.org/x"))
            switch try refs.choose(revision, at: location) {
            case .ref(let name): return name
            case .id(let id): return "id \(id)"
            }
        } catch { return (error as? FetchFailure)?.code ?? "\(error)" }
    }

    @Test func namesAreLookedUpAsGitDoesAndIdsByWhatIsAdvertised() {
        #expect(chosen(nil, refs) == "HEAD")
        #expect(chosen("main", refs) == "refs/heads/main")
        #expect(chosen("v1", refs) == "refs/tags/v1")
        #expect(chosen("heads/v1", refs) == "refs/heads/v1")
        #expect(chosen("refs/pull/7/head", refs) == "refs/pull/7/head")
        #expect(chosen("deadbeef", refs) == "refs/heads/deadbeef")
        #expect(chosen(Self.one, refs) == "HEAD")
        #expect(chosen("11111", refs) == "HEAD")
        #expect(chosen(Self.two.uppercased(), refs) == "refs/heads/v1")
        #expect(chosen(String(repeating: "3", count: 40), refs) == "id \(String(repeating: "3", count: 40))")
    }

    @Test func whatCannotBeChosenSaysWhy() {
        #expect(chosen("2222", refs) == "source.ambiguous-commit")
        #expect(chosen("33333", refs) == "source.unknown-commit")
        #expect(chosen("v1^{}", refs) == "source.unknown-commit")
        #expect(chosen("", refs) == "source.unknown-commit")
        #expect(chosen(String(repeating: "a", count: 64), refs) == "source.unsupported-commit")
        #expect(chosen(nil, RemoteRefs(ids: [:])) == "source.no-commits")
        #expect(chosen(nil, RemoteRefs(ids: ["refs/heads/trunk": Self.one])) == "source.no-default")
    }

    @Test func wantsThatAreRepeatedGoOutOnce() {
        func passed(_ writes: [String]) -> [String] {
            var filter = WantsFilter()
            return writes.map { text in
                Array(text.utf8).withUnsafeBytes { String(decoding: filter.passed($0), as: UTF8.self) }
            }
        }
        let wants = "0032want \(Self.one)\n000cdeepen 10000"
        #expect(passed([wants, wants + "0009done\n"]) == [wants, "0009done\n"])
        #expect(passed([wants, "0009done\n"]) == [wants, "0009done\n"])
        #expect(passed([wants, "0032want \(Self.two)\n"]) == [wants, "0032want \(Self.two)\n"])
    }
}
