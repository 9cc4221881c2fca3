internal import ForgeEvents
internal import ForgeModel
package import ForgeReleases
internal import ForgeSystem

/// What `forge env` does.
extension Pipeline {
    package func setVariables(_ variables: [String: String], at place: VariablePlace) async throws {
        try await variableStore().set(variables, at: place)
    }

    package func unsetVariables(_ names: [String], at place: VariablePlace) async throws {
        try await variableStore().unset(names, at: place)
    }

    /// Names and times; no value is read.
    package func listVariables(at place: VariablePlace) async throws -> [VariableStore.Entry] {
        try await variableStore().list(place)
    }

    /// - Throws: `ForgeError` `variables.unknown`
    package func variable(_ name: String, at place: VariablePlace) async throws -> String {
        try await variableStore().value(of: name, orThrowAt: place)
    }

    package func exportVariables(at place: VariablePlace) async throws -> [String: String] {
        try await variableStore().variables(of: place)
    }

    /// Sets what the file at `path` holds; returns the names.
    package func importVariables(_ path: String, at place: VariablePlace) async throws -> [String] {
        let file = try await BlockingPool.run { try EnvironmentFile.read(path) }
        try await variableStore().set(file.variables, at: place)
        return file.variables.keys.sorted()
    }

    func variableStore() async throws -> VariableStore {
        try await VariableStore.open(directories.releases, key: directories.variablesKey) { EventHub.wallClock() }
    }

    /// All variables of `place`, once those of the file at `path`, if there is one, are set.
    func variables(of place: ReleasePlace, importing path: String?) async throws -> [String: String] {
        if let path { _ = try await importVariables(path, at: place.variables) }
        return try await variableStore().variables(of: place)
    }

    /// Where a build's artifact goes, with the variables there and over them those of its file, which stay unstored.
    func destination(of request: BuildRequest) async throws -> Destination {
        var destination = request.destination
        if let project = destination.project, let environment = destination.environment {
            destination.variables = try await variableStore().variables(of: VariablePlace(project: project, environment: environment))
        }
        if let path = request.environmentFile {
            let file = try await BlockingPool.run { try EnvironmentFile.read(path) }
            destination.variables.merge(file.variables) { $1 }
        }
        return destination
    }
}
