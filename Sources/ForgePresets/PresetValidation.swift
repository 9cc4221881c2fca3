internal import ForgeModel
internal import ForgePatterns
internal import ForgeTOML

extension Preset {
    /// Promotes a document to a preset; nil when `faults` grew. All that is wrong is said, not only the first.
    init?(validating document: PresetDocument, families: [String], digest: Digest, faults: FaultLog) {
        let before = faults.faults.count
        let check = PresetCheck(document: document, faults: faults)
        let steps = check.steps()
        check.names()
        check.derivations()
        check.variables()
        guard faults.faults.count == before, let named = document.id, let id = document.id?.value, let name = document.name?.value,
            let group = document.group?.value,
            let match = document.match, let artifact = document.artifact, let kind = artifact.kind?.value
        else { return nil }
        self.id = id
        self.name = name
        language = document.language?.value
        self.group = group
        order = document.order?.value ?? 0
        confidence = document.confidence?.value ?? .certain
        supersedes = document.supersedes.map(\.value)
        replaces = document.replaces
        ecosystem = document.ecosystem?.value
        toolchains = document.toolchains.map(\.value)
        self.match = match
        versions = document.versions.flatMap { versions in
            versions.dependency.map { name in
                KnownVersions(
                    dependency: name.value, min: versions.min.flatMap { VersionRange.numbers($0.value) },
                    maxKnown: versions.maxKnown.flatMap { VersionRange.numbers($0.value) })
            }
        }
        derive = document.derive
        self.steps = steps
        self.artifact = ArtifactTemplate(
            kind: kind, port: artifact.port?.value ?? 8080, healthPath: artifact.healthPath?.value,
            dockerfile: artifact.dockerfile.map { Template($0.value) },
            environment: Dictionary(artifact.environment.map { ($0.key, Template($0.value.value)) }) { $1 },
            leavesOut: artifact.leavesOut.map(\.value),
            writable: artifact.writable.compactMap { try? RelativePath(parsing: $0.value) })
        publicVariables = document.publicVariables.map(\.value)
        cases = document.cases.compactMap { item in
            item.when.map { PresetCase(when: $0, kind: item.kind, derive: item.derive) }
        }
        file = document.file
        written = Written(id: named.location, supersedes: document.supersedes, toolchains: document.toolchains)
        self.families = families
        self.digest = digest
    }
}

/// The checks that look at more than one value at a time.
private struct PresetCheck {
    let document: PresetDocument
    let faults: FaultLog
    /// Names a placeholder may have: what is derived, what every preset has, and what the package manager says.
    private let declared: Set<String>

    init(document: PresetDocument, faults: FaultLog) {
        self.document = document
        self.faults = faults
        declared = Set(Preset.standardKeys).union(document.derive.keys).union(document.cases.flatMap { $0.derive.keys })
    }

    func names() {
        if let id = document.id,
            !id.value.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }) || id.value.isEmpty
        {
            faults.add("`id` is lower-case letters, digits and `-`, found `\(id.value)`", at: id.location)
        }
        for other in document.supersedes where other.value == document.id?.value {
            faults.add("a preset cannot supersede itself", at: other.location)
        }
        if let port = document.artifact?.port, !(1...65535).contains(port.value) {
            faults.add("`port` runs from 1 to 65535", at: port.location)
        }
        if let path = document.artifact?.healthPath, !path.value.hasPrefix("/") {
            faults.add("`healthPath` begins with `/`, found `\(path.value)`", at: path.location)
        }
        let steps = document.steps.compactMap { $0.id?.value }
        for step in document.artifact?.leavesOut ?? [] where !steps.contains(step.value) {
            faults.add(
                "there is no step `\(step.value)` to leave out", at: step.location,
                hint: NearestName.of(step.value, in: steps).map { "did you mean `\($0)`?" })
        }
        for folder in document.artifact?.writable ?? [] where (try? RelativePath(parsing: folder.value)) == nil {
            faults.add(
                "`\(folder.value)` in `writable` is not a folder of the project", at: folder.location, hint: "write it like `tmp/cache`")
        }
        if let file = document.artifact?.dockerfile { placeholders(Template(file.value), at: file.location) }
    }

    func variables() {
        for prefix in document.publicVariables
        where !VariableName.isValid(prefix.value) || prefix.value.last != "_" || VariableName.platform(prefix.value) != nil {
            faults.add(
                "`\(prefix.value)` in `publicVariables` is not how a project's variables begin", at: prefix.location,
                hint: "write letters, digits and `_`, ending in `_`: `VITE_`")
        }
        for (name, value) in document.artifact?.environment ?? [] {
            if !VariableName.isValid(name) {
                faults.add("`\(name)` is not the name of a variable: \(VariableName.rule)", at: value.location)
            } else if let reason = VariableName.platform(name) {
                faults.add("`\(name)` cannot be set here: \(reason)", at: value.location)
            } else if value.value.contains("$") || value.value.utf8.contains(0) {
                faults.add("`\(name)` is taken literally: it can hold neither `$` nor NUL", at: value.location)
            }
            placeholders(Template(value.value), at: value.location)
        }
    }

    private func placeholders(_ template: Template, at location: SourceLocation, lists: Bool = false) {
        for name in template.placeholders {
            if name.hasPrefix("script.") || declared.contains(name) { continue }
            if name == "packageManager.install" { continue }
            if lists, Preset.packageManagerLists.contains(where: { name == "packageManager.\($0)" }) { continue }
            let known = declared.sorted() + (lists ? Preset.packageManagerLists.map { "packageManager.\($0)" } : [])
            faults.add(
                "placeholder `{{\(name)}}` is not declared", at: location,
                hint: NearestName.of(name, in: known).map { "did you mean `{{\($0)}}`?" } ?? "declare it with `[derive.\(name)]`")
        }
    }

    func derivations() {
        let all = [document.derive] + document.cases.map(\.derive)
        for source in all.flatMap({ $0.values }).flatMap(\.sources) {
            for template in source.rule.templates { placeholders(template, at: source.location) }
            if case .value(let key) = source.rule, !declared.contains(key) {
                faults.add(
                    "no value is called `\(key)`", at: source.location,
                    hint: NearestName.hint(for: key, in: declared.sorted()) ?? "declare it with `[derive.\(key)]`")
            }
        }
        if let versions = document.versions, document.ecosystem == nil, let name = versions.dependency {
            faults.add("`[versions]` needs an `ecosystem` to look for `\(name.value)` in", at: name.location)
        }
        for derive in all { derivationCycles(document.derive.merging(derive) { $1 }) }
    }

    private func derivationCycles(_ derive: [String: Derivation]) {
        func reaches(_ key: String, _ goal: String, _ seen: inout Set<String>) -> Bool {
            let next = derive[key]?.sources.map(\.rule).flatMap(\.names) ?? []
            return next.contains { $0 == goal || (seen.insert($0).inserted && reaches($0, goal, &seen)) }
        }
        for key in derive.keys.sorted() {
            var seen: Set<String> = []
            if reaches(key, key, &seen) {
                faults.add("`\(key)` is derived from itself", at: derive[key]?.sources.first?.location ?? document.location)
                return
            }
        }
    }

    func steps() -> [StepTemplate] {
        var seen: [String: SourceLocation] = [:]
        for id in document.steps.compactMap(\.id) {
            if let first = seen[id.value] {
                faults.add("two steps are called `\(id.value)`", at: id.location, hint: "the other one is at \(first)")
            }
            seen[id.value] = seen[id.value] ?? id.location
        }
        for step in document.steps {
            for need in step.needs where seen[need.value] == nil {
                faults.add(
                    "step `\(step.id?.value ?? "?")` needs `\(need.value)`, which is not a step", at: need.location,
                    hint: NearestName.hint(for: need.value, in: Array(seen.keys)))
            }
        }
        stepCycles()
        overlappingOutputs()
        return document.steps.compactMap(template)
    }

    private func stepCycles() {
        let needs = Dictionary(document.steps.map { ($0.id?.value ?? "", $0.needs.map(\.value)) }) { first, _ in first }
        for step in document.steps {
            guard let id = step.id else { continue }
            var path = [id.value]
            var seen: Set<String> = []
            while let next = (needs[path.last ?? ""] ?? []).first(where: {
                $0 == id.value || !seen.contains($0) && leads($0, id.value, needs)
            }) {
                path.append(next)
                if next == id.value {
                    let circle = path.map { "`\($0)`" }.joined(separator: " needs ")
                    faults.add("steps wait for each other: \(circle)", at: id.location)
                    return
                }
                seen.insert(next)
            }
        }
    }

    private func leads(_ from: String, _ goal: String, _ needs: [String: [String]]) -> Bool {
        var open = [from]
        var seen: Set<String> = []
        while let next = open.popLast() {
            if next == goal { return true }
            if seen.insert(next).inserted { open += needs[next] ?? [] }
        }
        return false
    }

    private func overlappingOutputs() {
        let outputs = document.steps.flatMap { step in
            step.folder != nil ? [] : step.outputs.map { (step.id?.value ?? "?", $0, step.ecosystem?.value ?? document.ecosystem?.value) }
        }
        for (index, (step, output, ecosystem)) in outputs.enumerated() {
            for (other, earlier, itsEcosystem) in outputs[..<index] where PresetCheck.overlap(earlier.value, output.value) {
                // Package managers of two ecosystems write to two folders.
                if ecosystem != itsEcosystem, output.value.contains("{{packageManager.") { continue }
                faults.add(
                    "output `\(output.value)` of step `\(step)` overlaps `\(earlier.value)` of step `\(other)`", at: output.location)
            }
        }
    }

    private static func overlap(_ left: String, _ right: String) -> Bool {
        guard let a = try? RelativePath(parsing: left), let b = try? RelativePath(parsing: right) else { return false }
        return a.isWithin(b) || b.isWithin(a)
    }

    private func template(_ step: PresetDocument.StepDocument) -> StepTemplate? {
        let lists = [step.inputs, step.outputs, step.caches, step.scratch].flatMap { $0 }
        for path in lists {
            let template = Template(path.value)
            placeholders(template, at: path.location, lists: true)
            if (try? Glob(template.parts.map(\.word).joined())) == nil {
                faults.add("path `\(path.value)` leaves the project or is malformed", at: path.location)
            }
        }
        if let folder = step.folder {
            placeholders(Template(folder.value), at: folder.location)
            if step.ecosystem == nil { faults.add("a step with a `folder` names the `ecosystem` that it has there", at: folder.location) }
        }
        guard let id = step.id, let run = run(step) else { return nil }
        return StepTemplate(
            id: id.value, title: step.title, ecosystem: step.ecosystem?.value, folder: step.folder.map { Template($0.value) },
            needs: step.needs.map(\.value), run: run, when: step.when,
            inputs: step.inputs.map { Template($0.value) }, outputs: step.outputs.map { Template($0.value) },
            caches: step.caches.map { Template($0.value) }, scratch: step.scratch.map { Template($0.value) }, network: step.network,
            environment: Dictionary(step.environment.map { ($0.key, $0.value.value) }) { $1 })
    }

    private func run(_ step: PresetDocument.StepDocument) -> StepTemplate.Run? {
        guard let words = step.run, let first = words.first else { return nil }
        words.forEach { placeholders(Template($0.value), at: $0.location) }
        if let shell = step.shell {
            if shell.value != "sh" { faults.add("`shell` can only be `sh`", at: shell.location) }
            if step.runIsArray { faults.add("with `shell`, `run` is one line, not an argument list", at: first.location) }
            return .shell(Template(first.value))
        }
        if step.runIsArray { return .argv(words.map { Template($0.value) }) }
        if let name = Template(first.value).solePlaceholder { return .command(name) }
        faults.add(
            "`run` is an argument list or one placeholder, found a line", at: first.location,
            hint: "write `run = [\"…\", \"…\"]`, or add `shell = \"sh\"`")
        return nil
    }
}
