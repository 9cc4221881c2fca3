internal import ForgeGit

/// The other thing this executable can be: the process that fetches sources, started by Forge itself.
package enum FetchProcess {
    /// Does not return when `arguments` ask for it. Call on the main thread, before any other exists.
    package static func runIfAsked(_ arguments: [String]) {
        if arguments.first == FetchHelper.argument { FetchHelper.main() }
    }
}
