internal import ForgeModel
internal import ForgePresets
internal import ForgeSandbox
internal import ForgeTOML

/// The operator's word on the sandbox: `[sandbox]` in `config.toml`, and `FORGE_OCI_RUNTIME`, which wins.
package struct OperatorSandbox: Sendable, Hashable {
    /// Name or absolute path of the OCI runtime; nil lets Forge choose.
    package private(set) var runtime: String?
    /// Whether steps may run where no control group can be had: rootless, on a machine that delegates none.
    package private(set) var cgroupsAreOptional = false

    init() {}

    /// Reads `[sandbox]`; faults go to the reader's log.
    init(reading section: TableReader) {
        if let name = section.string("runtime") {
            runtime = name.value
            if !OCIRuntime.isKnown(name.value) {
                section.faults.add(
                    "`\(name.value)` is no OCI runtime that Forge knows", at: name.location,
                    hint: "write crun, runc, runsc or kata, or the absolute path of one")
            }
        }
        if let word = section.string("cgroups") {
            cgroupsAreOptional = word.value == "optional"
            if !["optional", "required"].contains(word.value) {
                section.faults.add(
                    "`cgroups` cannot be `\(word.value)`", at: word.location, hint: "write `cgroups = \"required\"` or `\"optional\"`")
            }
        }
        section.finish()
    }

    /// - Throws: `config.runtime` when the variable names none that Forge knows.
    mutating func read(_ environment: [String: String]) throws {
        guard let name = environment["FORGE_OCI_RUNTIME"], !name.isEmpty else { return }
        guard OCIRuntime.isKnown(name) else {
            throw ForgeError(
                .configuration, "config.runtime", "`FORGE_OCI_RUNTIME` is `\(name)`, no OCI runtime that Forge knows",
                hint: "set it to crun, runc, runsc or kata, or to the absolute path of one")
        }
        runtime = name
    }
}
