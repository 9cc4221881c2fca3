internal import ArgumentParser
internal import ForgeModel
internal import ForgePipeline
internal import ForgeReleases
internal import ForgeSystem
internal import ForgeTerminal
internal import Foundation
internal import Glibc

struct EnvironmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env", abstract: "Sets and shows the variables of a project's environments.",
        discussion: "Example:  forge env set API_URL=https://api.example.org --project my-site --env staging",
        subcommands: [
            EnvironmentSet.self, EnvironmentUnset.self, EnvironmentGet.self, EnvironmentList.self, EnvironmentImport.self,
            EnvironmentExport.self,
        ])
}

/// Whose variables.
struct VariablePlaceOptions: ParsableArguments {
    @Option(help: "The project's name.")
    var project: String

    @Option(name: .customLong("env"), help: "production, staging or preview; all previews share one set.")
    var environment = DeployEnvironment.production

    func place() throws -> VariablePlace { VariablePlace(project: try ProjectSlug(parsing: project), environment: environment) }
}

/// `--json` of commands that change or list variables: names, never values.
private struct VariableNames: Encodable {
    let project: ProjectSlug
    let environment: DeployEnvironment
    let variables: [String]

    init(_ names: some Sequence<String>, _ place: VariablePlace) {
        project = place.project
        environment = place.environment
        variables = names.sorted()
    }

    func text(_ what: String, _ place: VariablePlace) -> String {
        "\(what) \(variables.joined(separator: ", ")) in \(place.display)\n"
            + "takes effect with the next deploy: forge deploy … \(place.options)"
    }
}

struct EnvironmentSet: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Sets variables.",
        discussion: "Example:  forge env set KEY=value --project my-site\n          forge env set KEY - --project my-site < key.pem")

    @Argument(help: "NAME=VALUE, several of them; or NAME and `-`: the value is read from standard input, and stands in no history.")
    var variables: [String]

    @OptionGroup var place: VariablePlaceOptions
    @OptionGroup var output: OutputOptions

    func run(in invocation: Invocation) async throws {
        let place = try place.place()
        let values = try await assignments()
        try await invocation.pipeline().setVariables(values, at: place)
        let names = VariableNames(values.keys, place)
        try invocation.print(names) { names.text("set", place) }
    }

    private func assignments() async throws -> [String: String] {
        if variables.count == 2, variables[1] == "-" {
            return [variables[0]: try await StandardInput.text(limit: VariableRule.valueLimit + 2)]
        }
        var values: [String: String] = [:]
        for word in variables {
            guard let sign = word.firstIndex(of: "=") else {
                throw ForgeError(
                    .usage, "usage.assignment", "a name without a value: write `NAME=VALUE`",
                    hint: "or let the value come from standard input: `forge env set NAME - < FILE`")
            }
            values[String(word[..<sign])] = String(word[word.index(after: sign)...])
        }
        return values
    }
}

struct EnvironmentUnset: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Removes variables.", discussion: "Example:  forge env unset API_URL --project my-site")

    @Argument(help: "Names.")
    var names: [String]

    @OptionGroup var place: VariablePlaceOptions
    @OptionGroup var output: OutputOptions

    func run(in invocation: Invocation) async throws {
        let place = try place.place()
        try await invocation.pipeline().unsetVariables(names, at: place)
        let names = VariableNames(Set(names), place)
        try invocation.print(names) { names.text("removed", place) }
    }
}

struct EnvironmentGet: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Prints the value of a variable.", discussion: "Example:  forge env get API_URL --project my-site")

    @Argument(help: "The variable's name.")
    var name: String

    @OptionGroup var place: VariablePlaceOptions
    @OptionGroup var output: OutputOptions

    private struct Value: Encodable { let name: String, value: String }

    func run(in invocation: Invocation) async throws {
        let value = try await invocation.pipeline().variable(name, at: place.place())
        let shown = StandardStreams.outputIsTerminal ? TerminalText.lines(value).joined(separator: "\n") : value
        guard invocation.isJSON else { return try StandardStreams.writeOutput(shown + "\n") }
        try invocation.print(Value(name: name, value: value)) { "" }
    }
}

struct EnvironmentList: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the names of variables and when they were set.",
        discussion: "Example:  forge env list --project my-site --env staging")

    @OptionGroup var place: VariablePlaceOptions
    @OptionGroup var output: OutputOptions

    private struct Listing: Encodable {
        struct Entry: Encodable { let name: String, setAt: Int64 }
        let project: ProjectSlug
        let environment: DeployEnvironment
        let variables: [Entry]
    }

    func run(in invocation: Invocation) async throws {
        let place = try place.place()
        let entries = try await invocation.pipeline().listVariables(at: place)
        let listing = Listing(
            project: place.project, environment: place.environment, variables: entries.map { .init(name: $0.name, setAt: $0.setAt) })
        try invocation.print(listing) {
            guard !entries.isEmpty else {
                return "no variables in \(place.display); set one: forge env set NAME=VALUE \(place.options)"
            }
            let width = (entries.map(\.name.count) + [8]).max() ?? 8
            func row(_ name: String, _ time: String) -> String { name + String(repeating: " ", count: width - name.count + 2) + time }
            return ([row("VARIABLE", "SET")] + entries.map { row($0.name, Self.time($0.setAt)) }).joined(separator: "\n")
        }
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }
}

struct EnvironmentImport: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Sets the variables of a file in the syntax of .env files.",
        discussion: "Example:  forge env import .env.staging --project my-site --env staging")

    @Argument(help: "The file.")
    var file: String

    @OptionGroup var place: VariablePlaceOptions
    @OptionGroup var output: OutputOptions

    func run(in invocation: Invocation) async throws {
        let place = try place.place()
        let names = VariableNames(try await invocation.pipeline().importVariables(file, at: place), place)
        try invocation.print(names) {
            names.variables.isEmpty ? "`\(file)` sets no variable" : names.text("set", place)
        }
    }
}

struct EnvironmentExport: ForgeSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Prints all variables in the syntax of .env files.",
        discussion: "Example:  forge env export --project my-site > .env")

    @OptionGroup var place: VariablePlaceOptions
    @OptionGroup var output: OutputOptions

    private struct Export: Encodable { let variables: [String: String] }

    func run(in invocation: Invocation) async throws {
        let variables = try await invocation.pipeline().exportVariables(at: place.place())
        if invocation.isJSON { return try invocation.print(Export(variables: variables)) { "" } }
        let text = EnvironmentFile.text(variables)
        let isTerminal = StandardStreams.outputIsTerminal
        try StandardStreams.writeOutput(isTerminal ? TerminalText.lines(text).joined(separator: "\n") : text)
    }
}

/// What is given to a command on its standard input.
private enum StandardInput {
    /// All of it, without the line feed that ends it.
    static func text(limit: Int) async throws -> String {
        let bytes = try await BlockingPool.run { try Descriptor.open("/dev/stdin", O_RDONLY).readAll(limit: limit) }
        guard let text = String(validating: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self) else {
            throw ForgeError(.usage, "usage.value", "the value on standard input is not UTF-8 text", hint: "encode it first: base64")
        }
        return text
    }
}
