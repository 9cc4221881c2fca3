import ForgeModel
import Testing

/// Files and links by path; directories are implied.
private struct MemoryTree: SourceTree {
    var files: Set<String> = []
    var links: [String: String] = [:]

    func node(at path: RelativePath) -> SourceNode? {
        if path.isRoot { return .directory }
        if let target = links[path.string] { return .symlink(target: target) }
        if files.contains(path.string) { return .file(executable: false, size: 0) }
        return (files.union(links.keys)).contains { $0.hasPrefix(path.string + "/") } ? .directory : nil
    }

    func entries(of path: RelativePath) -> [SourceEntry] { [] }
    func read(_ path: RelativePath, limit: Int) -> [UInt8]? { nil }

    func resolved(_ text: String) throws -> String? { try resolve(RelativePath(parsing: text))?.string }
}

@Test func resolvingWithoutLinksOnlyAsksWhetherThePathExists() throws {
    let tree = MemoryTree(files: ["a/b"])
    #expect(try tree.resolved("a/b") == "a/b")
    #expect(try tree.resolved("a") == "a")
    #expect(try tree.resolved("") == "")
    #expect(try tree.resolved("a/c") == nil)
    #expect(try tree.resolved("a/b/c") == nil)
}

@Test func linksInsideTheTreeAreFollowed() throws {
    let tree = MemoryTree(
        files: ["real/file", "top"],
        links: [
            "file": "real/file", "dir": "real", "real/up": "../top", "chain": "dir/up", "dotted": "./real/.//file", "root": "real/..",
        ])
    #expect(try tree.resolved("file") == "real/file")
    #expect(try tree.resolved("dir/file") == "real/file")
    #expect(try tree.resolved("real/up") == "top")
    #expect(try tree.resolved("chain") == "top")
    #expect(try tree.resolved("dotted") == "real/file")
    #expect(try tree.resolved("root/top") == "top")
}

@Test(arguments: ["loop", "ping", "self/x", "grow"])
func aLoopEndsNowhere(path: String) throws {
    let tree = MemoryTree(links: ["loop": "loop", "ping": "pong", "pong": "ping", "self": ".//self", "grow": "grow/grow"])
    #expect(try tree.resolved(path) == nil)
}

@Test(arguments: ["absolute", "up", "deep/up", "round", "climbing/x", "dangling"])
func aLinkThatLeavesTheTreeEndsNowhere(path: String) throws {
    let tree = MemoryTree(
        files: ["x", "deep/y"],
        links: [
            "absolute": "/etc/passwd", "up": "../outside", "deep/up": "../../x", "round": "deep/../../x", "climbing": "..",
            "dangling": "not/here",
        ])
    #expect(try tree.resolved(path) == nil)
}

@Test func fortyLinksAreFollowedAndFortyOneAreNot() throws {
    var tree = MemoryTree(files: ["link0"])
    for number in 1...41 { tree.links["link\(number)"] = "link\(number - 1)" }
    #expect(try tree.resolved("link40") == "link0")
    #expect(try tree.resolved("link41") == nil)
}
