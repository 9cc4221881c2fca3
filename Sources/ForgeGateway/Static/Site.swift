internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// The open root of one route: names are looked up below it and nowhere else. Calls block.
final class Site: Sendable {
    let entry: RouteEntry
    let rules: SiteRulebook
    private let root: Descriptor

    /// - Throws: `SystemError` when the root is not there.
    init(_ entry: RouteEntry) throws {
        self.entry = entry
        self.rules = SiteRulebook(entry.site ?? SiteRules())
        self.root = try Descriptor.open(entry.root, O_RDONLY | O_DIRECTORY)
    }

    /// Whether the directory was removed since it was opened.
    var isGone: Bool {
        var status = stat()
        return fstat(root.raw, &status) != 0 || status.st_nlink == 0
    }

    enum Node: Sendable {
        /// `path` is where the file really stands, behind links.
        case file(Descriptor, path: String, size: Int64)
        case directory
    }

    /// What stands at the names below the root; nil when nothing that may be served does. Symbolic links are followed
    /// inside the root only, and never to a hidden name.
    func node(_ names: [String]) throws -> Node? {
        do { return try open(names) } catch let error as SystemError where error.errno == ELOOP {
            guard let real = try resolve(names), !RequestPath.isHidden(real) else { return nil }
            do { return try open(real) } catch let error as SystemError where error.errno == ELOOP { return nil }
        }
    }

    /// The file at the names, if it is one.
    func file(_ names: [String]) throws -> Node? {
        guard case .file(let file, let path, let size)? = try node(names) else { return nil }
        return .file(file, path: path, size: size)
    }

    private func open(_ names: [String]) throws -> Node? {
        let path = names.isEmpty ? "." : names.joined(separator: "/")
        do {
            // A pipe or device must not make the open wait.
            let file = try root.openBeneath(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            var status = stat()
            guard fstat(file.raw, &status) == 0 else { throw SystemError.last("fstat", path) }
            switch status.st_mode & S_IFMT {
            case S_IFREG: return .file(file, path: path, size: Int64(status.st_size))
            case S_IFDIR: return .directory
            default: return nil
            }
        } catch let error as SystemError where Self.meansAbsent.contains(error.errno) {
            return nil
        }
    }

    private static let meansAbsent: Set<Int32> = [ENOENT, ENOTDIR, ENAMETOOLONG, EACCES, EPERM, EXDEV, ENXIO, ENODEV, EINVAL]

    /// Follows links name by name; nil when they leave the root, loop or end nowhere.
    private func resolve(_ names: [String]) throws -> [String]? {
        var done: [String] = []
        var rest = names
        var links = 0
        while !rest.isEmpty {
            let name = rest.removeFirst()
            if name == ".." {
                if done.popLast() == nil { return nil }
                continue
            }
            guard let target = link(at: done + [name]) else {
                done.append(name)
                continue
            }
            links += 1
            guard links <= 40, !target.hasPrefix("/") else { return nil }
            rest = target.split(separator: "/").filter { $0 != "." }.map(String.init) + rest
        }
        return done
    }

    /// Where the link at `names` points; nil when no link stands there.
    private func link(at names: [String]) -> String? {
        let folder = names.count == 1 ? "." : names.dropLast().joined(separator: "/")
        guard let directory = try? root.openBeneath(folder, O_RDONLY | O_DIRECTORY),
            let target = try? directory.linkTarget(of: names[names.count - 1])
        else { return nil }
        return String(validating: target, as: UTF8.self)
    }
}

/// The sites that are open now, one a host.
final class OpenSites: Sendable {
    private let sites = Mutex<[String: Site]>([:])

    /// The site of `entry`; opened anew when the route of `host` changed or its directory was replaced.
    func site(_ host: String, _ entry: RouteEntry) throws -> Site {
        if let site = sites.withLock({ $0[host] }), site.entry == entry, !site.isGone { return site }
        let site = try Site(entry)
        sites.withLock { $0[host] = site }
        return site
    }

    /// Closes what `snapshot` no longer names; answers that are under way keep what they use.
    func keep(only snapshot: RouteSnapshot) {
        sites.withLock { sites in sites = sites.filter { snapshot.entries[$0.key] == $0.value.entry } }
    }
}
