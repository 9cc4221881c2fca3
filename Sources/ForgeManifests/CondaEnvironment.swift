internal import ForgeModel

extension Manifests {
    /// What conda's `environment.yml` lists, where no file of pip's stands beside it: names of conda's packages, which are PyPI's for nearly
    /// all of Python's, and below `pip` a list of requirements. Neither Python itself nor pip is a dependency of the project. A file of this
    /// name may be about something else: then it lists nothing.
    func conda() throws -> [Dependency] {
        guard try !["requirements.txt", "pyproject.toml", "Pipfile"].contains(where: { try files.isFile(Manifests.path($0)) }) else {
            return []
        }
        for path in ["environment.yml", "environment.yaml"].map(Manifests.path) {
            guard let listed = (try? files.yaml(path))??["dependencies"] else { continue }
            return listed.elements.flatMap { entry in entry["pip"]?.elements ?? [entry] }.compactMap { entry in
                // `channel::name=version=build`
                guard let text = entry.string, let item = RequirementLine(text.split(separator: "::").last.map(String.init) ?? text),
                    !["python", "pip"].contains(item.name.lowercased())
                else { return nil }
                return Dependency(
                    name: Dependency.normalize(item.name, .pypi), extras: item.extras, scope: .prod, requirement: item.requirement,
                    file: files.display(path), line: entry.line)
            }
        }
        return []
    }
}
