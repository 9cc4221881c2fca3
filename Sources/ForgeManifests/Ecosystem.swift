/// Where package names mean something.
package enum Ecosystem: String, Sendable, Codable, CaseIterable {
    case npm, pypi, cargo, go, gem, composer, hex, maven, nuget, pub, shards, swift, deno
}

extension Ecosystem {
    /// As presets name it.
    package var language: String {
        switch self {
        case .npm: "node"
        case .pypi: "python"
        case .cargo: "rust"
        case .go: "go"
        case .gem: "ruby"
        case .composer: "php"
        case .hex: "elixir"
        case .maven: "java"
        case .nuget: "dotnet"
        case .pub: "dart"
        case .shards: "crystal"
        case .swift: "swift"
        case .deno: "deno"
        }
    }
}
