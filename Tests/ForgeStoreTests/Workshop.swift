import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

/// A folder of a test's own with a store in it, gone with the value.
struct Workshop: ~Copyable {
    let root: String

    init() throws {
        let root = "\(try #require(try Files.resolved(NSTemporaryDirectory())))/forge-store-test-\(UUID().uuidString)"
        try Files.makeDirectory(root)
        self.root = root
    }

    var storePath: String { root + "/store" }
    func store() async throws -> Store { try await Store.open(at: storePath) }

    /// Standard output of a foreign tool, which must succeed.
    func tool(_ path: String, _ arguments: String...) async throws -> String {
        let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"]
        let (status, output, error) = try await ChildProcess.output(
            ChildProcess.Request(path, arguments, environment: environment, workingDirectory: root))
        try #require(status.isSuccess, "\(path): \(String(decoding: error, as: UTF8.self))")
        return String(decoding: output, as: UTF8.self)
    }

    /// Everything below a folder as `find` sees it: type, octal mode, seconds, path, link target.
    func find(_ folder: String) async throws -> [String] {
        try await tool("/usr/bin/find", folder, "-mindepth", "1", "-printf", "%y %m %P %l\n").split(separator: "\n").map { line in
            line.hasSuffix(" ") ? String(line.dropLast()) : String(line)
        }.sorted()
    }

    deinit { try? Files.removeTree(root) }
}

/// A source tree in memory; folders come with the paths.
struct MemorySource: SourceTree {
    enum Content {
        case file(String), program(String), link(String), folder
    }

    private var contents: [RelativePath: Content] = [:]

    init(_ contents: [String: Content]) throws { try self.init(contents.map { ($0, $1) }) }

    init(_ contents: [(String, Content)]) throws {
        for (path, content) in contents {
            let path = try RelativePath(parsing: path)
            self.contents[path] = content
            var parent = path.parent
            while !parent.isRoot {
                self.contents[parent] = .folder
                parent = parent.parent
            }
        }
    }

    func node(at path: RelativePath) -> SourceNode? {
        switch contents[path] {
        case .file(let text): .file(executable: false, size: Int64(text.utf8.count))
        case .program(let text): .file(executable: true, size: Int64(text.utf8.count))
        case .link(let target): .symlink(target: target)
        case .folder: .directory
        case nil: path.isRoot ? .directory : nil
        }
    }

    func entries(of path: RelativePath) -> [SourceEntry] {
        contents.keys.filter { !$0.isRoot && $0.parent == path }.sorted()
            .compactMap { child in node(at: child).map { SourceEntry(name: child.name, node: $0) } }
    }

    func read(_ path: RelativePath, limit: Int) -> [UInt8]? {
        switch contents[path] {
        case .file(let text), .program(let text): Array(text.utf8.prefix(limit))
        default: nil
        }
    }
}

extension TreeStore {
    /// A stored tree as lines: `path`, `path*` for a program, `path/` for a folder, `path -> target`; files with their text.
    func lines(_ root: Digest) throws -> [String] { try sourceTree(root).lines() }
}

extension SourceTree {
    func lines(below path: RelativePath = .root) throws -> [String] {
        try entries(of: path).flatMap { entry -> [String] in
            let child = path.appending(component: entry.name)
            switch entry.node {
            case .directory: return ["\(child)/"] + (try lines(below: child))
            case .symlink(let target): return ["\(child) -> \(target)"]
            case .file(let executable, _):
                let text = String(decoding: try read(child, limit: 40) ?? [], as: UTF8.self)
                return ["\(child)\(executable ? "*" : ""): \(text)"]
            }
        }
    }
}

func paths(_ texts: String...) throws -> [RelativePath] { try texts.map { try RelativePath(parsing: $0) } }

/// The error a body throws, when it is one of ours.
func forgeError(_ body: () async throws -> Void) async -> ForgeError? {
    do { try await body() } catch { return error as? ForgeError }
    return nil
}
