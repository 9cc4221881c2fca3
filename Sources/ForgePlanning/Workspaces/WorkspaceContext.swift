internal import ForgeManifests
internal import ForgeModel
internal import ForgePresets

/// Where one app stands among the others, and what lies at their common root: lockfile, versions, the list of members.
final class WorkspaceContext {
    let workspace: Workspace
    /// Of the workspace's root.
    let root: ProjectFacts
    /// The app's folder below that.
    let folder: RelativePath
    /// Which of the workspace's folders are apps; known once all have been looked at.
    let apps: Set<RelativePath>

    init(workspace: Workspace, root: ProjectFacts, folder: RelativePath, apps: Set<RelativePath> = []) {
        self.workspace = workspace
        self.root = root
        self.folder = folder
        self.apps = apps
    }

    /// The manager that installs for the app together with others; nil when the app installs for itself.
    func manager(_ ecosystem: Ecosystem) -> PackageManager? {
        workspace.member(folder, ecosystem) == nil ? nil : workspace.manager(ecosystem)
    }

    /// Whether the app is built at the root, though its folder is another.
    var isBuiltAtRoot: Bool { workspace.members.contains { $0.path == folder && $0.isBuiltAtRoot } }

    /// Where the app's steps run.
    var site: RelativePath { isBuiltAtRoot ? .root : folder }

    var label: String { workspace.labels[folder] ?? folder.name }

    /// Steps of the root itself are called as they are in a project that is one app.
    func id(_ step: String) -> String { folder.isRoot ? step : "\(label):\(step)" }

    /// The id of the step that builds a member for others: one that is an app as well has a `build` of its own.
    func id(building member: RelativePath) -> String {
        "\(workspace.labels[member] ?? member.name):" + (apps.contains(member) || member == folder ? "library" : "build")
    }

    /// The facts of another folder of the workspace.
    func facts(of member: RelativePath) -> ProjectFacts {
        ProjectFacts(
            files: root.files.folder(member, without: workspace.folders), configuration: ProjectConfiguration(), catalog: root.catalog,
            workspace: WorkspaceContext(workspace: workspace, root: root, folder: member, apps: apps))
    }
}
