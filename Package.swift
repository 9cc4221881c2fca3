// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

extension Target.Dependency {
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let protobuf = product(name: "SwiftProtobuf", package: "swift-protobuf")
    static let yams = product(name: "Yams", package: "Yams")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let nio = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let asn1 = product(name: "SwiftASN1", package: "swift-asn1")
    static let certificates = product(name: "X509", package: "swift-certificates")
    static let arguments = product(name: "ArgumentParser", package: "swift-argument-parser")
}

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "forge",
    products: [
        .executable(name: "forge", targets: ["forge"]),
        .executable(name: "forge-sandbox", targets: ["forge-sandbox"]),
        .executable(name: "forge-target-container", targets: ["forge-target-container"]),
        .executable(name: "forge-target-static", targets: ["forge-target-static"]),
        .library(name: "ForgeTargetProtocol", targets: ["ForgeTargetProtocol"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // System libraries and C
        .systemLibrary(name: "CLibgit2", pkgConfig: "libgit2", providers: [.apt(["libgit2-dev"])]),
        .systemLibrary(name: "CLibarchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CForgeSystem"),
        .target(name: "CTOML"),
        // By itself: SwiftPM would link Swift's runtime to it, and each step would load it and copy it with each of the helper's forks.
        .executableTarget(name: "forge-sandbox", linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-executable"])]),

        // 1
        room("ForgeModel", [.crypto]),
        room("ForgeREAPI", [.protobuf]),
        room("ForgeSystem", ["CForgeSystem"]),
        room("ForgeTOML", ["CTOML"]),
        room("ForgeHTTP", [.nio]),
        room("ForgePatterns", []),
        // 2
        room("ForgeManifests", ["ForgeModel", "ForgeTOML", "ForgePatterns", .yams]),
        room("ForgeEgress", ["ForgeModel", "ForgeSystem", .nio, .nioPosix, .nioHTTP1, .nioSSL]),
        // 3
        room("ForgeEvents", ["ForgeModel"]),
        room("ForgePresets", ["ForgeModel", "ForgeTOML", "ForgePatterns", "ForgeManifests"]),
        room("ForgePlatforms", ["ForgeModel", "ForgeTOML", "ForgeManifests"]),
        room("ForgeStore", ["ForgeModel", "ForgeREAPI", "ForgeSystem", "CLibarchive", "CZstd", .crypto, .grdb, .protobuf]),
        room("ForgeGit", ["ForgeModel", "ForgeSystem", "CLibgit2"]),
        room("ForgeSandbox", ["ForgeModel", "ForgeSystem", "ForgeEgress"]),
        room("ForgeControl", ["ForgeModel", "ForgeSystem"]),
        room("ForgeTargetProtocol", []),
        // 4
        room(
            "ForgePlanning",
            ["ForgeModel", "ForgeTOML", "ForgePatterns", "ForgeManifests", "ForgePresets", "ForgePlatforms"]),
        room(
            "ForgeEngine",
            ["ForgeModel", "ForgeSystem", "ForgeTOML", "ForgePatterns", "ForgeEgress", "ForgeEvents", "ForgeStore", "ForgeSandbox"]),
        room(
            "ForgeReleases",
            [.grdb, "ForgeModel", "ForgeSystem", "ForgeTOML", "ForgeEvents", "ForgeStore", "ForgeControl", "ForgeTargetProtocol"]),
        room("ForgeToolchains", ["ForgeModel", "ForgeSystem", "ForgeTOML", "ForgePresets", "ForgeStore", .crypto]),
        room("ForgeApps", ["ForgeModel", "ForgeSystem", "ForgeStore", "ForgeSandbox", "ForgeControl"]),
        room("ForgeGateway", ["ForgeHTTP", "ForgeModel", "ForgeSystem", "ForgeStore", .nio, .nioPosix]),
        room("ForgeSources", ["ForgeModel", "ForgeSystem", "ForgeEvents", "ForgeStore", "ForgeGit"]),
        room("ForgeImages", ["ForgeModel", "ForgeSystem", "ForgeStore"]),
        room("ForgeTerminal", ["ForgeModel", "ForgeEvents"]),
        room(
            "ForgeRegistry",
            [
                "CZlib", "ForgeModel", "ForgeSystem", "ForgeTOML", "ForgeEgress", "ForgeStore", .nio, .nioHTTP1, .nioSSL, .certificates,
                .asn1,
                .crypto,
            ]),
        // 5
        room(
            "ForgeOperator",
            [
                "ForgeModel", "ForgeSystem", "ForgeTOML", "ForgePresets", "ForgeSandbox", "ForgeEngine", "ForgeImages", "ForgeRegistry",
                "ForgeApps",
            ]),
        // 6
        room(
            "ForgePipeline",
            [
                "ForgeModel", "ForgeSystem", "ForgeEvents", "ForgeManifests", "ForgePresets", "ForgeEgress", "ForgeStore", "ForgeGit",
                "ForgeSandbox", "ForgeControl", "ForgeSources", "ForgePlanning", "ForgeEngine", "ForgeImages", "ForgeRegistry",
                "ForgeReleases", "ForgeApps", "ForgeGateway", "ForgeToolchains", "ForgeOperator",
            ]),
        // 8
        .executableTarget(
            name: "forge",
            dependencies: [
                "ForgeModel", "ForgeSystem", "ForgeEvents", "ForgeStore", "ForgeSandbox", "ForgeSources", "ForgePlanning", "ForgeReleases",
                "ForgeGateway", "ForgeTerminal", "ForgePipeline",
                .arguments,
            ],
            swiftSettings: settings),
        // Plugins
        .executableTarget(
            name: "forge-target-container", dependencies: ["ForgeTargetProtocol"], path: "Plugins/container",
            exclude: ["plugin.toml", "README.md"], swiftSettings: settings),
        .executableTarget(
            name: "forge-target-static", dependencies: ["ForgeTargetProtocol"], path: "Plugins/static",
            exclude: ["plugin.toml", "README.md"], swiftSettings: settings),

        // Tests
        .target(name: "ForgeTestSupport", dependencies: [], path: "Tests/ForgeTestSupport", swiftSettings: settings),
        .target(name: "CFaultPoint", path: "Tests/CFaultPoint"),
        .executableTarget(
            name: "forge-store-exerciser", dependencies: ["ForgeModel", "ForgeSystem", "ForgeStore", "CFaultPoint"],
            path: "Tests/StoreExerciser", swiftSettings: settings),
        tests("ForgeModelTests", ["ForgeModel"]),
        tests("ForgeTOMLTests", ["ForgeTOML"]),
        tests("ForgeHTTPTests", ["ForgeHTTP", .nio]),
        tests("ForgePatternsTests", ["ForgePatterns"]),
        tests("ForgePresetsTests", ["ForgePresets", "ForgeModel"]),
        tests(
            "ForgePlanningTests",
            [
                "ForgePlanning", "ForgePresets", "ForgePlatforms", "ForgeManifests", "ForgePatterns", "ForgeModel", "ForgeTOML",
                "ForgeTestSupport",
            ]),
        tests("ForgeStoreTests", ["ForgeStore", "ForgeModel", "ForgeSystem", "ForgeREAPI", "ForgeTestSupport", .protobuf]),
        tests("ForgeGitTests", ["ForgeGit", "ForgeStore", "ForgeModel", "ForgeSystem", "ForgeTestSupport"]),
        tests("ForgeEgressTests", ["ForgeEgress", "ForgeModel", "ForgeSystem", "ForgeTestSupport"]),
        tests("ForgeSandboxTests", ["ForgeSandbox", "ForgeEgress", "ForgeModel", "ForgeSystem", "ForgeTestSupport"]),
        tests("ForgeControlTests", ["ForgeControl", "ForgeModel", "ForgeSystem", "ForgeTestSupport"]),
        tests(
            "ForgeEngineTests",
            ["ForgeEngine", "ForgeEgress", "ForgeModel", "ForgeSystem", "ForgeStore", "ForgeEvents", "ForgeTestSupport"]),
        tests(
            "ForgeReleasesTests",
            [
                "ForgeReleases", "ForgeTargetProtocol", "ForgeControl", "ForgeEvents", "ForgeModel", "ForgeStore", "ForgeSystem",
                "ForgeTestSupport",
            ]),
        tests("ForgeRegistryTests", ["ForgeRegistry", "ForgeModel", "ForgeTestSupport"]),
        tests("ForgeToolchainsTests", ["ForgeToolchains", "ForgePresets", "ForgeTestSupport"]),
        tests("ForgeAppsTests", ["ForgeApps", "ForgeModel"]),
        tests("ForgeGatewayTests", ["ForgeGateway", "ForgeModel", "ForgeStore", "ForgeSystem", "ForgeTestSupport"]),
        tests("ForgeImagesTests", ["ForgeImages", "ForgeModel", "ForgeStore", "ForgeTestSupport"]),
        tests("ForgeTerminalTests", ["ForgeTerminal", "ForgeEvents", "ForgeModel"]),
        tests("LayeringTests", ["ForgeTestSupport"]),
        tests("EndToEndTests", ["ForgeTestSupport"]),
    ],
    cxxLanguageStandard: .cxx17
)
