import ForgeModel
import Testing

@testable import ForgePlanning

@Suite struct RenderingTests {
    private func plan() throws -> BuildPlan {
        try Shipped.plan([
            "package.json": #"{"scripts": {"build": "x", "start": "y"}, "dependencies": {"next": "14"}, "engines": {"node": ">=18"}}"#,
            "package-lock.json": "{}", "next.config.js": "", "crowdforge.toml": "[build]\ncommand = \"echo \\\"<a & b>\\\" \\\\ `x`\"\n",
        ])
    }

    private func alone(_ plan: BuildPlan) -> [AppPlan] { [AppPlan(name: "site", root: .root, plan: plan)] }

    @Test func aPlanReadsCalmly() throws {
        #expect(
            PlanRendering.text(try plan()) == """
                preset      Next.js (nextjs)
                toolchains  node >=18 (package.json)
                install     npm ci
                            reads   package.json, package-lock.json
                            writes  node_modules
                            keeps   .cache/npm
                            network registries of npm
                            sets    CI=true npm_config_audit=false npm_config_cache=.cache/npm npm_config_fetch_retry_maxtimeout=5000 npm_config_fetch_retry_mintimeout=1000 npm_config_fund=false npm_config_update_notifier=false
                build       PATH="$PWD/node_modules/.bin:$PATH"; echo "<a & b>" \\ `x`
                            after   install
                            reads   the source
                            writes  .next
                            keeps   .next/cache
                            sets    CI=true NEXT_TELEMETRY_DISABLED=1 NODE_ENV=production
                            takes   $NEXT_PUBLIC_…
                artifact    container with .next/
                            starts  npm run start
                            port    3000, health /
                            sets    NODE_ENV=production

                """)
    }

    @Test func aPlanSaysWhatABuildAddsToWhatIsInstalled() throws {
        let manifest = #"{"scripts": {"build": "x", "start": "y"}, "dependencies": {"next": "14", "@prisma/client": "6"}}"#
        let text = PlanRendering.text(try Shipped.plan(["package.json": manifest, "package-lock.json": "{}", "next.config.js": ""]))
        #expect(text.contains("            writes  .next\n            adds    node_modules/.prisma, node_modules/.zenstack\n"))
    }

    @Test func mermaidLabelsAreEscaped() throws {
        #expect(
            PlanRendering.mermaid(alone(try plan())) == """
                flowchart LR
                    source(["source"])
                    s0["install<br/>npm ci"]
                    s1["build<br/>PATH=#quot;$PWD/node_modules/.bin:$PATH#quot;; echo #quot;#lt;a #amp; b#gt;#quot; \\ #96;x#96;"]
                    artifact(["container with .next/"])
                    source --> s0
                    s0 --> s1
                    s1 --> artifact

                """)
    }

    @Test func dotLabelsAreEscaped() throws {
        #expect(
            PlanRendering.dot(alone(try plan())) == """
                digraph plan {
                    rankdir=LR;
                    node [shape=box];
                    source [label="source", shape=oval];
                    s0 [label="install\\nnpm ci"];
                    s1 [label="build\\nPATH=\\"$PWD/node_modules/.bin:$PATH\\"; echo \\"<a & b>\\" \\\\ `x`"];
                    artifact [label="container with .next/", shape=oval];
                    source -> s0;
                    s0 -> s1;
                    s1 -> artifact;
                }

                """)
    }

    @Test func aPlanWithoutStepsStillLeadsSomewhere() throws {
        #expect(
            PlanRendering.mermaid(alone(try Shipped.plan(["index.html": ""]))).hasSuffix(
                "    artifact([\"static ./\"])\n    source --> artifact\n"))
    }

    @Test func anExplanationShowsWhatHeldWhatFailedAndTheNearestMiss() throws {
        let tree = MemoryTree(["manage.py": ""])
        let text = ExplainRendering.text(
            try Detector(catalog: Shipped.catalog.get()).explain(in: tree, configuration: ProjectConfiguration()))
        #expect(
            text.hasPrefix(
                """
                no preset: no preset matches
                nearest miss: django, for want of `DJANGO_SETTINGS_MODULE` in `manage.py` or pypi dependency `django` (prod) or \
                file `wsgi.py` or `*/wsgi.py` or `*/*/wsgi.py`

                - actix-web  (Actix Web, framework)

                """))
        #expect(
            text.contains(
                """

                - django  (Django, framework)
                    ✓ file `manage.py`  manage.py
                    ✗ `DJANGO_SETTINGS_MODULE` in `manage.py`

                """))
    }

    @Test func aDetectionReadsCalmly() throws {
        let detection = try Shipped.detect(["index.html": "", "Dockerfile.dev": ""])
        #expect(
            ExplainRendering.text(detection) == """
                preset  Static site (static)  index.html
                kind    static
                output  .                     preset static

                """)
    }
}
