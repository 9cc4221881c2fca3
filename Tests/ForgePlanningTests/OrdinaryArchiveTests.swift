import ForgeModel
import Testing

@testable import ForgePlanning

/// What people's own servers of the Java virtual machine are made of.
@Suite struct OrdinaryArchiveTests {
    /// What builds it, what comes out, and how it is started.
    private func read(_ files: [String: String]) throws -> [String?] {
        let report = try Shipped.detect(files).report
        return [report.preset, report.build, report.output, report.start]
    }

    // MARK: Java, Scala, Clojure

    @Test(arguments: [
        ("plugins { application }\n", "app/src/main/java/App.java", "app"), ("plugins {\n    id(\"application\")\n}\n", "README.md", "app"),
    ])
    func aProgramOfGradlesOwnPlugInIsAFolderWithAScript(text: String, file: String, folder: String) throws {
        let files = ["settings.gradle.kts": "include(\"app\")\n", "gradlew": "", "\(folder)/build.gradle.kts": text, file: ""]
        #expect(
            try read(files) == [
                "gradle", "./gradlew --no-daemon --offline installDist", "\(folder)/build/install",
                "exec $(ls -1 \(folder)/build/install/*/bin/* | grep -v '\\.bat$' | head -n 1)",
            ])
    }

    @Test(arguments: [
        "tasks.jar { manifest { attributes[\"Main-Class\"] = \"App\" } }\n", "plugins { id(\"com.gradleup.shadow\") version \"8.3.0\" }\n",
    ])
    func anArchiveThatStartsByItselfIsStarted(more: String) throws {
        let files = ["build.gradle.kts": "plugins { application }\n" + more, "gradlew": "", "src/main/java/App.java": ""]
        #expect(try Shipped.detect(files).report.start?.contains("-jar $(ls -1 build/libs/") == true)
    }

    @Test(arguments: [
        ("app/build.gradle.kts", "plugins {\n    id(\"org.springframework.boot\") version \"3.4.4\"\n}\n", "", "app/build/libs"),
        (
            "services/tides/build.gradle", "apply plugin: 'org.springframework.boot'\n",
            "plugins {\n    id 'org.springframework.boot' version '3.5.4'\n}\n", "services/tides/build/libs"
        ),
    ])
    func theProgramOfSpringIsInTheModuleThatHasSources(module: String, text: String, root: String, folder: String) throws {
        let files = [
            "settings.gradle": "include 'app'\n", "build.gradle": root, "gradlew": "", module: text,
            "core/build.gradle": "dependencies { api 'org.springframework.boot:spring-boot-starter-web' }\n",
        ]
        #expect(
            try Shipped.detect(files).report.start
                == "exec java ${JAVA_OPTS:-} -Dserver.port=$PORT -jar $(ls -1 \(folder)/*.jar | grep -v plain | head -n 1)")
    }

    @Test(arguments: [
        ("lazy val root = Project(\"tides\", file(\".\"))\n", "exec ./target/universal/stage/bin/tides"),
        ("lazy val water = (project in file(\".\")).enablePlugins(PlayScala)\n", "exec ./target/universal/stage/bin/water"),
        ("enablePlugins(PlayScala)\n", "exec $(ls -1 target/universal/stage/bin/* | grep -v '\\.bat$' | head -n 1)"),
    ])
    func playIsStartedByTheNameOfItsProject(text: String, start: String) throws {
        let files = ["build.sbt": text, "conf/routes": "", "project/build.properties": "sbt.version=1.10.0\n"]
        #expect(try Shipped.detect(files).report.start == start + " -Dhttp.port=$PORT -Dpidfile.path=/dev/null")
    }

    @Test(arguments: [
        ("", "sbt assembly", "exec java ${JAVA_OPTS:-} -jar $(ls -1 target/scala-*/*assembly*.jar | head -n 1)"),
        (
            "addSbtPlugin(\"com.github.sbt\" % \"sbt-native-packager\" % \"1.11.0\")\n", "sbt stage",
            "exec ./target/universal/stage/bin/tides"
        ),
    ])
    func sbtIsBuiltByThePlugInThatPutsItTogether(more: String, build: String, start: String) throws {
        let files = [
            "build.sbt": "name := \"tides\"\n",
            "project/plugins.sbt": "addSbtPlugin(\"com.eed3si9n\" % \"sbt-assembly\" % \"2.3.0\")\n" + more,
        ]
        let report = try Shipped.detect(files).report
        #expect([report.build, report.start] == [build, start])
    }

    @Test(arguments: [("uber", "uber"), ("uberjar", "uberjar"), ("jar", "uber")])
    func theFunctionThatPutsAllIntoOneArchiveIsCalledByItsName(function: String, task: String) throws {
        let files = ["deps.edn": "{}\n", "build.clj": "(ns build)\n(defn \(function) [_])\n"]
        #expect(try Shipped.detect(files).report.build == "clojure -T:build \(task)")
    }

    // MARK: Web archives

    @Test(arguments: [
        ("<artifactId>webapp-runner</artifactId>", "target/dependency/webapp-runner.jar"),
        ("<artifactId>jetty-runner</artifactId>", "target/dependency/jetty-runner.jar"), ("", nil),
    ])
    func aWebArchiveIsRunByTheContainerThatItsBuildPutsBesideIt(more: String, container: String?) throws {
        let files = ["pom.xml": "<project><artifactId>tides</artifactId><packaging>war</packaging>\(more)</project>\n"]
        let report = try Shipped.detect(files).report
        #expect(report.preset == "war")
        #expect(report.start == container.map { "exec java ${JAVA_OPTS:-} -jar \($0) --port $PORT $(ls -1 target/*.war | head -n 1)" })
        if container == nil { #expect(Shipped.failure { try Shipped.plan(files) }.hasPrefix("plan.start-missing (exit 30)")) }
        let boot = ["pom.xml": "<project><packaging>war</packaging><groupId>org.springframework.boot</groupId>\(more)</project>\n"]
        #expect(try Shipped.detect(boot).report.preset != "war")
    }
}
