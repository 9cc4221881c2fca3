/// Tells what installs dependencies from what builds: elsewhere one line does both, here only the install step has a network, and it knows
/// by itself how to install what a lockfile fixes.
enum InstallWords {
    /// A build without the installing it begins with; empty when nothing else remains.
    static func building(_ line: String) -> String {
        guard let parts = parts(of: line), let first = parts.firstIndex(where: { !isInstall($0) }) else {
            return parts(of: line) == nil ? trimmed(line) : ""
        }
        return first == 0 ? trimmed(line) : parts[first...].joined(separator: " && ")
    }

    /// What installs at its beginning in words of the project's own.
    static func passedOver(_ line: String) -> [String] { (parts(of: line) ?? []).prefix(while: isInstall).filter { !isPlain($0) } }

    /// What an install step is to run.
    static func installing(_ line: String) throws(PlatformFault) -> String {
        guard let parts = parts(of: line), !parts.isEmpty else { return trimmed(line) }
        if parts.allSatisfy({ isPlain($0) }) { throw PlatformFault(reason: "the install step does it by itself") }
        if parts.contains(where: { isInstall($0) && $0.contains("pip") }) {
            throw PlatformFault(reason: "the install step has an environment of its own: list what it names in a manifest")
        }
        return trimmed(line)
    }

    /// The commands of a line that runs one after the other; nil where it is more than that.
    private static func parts(of line: String) -> [String]? {
        var parts: [String] = []
        var part = ""
        var quote: Character?
        var rest = line[...]
        while let character = rest.popFirst() {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "&" {
                guard rest.popFirst() == "&" else { return nil }
                parts.append(part)
                part = ""
                continue
            } else if character == ";" || character.isNewline {
                parts.append(part)
                part = ""
                continue
            } else if "|()<>`\\".contains(character) {
                return nil
            }
            part.append(character)
        }
        guard quote == nil else { return nil }
        return (parts + [part]).map(trimmed).filter { !$0.isEmpty }
    }

    private static let plain: Set<String> = [
        "npm install", "npm i", "npm ci", "yarn", "yarn install", "yarn install --frozen-lockfile", "yarn --frozen-lockfile",
        "yarn install --immutable", "pnpm install", "pnpm i", "pnpm install --frozen-lockfile", "bun install", "bun i",
        "bun install --frozen-lockfile", "pip install -r requirements.txt", "pip3 install -r requirements.txt",
        "python -m pip install -r requirements.txt", "pip install --upgrade pip", "pip install -U pip",
        "python -m pip install --upgrade pip", "poetry install", "pipenv install", "uv sync", "uv sync --frozen", "bundle install",
        "bundle", "composer install", "go mod download", "mix deps.get", "corepack enable",
    ]

    private static func isPlain(_ command: String) -> Bool { plain.contains(command) }

    private static func isInstall(_ command: String) -> Bool {
        if isPlain(command) { return true }
        let words = command.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let program = words.first else { return false }
        let verbs = words.dropFirst().filter { !$0.hasPrefix("-") }
        switch program {
        case "npm": return ["install", "i", "ci"].contains(verbs.first)
        case "pnpm", "yarn", "bun", "composer", "bundle", "poetry", "pip", "pip3", "pipenv":
            return ["install", "i", "add"].contains(verbs.first)
        case "python", "python3": return verbs.starts(with: ["pip", "install"])
        case "uv": return verbs.first == "sync" || verbs.starts(with: ["pip", "install"])
        // What belongs to the source is there with it, or cannot be had: a step sees no repository.
        case "git": return verbs.first == "submodule"
        case "go": return verbs.starts(with: ["mod", "download"]) || verbs.first == "get"
        default: return false
        }
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
