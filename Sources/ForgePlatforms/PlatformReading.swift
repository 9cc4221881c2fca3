internal import ForgeManifests
internal import ForgeModel

/// Sorts what one file says by what its keys mean.
struct PlatformReading {
    private let platform: String
    private let file: String
    /// What is said outside of any service.
    private var common: PlatformConfiguration
    private var services: [PlatformConfiguration] = []

    init(platform: String, file: String) {
        self.platform = platform
        self.file = file
        common = PlatformConfiguration(platform: platform, file: file)
    }

    /// One for each service; of a file without services, one.
    var configurations: [PlatformConfiguration] {
        guard !services.isEmpty else { return [common] }
        return services.enumerated().map { index, service in
            var service = service
            service.variables = common.variables + service.variables
            if index == 0 { service.left += common.left }
            return service
        }
    }

    mutating func read(_ document: JSONNode, _ keys: [String: PlatformFile.Meaning]) {
        var found = common
        read(document, keys, below: [], prefix: "", into: &found)
        common = found
    }

    private mutating func read(
        _ table: JSONNode, _ keys: [String: PlatformFile.Meaning], below path: [String], prefix: String,
        into found: inout PlatformConfiguration
    ) {
        for member in table.members {
            let path = path + [member.key]
            let name = path.joined(separator: ".")
            let place = Place(key: prefix + name, location: location(member.node), line: member.line)
            if let meaning = keys[name] {
                read(member.node, meaning, at: place, into: &found)
            } else if !member.node.members.isEmpty, keys.keys.contains(where: { $0.hasPrefix(name + ".") }) {
                read(member.node, keys, below: path, prefix: prefix, into: &found)
            } else if let meaning = keys[(path.dropLast() + ["*"]).joined(separator: ".")] {
                read(member.node, meaning, at: place, into: &found)
            } else if keys.keys.contains(where: { $0.hasPrefix(name + ".") }) {
                // An empty table, or a word where a table is expected.
                if member.node.scalar != nil { found.leave(place, "a table is expected here") }
            } else {
                found.leave(place, "unknown here")
            }
        }
    }

    /// Where a value stands and how it is called.
    struct Place {
        let key: String
        let location: SourceLocation
        let line: Int
    }

    func location(_ node: JSONNode) -> SourceLocation { SourceLocation(file: file, line: node.line, column: node.column) }

    private mutating func read(
        _ node: JSONNode, _ meaning: PlatformFile.Meaning, at place: Place, into found: inout PlatformConfiguration
    ) {
        switch meaning {
        case .silent: break
        case .left(let reason): if !node.isNothing { found.leave(place, reason) }
        case .setting(let slot): set(slot, node, at: place, into: &found)
        case .first(let key, let slot):
            guard case .array(let elements) = node.value, let value = elements.first?[key] else { return }
            set(slot, value, at: Place(key: "\(place.key).\(key)", location: location(value), line: value.line), into: &found)
        case .variables: variables(node, at: place, into: &found)
        case .names:
            guard case .array(let elements) = node.value else { return found.leave(place, "a list of names is expected here") }
            for name in elements.compactMap(\.string) { declare(name, nil, Place(node: node, name, place, file), into: &found) }
        case .site(let list): read(node, list, at: place, into: &found)
        case .siteWord(let word): read(node, word, at: place, into: &found)
        case .words(let words): if let reason = node.string.flatMap({ words[$0] }) { found.leave(place, reason) }
        case .services(let keys, let types): service(node, keys, types, at: place, into: &found)
        }
    }

    private mutating func service(
        _ node: JSONNode, _ keys: [String: PlatformFile.Meaning], _ types: Set<String>, at place: Place,
        into found: inout PlatformConfiguration
    ) {
        guard case .array(let elements) = node.value else { return found.leave(place, "a list is expected here") }
        for (index, element) in elements.enumerated() {
            let name = element["name"]?.string ?? String(index)
            let label = "\(place.key).\(name)"
            let whole = Place(key: label, location: location(element), line: element.line)
            if let type = element["type"]?.string, !types.isEmpty, !types.contains(type) {
                found.leave(whole, "of type `\(type)`: only servers and sites are run")
                continue
            }
            var service = PlatformConfiguration(platform: platform, file: file)
            service.service = name
            read(element, keys, below: [], prefix: label + ".", into: &service)
            services.append(service)
        }
    }

    func set(_ slot: PlatformSetting.Slot, _ node: JSONNode, at place: Place, into found: inout PlatformConfiguration) {
        guard !node.isNothing else { return }
        do throws(PlatformFault) {
            guard let text = try PlatformValue.text(slot, node) else { return }
            guard found.setting(slot) == nil else { return found.leave(place, "another key says it") }
            found.settings.append(PlatformSetting(slot: slot, text: text, key: place.key, location: place.location))
        } catch { return found.leave(place, error.reason) }
        for command in slot == .build ? node.string.map(InstallWords.passedOver) ?? [] : [] {
            found.leave(place, "`\(command)` in it: the install step installs what manifests list")
        }
    }

    private func variables(_ node: JSONNode, at place: Place, into found: inout PlatformConfiguration) {
        if case .array(let elements) = node.value {
            for element in elements {
                guard let name = element["key"]?.string else { continue }
                let isSecret = element["type"]?.string == "SECRET"
                let value = isSecret ? nil : element["value"]
                declare(name, value?.scalar, Place(node: value ?? element, name, place, file), into: &found)
            }
        } else {
            for member in node.members {
                // `{ "value": "x" }`, as Heroku writes it.
                let value = member.node.members.isEmpty ? member.node : member.node["value"]
                declare(member.key, value?.scalar, Place(node: value ?? member.node, member.key, place, file), into: &found)
            }
        }
    }

    private func declare(_ name: String, _ value: String?, _ place: Place, into found: inout PlatformConfiguration) {
        if let slot = Self.versions[name], let value {
            return set(slot, JSONNode(value: .string(value), line: place.line, column: place.location.column ?? 1), at: place, into: &found)
        }
        guard VariableName.isValid(name) else { return found.leave(place, "no name of a variable") }
        if let reason = VariableName.platform(name) { return found.leave(place, reason) }
        // `@name` is Vercel's word for a secret.
        let isElsewhere = value.map { $0.hasPrefix("@") || Secret(name: name, value: $0).isConfidential || $0.utf8.contains(0) } ?? true
        found.variables.append(
            DeclaredVariable(name: name, value: isElsewhere ? nil : value, key: place.key, location: place.location))
        if isElsewhere { found.leave(place, "set its value with `forge env set`") }
    }

    /// Variables by which platforms are told something that Forge has a word for.
    private static let versions: [String: PlatformSetting.Slot] = [
        "NODE_VERSION": .node, "NIXPACKS_NODE_VERSION": .node, "RAILPACK_NODE_VERSION": .node, "PYTHON_VERSION": .python,
        "NIXPACKS_PYTHON_VERSION": .python, "RAILPACK_PYTHON_VERSION": .python, "PORT": .port,
    ]
}

extension PlatformReading.Place {
    fileprivate init(node: JSONNode, _ name: String, _ list: Self, _ file: String) {
        self.init(
            key: "\(list.key).\(name)", location: SourceLocation(file: file, line: node.line, column: node.column), line: node.line)
    }
}

extension PlatformConfiguration {
    mutating func leave(_ place: PlatformReading.Place, _ reason: String) {
        left.append(PlatformRemark(key: place.key, reason: reason, line: place.line))
    }
}

extension JSONNode {
    /// Null, or a list or table without anything in it.
    var isNothing: Bool {
        switch value {
        case .null: true
        case .array(let elements): elements.isEmpty
        case .object(let members): members.isEmpty
        default: false
        }
    }
}
