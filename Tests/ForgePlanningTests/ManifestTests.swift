import ForgeManifests
import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

/// What manifests of each ecosystem list, whatever else stands in them.
@Suite struct ManifestTests {
    @Test(arguments: ["environment.yml", "environment.yaml"]) func condasEnvironmentListsPackagesOfItsOwnAndOfPips(file: String) throws {
        let text =
            "name: tides\ndependencies:\n  - python=3.12\n  - conda-forge::Flask>=3\n  - numpy=1.26=py_0\n  - pip\n  - pip:\n    - rich[all]==13\n"
        func read(_ files: [String: String]) throws -> [String] {
            try Manifests(files: ProjectFiles(tree: MemoryTree(files))).dependencies(.pypi)
                .map { "\($0.name) \($0.requirement) \($0.file):\($0.line ?? 0)" }
        }
        #expect(try read([file: text]) == ["flask >=3 \(file):4", "numpy =1.26=py_0 \(file):5", "rich ==13 \(file):8"])
        // Beside a list of pip's it is somebody's own.
        #expect(try read([file: text, "requirements.txt": ""]) == [])
        #expect(try read([file: "dependencies: numpy\n"]) == [])
    }

    private func found(_ ecosystem: Ecosystem, _ texts: [String: String]) throws -> [String] {
        let manifests = Manifests(files: ProjectFiles(tree: MemoryTree(texts)))
        return try manifests.dependencies(ecosystem).map { item in
            "\(item.name) \(item.requirement) \(item.scope.rawValue) \(item.file):\(item.line ?? 0)"
        }
    }

    @Test func aGemfileListsGemsAndTheirGroups() throws {
        let text = """
            gem "rails", "~> 8.0"  # the framework
            # gem "sinatra"
            group :development, :test do
              gem 'debug'
              if true
                gem "rspec"
              end
            end
            gem('puma')
            """
        #expect(
            try found(.gem, ["Gemfile": text]) == [
                "rails ~> 8.0 prod Gemfile:1", "debug  dev Gemfile:4", "rspec  dev Gemfile:6", "puma  prod Gemfile:9",
            ])
    }

    @Test func aGoModuleListsWhatItRequiresInABlockOrAlone() throws {
        let text =
            "module example.com/x\r\nrequire (\r\n\tgithub.com/gin-gonic/gin v1.10.0\r\n)\r\nrequire example.com/y/v2 v2.0.1 // indirect\r\n"
        #expect(
            try found(.go, ["go.mod": text]) == [
                "github.com/gin-gonic/gin v1.10.0 prod go.mod:3", "example.com/y/v2 v2.0.1 prod go.mod:5",
            ])
    }

    @Test func aCargoManifestListsRenamedAndTargetedCrates() throws {
        let text = """
            [dependencies]
            axum = "0.8"
            web = { package = "actix-web", version = "4" }
            [dev-dependencies]
            mockito = "1"
            [target.'cfg(unix)'.dependencies]
            nix = "0.29"
            """
        #expect(
            try found(.cargo, ["Cargo.toml": text]) == [
                "axum 0.8 prod Cargo.toml:2", "actix-web 4 prod Cargo.toml:3", "mockito 1 dev Cargo.toml:5", "nix 0.29 prod Cargo.toml:7",
            ])
    }

    @Test func aComposerFileListsRequireAndRequireDev() throws {
        let text = #"{"require": {"php": "^8.2", "Laravel/Framework": "^11"},"# + "\n" + #""require-dev": {"phpunit/phpunit": "*"}}"#
        #expect(
            try found(.composer, ["composer.json": text]) == [
                "php ^8.2 prod composer.json:1", "laravel/framework ^11 prod composer.json:1", "phpunit/phpunit * dev composer.json:2",
            ])
    }

    @Test func aMixFileListsTuples() throws {
        let text = "[\n  {:phoenix, \"~> 1.7\"},\n  # {:ecto, \"~> 3\"},\n  {:credo, \"~> 1\", only: :dev}\n]\n"
        #expect(try found(.hex, ["mix.exs": text]) == ["phoenix ~> 1.7 prod mix.exs:2", "credo ~> 1 dev mix.exs:4"])
    }

    @Test func mavenAndGradleNameGroupAndArtifact() throws {
        let pom = """
            <dependency><groupId>io.quarkus</groupId><artifactId>quarkus-rest</artifactId><version>3.17</version></dependency>
            <!-- <dependency><groupId>a</groupId>
            <artifactId>b</artifactId></dependency> -->
            <plugin><artifactId>maven-jar-plugin</artifactId></plugin>
            """
        let gradle = """
            plugins { id("org.springframework.boot") version "3.4.0" }
            // implementation "a:b:1"
            dependencies { implementation "org.jetbrains.kotlin:kotlin-stdlib:2.1.0" }
            """
        #expect(
            try found(.maven, ["pom.xml": pom, "build.gradle.kts": gradle]) == [
                "io.quarkus:quarkus-rest 3.17 prod pom.xml:1", "org.apache.maven.plugins:maven-jar-plugin  prod pom.xml:4",
                "org.springframework.boot 3.4.0 prod build.gradle.kts:1",
                "org.jetbrains.kotlin:kotlin-stdlib 2.1.0 prod build.gradle.kts:3",
            ])
    }

    @Test func projectFilesOfDotNetListPackages() throws {
        let text =
            "<Project>\n<PackageReference Include=\"Dapper\" Version=\"2.1.35\" />\n<!-- <PackageReference Include=\"No\" /> -->\n</Project>"
        #expect(try found(.nuget, ["a.csproj": text]) == ["Dapper 2.1.35 prod a.csproj:2"])
    }

    @Test func settingsMayHoldCommentsAndATrailingComma() throws {
        let text = "{\n  // names\n  imports: { '$fresh/': \"https://deno.land/x/fresh@1.7.3/\", },\n}\n"
        #expect(try found(.deno, ["deno.json": text]).contains { $0.hasPrefix("$fresh ") })
        let message = Shipped.failure { try found(.npm, ["package.json": "{ // no\n}"]) }
        #expect(message.hasPrefix("detect.manifest-syntax (exit 10)\npackage.json:1:3: "))
    }

    @Test func modulesAreFoundInEveryFormOfImportAndNotInComments() {
        let source = JavaScriptSource(
            """
            import express from "express";
            // import koa from "koa";
            const h = require('hono/tiny'), n = await import(`h3`);
            export { a } from "npm:@std/x@^1/y";
            const text = "from 'fastify'";
            """)
        #expect(source.imports.map { "\($0.module):\($0.line)" } == ["express:1", "hono/tiny:3", "h3:3", "@std/x/y:4"])
        #expect(source.imports("hono") != nil && source.imports("hon") == nil && source.imports("koa") == nil)
    }

    @Test func anyBytesMayStandInAManifest() throws {
        let names = [
            "Gemfile", "go.mod", "Cargo.toml", "composer.json", "mix.exs", "pom.xml", "build.gradle", "a.csproj", "pubspec.yaml",
            "deno.json", "Package.swift",
        ]
        let texts = [
            "", "\u{FEFF}", "gem \"", "<artifactId>", "<!--", "{:a, \"", "'\"`//*", String(repeating: "(", count: 5000), "\0\0",
            "require (\n",
        ]
        for text in texts {
            for ecosystem in Ecosystem.allCases {
                let tree = Dictionary(names.map { ($0, text) }) { first, _ in first }
                // A fault in words is an answer too.
                _ = Shipped.failure { try found(ecosystem, tree) }
            }
        }
    }
}
