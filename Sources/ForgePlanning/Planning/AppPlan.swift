package import ForgeModel

/// One app's plan among those of a source. Steps of several plans that have the same id are the same step.
package struct AppPlan: Hashable, Sendable, Codable {
    package let name: String
    /// The app's folder below the source's root.
    package let root: RelativePath
    package let plan: BuildPlan

    package init(name: String, root: RelativePath, plan: BuildPlan) {
        self.name = name
        self.root = root
        self.plan = plan
    }
}

extension Planner {
    /// A plan for each app that a build of this source builds.
    /// - Throws: as `plan`; `ForgeError` `app.none`
    package static func plans(_ survey: Survey) throws -> [AppPlan] {
        try survey.checkApps()
        return try survey.chosen.map { app in
            AppPlan(name: app.name, root: app.root, plan: try plan(app.detection, configuration: app.configuration))
        }
    }
}
