internal import ForgeModel
internal import ForgeSystem
internal import ForgeTargetProtocol

/// What a plugin may take before it is ended.
package struct TargetLimits: Hashable, Sendable {
    /// From its start to its `hello`.
    package var hello = Duration.seconds(10)
    /// From its `hello` to its last word.
    package var deploy = Duration.seconds(600)
    /// From its last word to its end.
    package var exit = Duration.seconds(5)
    /// Bytes of all its messages together.
    package var outputBytes = 16 << 20

    package init() {}
}

/// The host side of one plugin: starts it, holds the conversation, and leaves nothing of it behind.
struct PluginTarget: Sendable {
    let descriptor: TargetDescriptor
    let limits: TargetLimits

    /// Lets the plugin deploy and returns the URL it gave. The calling process ignores SIGPIPE.
    /// - Throws: `ForgeError` of category `deploy` that names the plugin; `CancellationError`
    func deploy(
        _ request: DeployRequest, services: @escaping @Sendable (ServiceRequest) async -> ServiceResponse,
        progress: @escaping @Sendable (String) -> Void
    ) async throws -> String? {
        let process: PluginProcess
        do { process = try await PluginProcess.start(descriptor.executable) } catch {
            throw ForgeError(
                .deploy, "target.not-started", "target `\(descriptor.name)` could not be started: `\(descriptor.executable)`", cause: error)
        }
        let conversation = PluginConversation(
            descriptor: descriptor, limits: limits, pipes: process.pipes, services: services, progress: progress)
        do {
            let url = try await conversation.hold(request)
            _ = await process.end(grace: limits.exit)
            return url
        } catch {
            // At the end of its output the plugin is given the moment it takes to exit, so that its status can be told.
            let end = await process.end(grace: error is PluginConversation.OutputEnded ? limits.exit : nil)
            throw explained(error, end.status, end.lastWords)
        }
    }

    private func explained(_ error: any Error, _ status: ChildProcess.ExitStatus?, _ lastWords: String) -> any Error {
        let said = lastWords.isEmpty ? nil : "it wrote: \(lastWords)"
        switch error {
        case is PluginConversation.OutputEnded: return fault("target.exited", "\(words(status)) before it was done", hint: said)
        case let error as SystemError: return fault("target.lost", "cannot be talked to: \(error.reason)", hint: said)
        case let error as ProtocolViolation: return fault("target.invalid-message", "sent \(error)", hint: said)
        case let error as TargetFailure:
            return fault(
                "target.failed", "failed: \(PlainText.line(error.message, limit: 1000)) (\(PlainText.line(error.code, limit: 80)))",
                hint: error.hint.map { PlainText.line($0, limit: 1000) } ?? said)
        case let error as PluginConversation.Fault: return fault(error.code, error.message, hint: said)
        case PluginPipes.Interruption.cancelled: return CancellationError()
        default: return error
        }
    }

    private func fault(_ code: String, _ message: String, hint: String?) -> ForgeError {
        ForgeError(.deploy, code, "target `\(descriptor.name)` \(message)", hint: hint)
    }

    private func words(_ status: ChildProcess.ExitStatus?) -> String {
        switch status {
        case .exited(let code)?: "exited with status \(code)"
        case .signaled(let signal)?: "was ended by signal \(signal)"
        case nil: "ended"
        }
    }
}
