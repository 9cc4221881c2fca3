/// The values of `--progress`.
package enum ProgressMode: String, Sendable, CaseIterable {
    case auto, tty, plain, json, quiet

    /// The renderer for this mode. `auto` draws on a terminal that can move its cursor and writes plain lines elsewhere.
    ///
    /// - Parameters:
    ///   - environment: `NO_COLOR` and `TERM` are read.
    ///   - width: columns of the terminal, asked before each drawing since it may change; nil when unknown.
    ///   - write: gets whole frames or lines, in order.
    package func renderer(
        isTerminal: Bool, environment: [String: String], width: @escaping @Sendable () -> Int?, write: @escaping @Sendable (String) -> Void
    ) -> any EventRenderer {
        switch self {
        case .auto:
            let canRedraw = isTerminal && environment["TERM"] != "dumb"
            return (canRedraw ? ProgressMode.tty : .plain)
                .renderer(isTerminal: isTerminal, environment: environment, width: width, write: write)
        case .tty: return ConsoleRenderer(environment: environment, width: width, write: write)
        case .plain: return PlainRenderer(write: write)
        case .json: return JSONRenderer(write: write)
        case .quiet: return QuietRenderer(write: write)
        }
    }
}
