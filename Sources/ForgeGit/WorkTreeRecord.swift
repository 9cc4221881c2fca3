internal import ForgeModel
internal import ForgeSystem

/// All that a walk looked at, with what `stat` said of it: while that stays, a second walk would list the same.
struct WorkTreeRecord: Sendable {
    enum Kind: UInt8, Sendable {
        case file
        case symlink
        /// A `.gitignore`, whether or not it is part of the source itself.
        case rules
    }

    struct Entry: Sendable {
        let name: String
        let kind: Kind
        let signature: FileSignature
    }

    /// A folder whose names were read; also one of which nothing is part of the source.
    struct Directory: Sendable {
        let path: RelativePath
        let signature: FileSignature
        var entries: [Entry] = []
    }

    /// Something outside the folders that has a say in what they hold.
    struct Watched: Sendable {
        enum State: Hashable, Sendable {
            case absent
            /// The repository's data: they change all the time, which one it is does not.
            case present(inode: UInt64)
            case content(FileSignature)
        }

        let path: String
        let state: State

        init(contentOf path: String) {
            self.path = path
            state = FileSignature.of(path).map { .content($0) } ?? .absent
        }

        init(presenceOf path: String) {
            self.path = path
            state = FileSignature.of(path).map { $0.isFile ? .content($0) : .present(inode: $0.inode) } ?? .absent
        }

        init(path: String, state: State) {
            self.path = path
            self.state = state
        }
    }

    /// Nanoseconds since 1970, taken before the first look.
    let began = FileSignature.now()
    private(set) var directories: [Directory] = []
    private(set) var watched: [Watched] = []

    /// Notes the folder; its number is for `add`.
    mutating func open(_ path: RelativePath, _ signature: FileSignature) -> Int {
        directories.append(Directory(path: path, signature: signature))
        return directories.count - 1
    }

    mutating func add(_ name: String, _ kind: Kind, _ signature: FileSignature, to directory: Int) {
        directories[directory].entries.append(Entry(name: name, kind: kind, signature: signature))
    }

    mutating func watch(_ files: [Watched]) { watched += files }

    /// Where a repository that holds `path` could come to lie.
    static func repositories(above path: String) -> [Watched] {
        var found: [Watched] = []
        var folder = path
        while true {
            found.append(Watched(presenceOf: folder == "/" ? "/.git" : folder + "/.git"))
            if folder == "/" { return found }
            folder = Files.parent(of: folder)
        }
    }
}
