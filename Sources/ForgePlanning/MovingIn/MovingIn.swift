internal import ForgeManifests
internal import ForgeModel
internal import ForgePlatforms
internal import ForgePresets

/// What the files of other platforms say for one folder, most believed first. `crowdforge.toml` goes before all of them.
struct MovingIn {
    let parts: [PlatformConfiguration]

    /// Of the folder that `files` shows, by files in it and by files at the source's root that name it.
    init(files: ProjectFiles) {
        let nx = NxProject(files: files).configuration().map { [$0] } ?? []
        let own = nx + Self.chosen(PlatformReader(files: files).read(), for: .root, files)
        guard !files.root.isRoot else {
            parts = own
            return
        }
        let above = files.atSource
        parts = own + Self.chosen(PlatformReader(files: above).read(), for: files.root, above)
    }

    /// Of each file what concerns the folder, of several services the first.
    private static func chosen(
        _ all: [PlatformConfiguration], for folder: RelativePath, _ files: ProjectFiles
    ) -> [PlatformConfiguration] {
        var chosen: [PlatformConfiguration] = []
        for part in all {
            if part.root != folder {
                if folder.isRoot, let lost = lost(part, files) { chosen.append(lost) }
            } else if let index = chosen.firstIndex(where: { $0.file == part.file }) {
                let key = part.service.map { "services.\($0)" } ?? part.file
                chosen[index].left.append(
                    PlatformRemark(
                        key: key, reason: "another service of the same folder goes before it", line: part.settings.first?.location.line))
            } else {
                chosen.append(part)
            }
        }
        return chosen
    }

    /// A file that speaks for a folder that is not there.
    private static func lost(_ part: PlatformConfiguration, _ files: ProjectFiles) -> PlatformConfiguration? {
        guard let root = part.setting(.root), (try? files.node(part.root)) != .directory else { return nil }
        var lost = PlatformConfiguration(platform: part.platform, file: part.file)
        lost.service = part.service
        lost.fault = Diagnostic(
            "`\(root.key)` names the folder `\(root.text)`, which is not there", at: root.location,
            hint: "nothing is taken from it; correct it, or remove it when the project has moved")
        return lost
    }

    /// The setting that counts.
    func setting(_ slot: PlatformSetting.Slot) -> PlatformSetting? { parts.lazy.compactMap { $0.setting(slot) }.first }

    /// Whether the file that is believed first says that a server is started, or that a folder is published; nil: none says either.
    var isServer: Bool? {
        for part in parts {
            if part.setting(.start) != nil { return true }
            if part.setting(.output) != nil { return false }
        }
        return nil
    }

    /// Rules of a site: those of the file that is believed first and has any.
    var sitePart: PlatformConfiguration? { parts.first { !$0.site.isEmpty } }

    /// Values that the project publishes in these files.
    var environment: [String: String] {
        var environment: [String: String] = [:]
        for variable in parts.flatMap(\.variables) where environment[variable.name] == nil { environment[variable.name] = variable.value }
        return environment
    }

    /// Files that do not agree, where nothing settles it.
    func disagreements(_ configuration: ProjectConfiguration) -> [Diagnostic] {
        PlatformSetting.Slot.allCases.compactMap { slot in
            guard let key = slot.key, configuration.says(slot) == false, slot != .root, let first = setting(slot),
                let other = parts.lazy.compactMap({ $0.setting(slot) }).first(where: { $0.text != first.text })
            else { return nil }
            let words = key.split(separator: ".").map(String.init)
            return Diagnostic(
                "`\(first.location.file)` and `\(other.location.file)` do not agree: `\(first.text)` (\(first.place)) is used, not "
                    + "`\(other.text)` (\(other.place))",
                at: other.location, hint: "settle it in `crowdforge.toml`: `\(words[1]) = …` below `[\(words[0])]`")
        }
    }
}

extension ProjectConfiguration {
    /// Whether `crowdforge.toml` says what a slot is for.
    func says(_ slot: PlatformSetting.Slot) -> Bool {
        switch slot {
        case .port: deploy.port != nil
        case .health: deploy.health != nil
        case .root: build.root != nil
        case .fallback: site.fallback != nil
        default: slot.key.flatMap(value(of:)) != nil
        }
    }

    /// With the folders that the files of other platforms at the source's root name, where it names none itself: one is the app's
    /// root, several are several apps.
    func movedIn(_ tree: some SourceTree) -> ProjectConfiguration {
        guard build.root == nil, apps.isEmpty else { return self }
        let files = ProjectFiles(tree: tree)
        var services: [PlatformConfiguration] = []
        for part in PlatformReader(files: files).read() {
            guard part.root.isRoot || (try? files.node(part.root)) == .directory else { continue }
            if !services.contains(where: { $0.root == part.root }) { services.append(part) }
        }
        let placed = services.compactMap { part in part.setting(.root).map { (part: part, setting: $0) } }.filter { !$0.part.root.isRoot }
        var moved = self
        if placed.count == 1, services.filter(\.root.isRoot).allSatisfy({ $0.settings.isEmpty }) {
            moved.build.root = Located(placed[0].part.root, at: placed[0].setting.location)
        } else if placed.count > 1 {
            moved.apps = placed.map { item in
                var build = Build()
                build.root = Located(item.part.root, at: item.setting.location)
                return App(name: Located(item.part.service ?? item.part.root.name, at: item.setting.location), build: build)
            }
        }
        return moved
    }
}
