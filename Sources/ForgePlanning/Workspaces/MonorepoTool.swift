internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePlatforms
internal import ForgePresets

/// A tool whose own file lists the projects of a repository, where no package manager does.
struct MonorepoTool: Sendable {
    enum Listing: Sendable {
        /// Patterns of folders, or these where the file says nothing.
        case patterns(String, otherwise: [String])
        /// A list of tables with a folder in each.
        case tables(String, folder: String)
        /// Folders in which this file lies, as far as it is an application's.
        case projects(String)
    }

    /// At the root.
    let file: String
    let listing: Listing

    static let all = [
        MonorepoTool(file: "nx.json", listing: .projects("project.json")),
        MonorepoTool(file: "rush.json", listing: .tables("/projects", folder: "projectFolder")),
        MonorepoTool(file: "lerna.json", listing: .patterns("/packages", otherwise: ["packages/*"])),
    ]

    /// The projects' folders, sorted; nil where the tool is not used or lists none.
    /// - Throws: `ForgeError` `detect.manifest-syntax`
    func folders(_ files: ProjectFiles) throws -> [RelativePath]? {
        guard let document = try files.json(Manifests.path(file)) else { return nil }
        let folders: [RelativePath]
        switch listing {
        case .patterns(let pointer, let otherwise):
            var patterns = otherwise
            if case .array(let elements)? = document.at(pointer: pointer)?.value { patterns = elements.compactMap(\.string) }
            folders = try patterns.compactMap { try? Glob($0) }.flatMap { try files.expand($0, kind: .directory, limit: 4096) }.filter {
                try files.isFile($0.appending(Manifests.path("package.json")))
            }
        case .tables(let pointer, let folder):
            guard case .array(let elements)? = document.at(pointer: pointer)?.value else { return nil }
            folders = try elements.compactMap { $0[folder]?.string.flatMap { try? RelativePath(parsing: $0) } }.filter {
                try files.node($0) == .directory
            }
        case .projects(let name):
            folders = try files.expand(Glob("**/\(name)"), limit: 4096).filter { path in
                try files.json(path)?["projectType"]?.string == "application"
            }.map(\.parent)
        }
        let unique = Set(folders.filter { !$0.isRoot }).sorted()
        return unique.isEmpty ? nil : unique
    }

    /// Whether everything is installed, and each project built, in the root.
    var worksAtRoot: Bool { if case .projects = listing { true } else { false } }
}

/// One application of an Nx workspace, in the words of its `project.json`: it is built in the workspace's root.
struct NxProject {
    /// How executors begin after the last `/` of their names, and the presets of what they build.
    private static let presets: [(executor: String, preset: String)] = [
        ("next:", "nextjs"), ("vite:", "vite"), ("angular:", "angular"), ("build:application", "angular"), ("build-angular:", "angular"),
        ("astro:", "astro"),
        ("remix:", "remix"), ("nuxt:", "nuxtjs"), ("node:", "node"), ("esbuild:", "node"), ("js:node", "node"), ("expo:", "expo"),
    ]

    let files: ProjectFiles

    /// Nil for a folder that is none. A root whose scripts start Nx without a name is the workspace's default project.
    func configuration() -> PlatformConfiguration? {
        let path = Manifests.path("project.json")
        if !files.root.isRoot, (try? files.above(Glob("nx.json"))) ?? nil != nil { return configuration(path, named: files.root.name) }
        // The workspace's own view of its root hides the members.
        let files = files.atSource
        guard self.files.root.isRoot, let name = (try? files.json(Manifests.path("nx.json")))?["defaultProject"]?.string,
            let start = (try? files.json(Manifests.path("package.json")))?.at(pointer: "/scripts/start")?.string,
            SourceText.words(of: start).first == "nx", let glob = try? Glob("**/\(path.string)"),
            let project = (try? files.expand(glob, limit: 4096))?.first(where: { path in
                (try? files.json(path))?["name"]?.string ?? path.parent.name == name
            })
        else { return nil }
        return NxProject(files: files).configuration(project, named: name)
    }

    private func configuration(_ path: RelativePath, named folder: String) -> PlatformConfiguration? {
        guard let document = try? files.json(path), document["projectType"]?.string == "application" else { return nil }
        guard let build = document.at(pointer: "/targets/build") else {
            return NxBundle(files: files, project: path).flatMap { $0.configuration(document["name"]?.string ?? folder) }
        }
        let file = files.display(path)
        var found = PlatformConfiguration(platform: "Nx", file: file)
        func add(_ slot: PlatformSetting.Slot, _ text: String, _ key: String, _ node: JSONNode) {
            found.settings.append(
                PlatformSetting(
                    slot: slot, text: text, key: key, location: SourceLocation(file: file, line: node.line, column: node.column),
                    isWhole: slot == .output))
        }
        let name = document["name"]?.string ?? folder
        guard let executor = build["executor"], let word = executor.string?.split(separator: "/").last else { return nil }
        // A command of the project's own runs what its configuration says.
        let bundle = word.hasPrefix("nx:run-commands") || word == "run-commands" ? NxBundle(files: files, project: path) : nil
        // Bundlers build pages and programs; a program is meant where they are told so.
        let isProgram = build.at(pointer: "/options/target")?.string == "node" || bundle?.isProgram == true
        let preset = isProgram ? "node" : Self.presets.first { word.hasPrefix($0.executor) }?.preset
        // Of the others it is only known what installs what they need.
        add(.framework, preset ?? "node", "targets.build.executor", executor)
        let isPlain = build["defaultConfiguration"] == nil && build.at(pointer: "/configurations/production") != nil
        add(.build, "nx run \(CommandText.quote("\(name):build\(isPlain ? ":production" : "")"))", "targets.build", build)
        guard let output = build.at(pointer: "/options/outputPath") ?? build.at(pointer: "/outputs/0"), let text = output.string,
            let folder = try? RelativePath(parsing: text.replacing("{workspaceRoot}/", with: "")), !folder.string.contains("{")
        else {
            bundle?.result.forEach { found.settings.append($0) }
            return found
        }
        let key = build.at(pointer: "/options/outputPath") == nil ? "targets.build.outputs" : "targets.build.options.outputPath"
        add(.output, folder.display, key, output)
        switch preset {
        case "node": add(.start, "exec node \(CommandText.quote("\(folder.string)/main.js"))", key, output)
        case "nextjs": add(.start, "next start \(CommandText.quote(folder.string))", key, output)
        case "angular" where NxProject.rendersOnDemand(build):
            add(.start, "exec node \(CommandText.quote("\(folder.string)/server/server.mjs"))", "targets.build.options.ssr", build)
        default: break
        }
        return found
    }
    /// Angular's server, unless all pages are made beforehand.
    private static func rendersOnDemand(_ build: JSONNode) -> Bool {
        guard let ssr = build.at(pointer: "/options/ssr"), build.at(pointer: "/options/outputMode")?.string != "static" else {
            return false
        }
        if case .bool(let isOn) = ssr.value { return isOn }
        return true
    }
}

/// What a bundler of an Nx project is told by its own configuration: a plug-in in `nx.json` makes the target of it that
/// `project.json` does not list.
struct NxBundle {
    private struct Plugin {
        let name: String
        let file: String
        let preset: String
    }

    private static let plugins = [
        Plugin(name: "@nx/webpack/plugin", file: "webpack", preset: "node"),
        Plugin(name: "@nx/rspack/plugin", file: "rspack", preset: "node"),
        Plugin(name: "@nx/vite/plugin", file: "vite", preset: "vite"), Plugin(name: "@nx/next/plugin", file: "next", preset: "nextjs"),
        Plugin(name: "@nx/nuxt/plugin", file: "nuxt", preset: "nuxtjs"),
    ]

    let isProgram: Bool
    private let plugin: Plugin
    private let target: String
    private let file: String
    private let output: RelativePath

    /// - Parameter project: the `project.json`. Nil where no plug-in knows its folder.
    init?(files: ProjectFiles, project: RelativePath) {
        guard case .array(let listed)? = (try? files.atSource.json(Manifests.path("nx.json")))?["plugins"]?.value else { return nil }
        let beside = project.parent.isRoot ? "" : project.parent.string + "/"
        let folder = ([files.root, project.parent].filter { !$0.isRoot }.map(\.string)).joined(separator: "/")
        for plugin in Self.plugins {
            guard let entry = listed.first(where: { ($0.string ?? $0["plugin"]?.string) == plugin.name }),
                let glob = try? Glob("\(beside)\(plugin.file).config.{js,ts,mjs,mts,cjs,cts}"), let path = (try? files.expand(glob))?.first,
                let text = try? files.text(path)
            else { continue }
            let code = Comments.strip(text, .js)
            let said =
                switch plugin.file {
                case "webpack", "rspack":
                    code.firstMatch(of: /path\s*:\s*(?:path\.)?(?:join|resolve)\(\s*__dirname\s*,\s*["'`]([^"'`]+)["'`]/).map {
                        String($0.1)
                    }
                case "vite": code.firstMatch(of: /outDir\s*:\s*["'`]([^"'`]+)["'`]/).map { String($0.1) }
                case "next": ".next"
                default: ".output"
                }
            guard let output = Self.path(said ?? "dist", from: folder) else { continue }
            self.plugin = plugin
            self.output = output
            isProgram = plugin.preset == "node" && code.firstMatch(of: /target\s*:\s*["'`]node["'`]/) != nil
            target = entry.at(pointer: "/options/buildTargetName")?.string ?? "build"
            file = files.display(path)
            return
        }
        return nil
    }

    func configuration(_ name: String) -> PlatformConfiguration? {
        var found = PlatformConfiguration(platform: "Nx", file: file)
        found.settings = [setting(.framework, plugin.preset), setting(.build, "nx run \(CommandText.quote("\(name):\(target)"))")] + result
        return found
    }

    /// What is written and how it is started.
    var result: [PlatformSetting] {
        let start: String? =
            switch plugin.preset {
            case "node": isProgram ? "exec node \(CommandText.quote("\(output.string)/main.js"))" : nil
            case "nextjs": "next start \(CommandText.quote(output.parent.string))"
            case "nuxtjs": "exec node \(CommandText.quote("\(output.string)/server/index.mjs"))"
            default: nil
            }
        return [setting(.output, output.display)] + (start.map { [setting(.start, $0)] } ?? [])
    }

    private func setting(_ slot: PlatformSetting.Slot, _ text: String) -> PlatformSetting {
        PlatformSetting(
            slot: slot, text: text, key: plugin.name, location: SourceLocation(file: file, line: 1), isWhole: slot == .output)
    }

    /// Configurations name folders from where they lie.
    private static func path(_ text: String, from folder: String) -> RelativePath? {
        var parts = folder.split(separator: "/").map(String.init)
        for part in text.split(separator: "/") where part != "." {
            guard part == ".." else {
                parts.append(String(part))
                continue
            }
            guard parts.popLast() != nil else { return nil }
        }
        return try? RelativePath(parsing: parts.joined(separator: "/"))
    }
}
