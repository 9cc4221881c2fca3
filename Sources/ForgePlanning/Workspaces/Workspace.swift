package import ForgeManifests
package import ForgeModel
package import ForgePresets

/// One repository's packages that are installed together: a root and the members it lists. Known from manifests alone.
package struct Workspace: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        /// Below the workspace's root; the root itself may be a member.
        package let path: RelativePath
        package let ecosystem: Ecosystem
        /// As other members ask for it.
        package let name: String
        /// Folders of the members it asks for, sorted.
        package let dependencies: [RelativePath]
        /// Other folders and files of the workspace that its manifest points to: an install needs them.
        package let folders: [RelativePath]
        /// Files of its own that are linked as programs.
        package let programs: [RelativePath]
        /// Whether it lists a package that generates what servers need (`GeneratedFiles`).
        package let generates: Bool
        /// Whether its commands run in the workspace's root and write there.
        package let isBuiltAtRoot: Bool

        package init(
            path: RelativePath, ecosystem: Ecosystem, name: String, dependencies: [RelativePath], folders: [RelativePath] = [],
            programs: [RelativePath] = [], generates: Bool = false, isBuiltAtRoot: Bool = false
        ) {
            self.generates = generates
            self.isBuiltAtRoot = isBuiltAtRoot
            self.path = path
            self.ecosystem = ecosystem
            self.name = name
            self.dependencies = dependencies
            self.folders = folders
            self.programs = programs
        }
    }

    /// Below the source's root.
    package let root: RelativePath
    /// The managers that know of it, one an ecosystem.
    package let managers: [PackageManager]
    /// Sorted by path; a folder may be a member of two ecosystems.
    package let members: [Member]
    /// What a folder is called in the names of steps and options, unique.
    package let labels: [RelativePath: String]
    /// Of members and apps, sorted.
    package let folders: [RelativePath]
    private let reach: [RelativePath: Set<RelativePath>]
    /// The members again, by their folders: each is asked for many times.
    private let lying: [RelativePath: [Member]]
    /// Folders that another member asks for.
    private let needed: Set<RelativePath>

    /// - Parameters:
    ///   - extra: folders that are apps without being members.
    ///   - names: labels that the project itself gives.
    package init(
        root: RelativePath, managers: [PackageManager], members: [Member], extra: [RelativePath] = [], names: [RelativePath: String] = [:]
    ) {
        self.root = root
        self.managers = managers
        self.members = members.sorted { ($0.path, $0.ecosystem.rawValue) < ($1.path, $1.ecosystem.rawValue) }
        let folders = Set(members.map(\.path) + extra)
        labels = Workspace.labels(folders, members, given: names)
        self.folders = labels.keys.sorted()
        reach = Workspace.reach(folders, members)
        lying = Dictionary(grouping: self.members, by: \.path)
        needed = Set(members.flatMap { member in member.dependencies.filter { $0 != member.path } })
    }

    package func manager(_ ecosystem: Ecosystem) -> PackageManager? { managers.first { $0.ecosystem == ecosystem } }

    package func member(_ path: RelativePath, _ ecosystem: Ecosystem) -> Member? {
        lying[path]?.first { $0.ecosystem == ecosystem }
    }

    /// The folder itself and all that it depends on, directly or not; sorted.
    package func closure(of folder: RelativePath) -> [RelativePath] { (reach[folder] ?? []).union([folder]).sorted() }

    /// Folders that have nothing to do with `folder`: neither of its closure, nor around one of it, nor inside another of these.
    package func strangers(to folder: RelativePath) -> [RelativePath] {
        let own = closure(of: folder)
        let apart = folders.filter { other in !other.isRoot && !own.contains { $0.isWithin(other) } }
        return apart.filter { other in !apart.contains { $0 != other && other.isWithin($0) } }
    }

    /// All of the closure that is built before `folder` is; sorted. Of members that need each other, the one whose path comes first
    /// is built first: everybody agrees on that, whichever app is asked for.
    package func builtBefore(_ folder: RelativePath) -> [RelativePath] {
        closure(of: folder).filter { other in
            other != folder && (!(reach[other]?.contains(folder) ?? false) || other < folder)
        }
    }

    package func isNeeded(_ folder: RelativePath) -> Bool { needed.contains(folder) }

    private static func reach(_ folders: Set<RelativePath>, _ members: [Member]) -> [RelativePath: Set<RelativePath>] {
        let edges = Dictionary(grouping: members, by: \.path).mapValues { $0.flatMap(\.dependencies) }
        return Dictionary(
            uniqueKeysWithValues: folders.map { folder in
                var found: Set<RelativePath> = []
                var open = edges[folder] ?? []
                while let next = open.popLast() {
                    if found.insert(next).inserted { open += edges[next] ?? [] }
                }
                return (folder, found)
            })
    }

    /// The folder's own name; where two share it, the whole path. The root is called by its package's name.
    private static func labels(
        _ folders: Set<RelativePath>, _ members: [Member], given: [RelativePath: String]
    ) -> [RelativePath: String] {
        let names = Dictionary(grouping: folders.filter { given[$0] == nil && !$0.isRoot }, by: \.name)
        var labels = given
        for (name, paths) in names {
            let isTaken = paths.count > 1 || given.values.contains(name)
            for path in paths { labels[path] = isTaken ? path.components.joined(separator: "-") : name }
        }
        if folders.contains(.root), labels[.root] == nil {
            let own = members.first { $0.path.isRoot }?.name.split(separator: "/").last.map(String.init) ?? ""
            labels[.root] = own.isEmpty || labels.values.contains(own) ? "root" : own
        }
        return labels
    }
}
