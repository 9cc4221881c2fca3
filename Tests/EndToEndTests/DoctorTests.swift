import ForgeTestSupport
import Foundation
import Testing

/// `forge doctor`, and what a build does where a layer is missing.
@Suite struct DoctorTests {
    private func findings(_ report: JSON) -> [String: JSON] {
        let all = (report["groups"]?.elements ?? []).flatMap { $0["findings"]?.elements ?? [] }
        return Dictionary(uniqueKeysWithValues: all.map { ($0["id"]?.text ?? "", $0) })
    }

    @Test func onAMachineThatHasEverythingItSaysSoAndStartsAContainerOfEachRuntime() async throws {
        try await withForgeHome { home in
            let run = try await home.run("doctor", "--json")
            #expect(run.exitCode == 0)
            #expect(run.error == "")
            let report = try run.json()
            #expect(report.keys == ["groups", "isReady", "isRootless", "user"])
            #expect(report.without("groups") == ["isReady": true, "isRootless": false, "user": "root"])
            #expect(
                report["groups"]?.elements.map { $0["title"] } == [
                    "Machine", "Isolation", "Runtimes", "Servers and sources", "Package managers",
                ])
            let findings = findings(report)
            #expect(findings["crun"]?.keys == ["detail", "id", "isRequired", "name", "remedy", "state"])
            for runtime in ["crun", "runc"] {
                #expect(findings[runtime]?["state"] == "ok")
                #expect(findings[runtime]?["detail"]?.text?.contains(", started a container in ") == true)
            }
            for id in ["user-namespaces", "ids", "namespaces", "overlay", "seccomp", "cgroups", "disk", "id-mapped-mounts"] {
                #expect(findings[id]?["state"] == "ok", "\(findings[id] ?? nil)")
                #expect(findings[id]?["remedy"] == .null)
            }
            #expect(findings.filter { $0.value["state"] != "ok" }.allSatisfy { $0.value["isRequired"] == false })
        }
    }

    @Test func inAPipeEachFindingIsOneAlignedLineWithItsRemedyBelow() async throws {
        try await withForgeHome { home in
            let lines = try await home.run("doctor").output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            #expect(lines.first == "Builds can run here, as root.")
            #expect(!lines.contains { $0.contains("\u{1B}") })
            let rows = lines.filter { $0.hasPrefix("  ") && !$0.hasPrefix("     ") }
            let columns = Set(rows.map { $0.firstRange(of: /(ok|limited|missing)  +/)?.upperBound.utf16Offset(in: $0) ?? 0 })
            #expect(columns.count == 1, "\(columns)")
            let remedies = lines.filter { $0.contains("→") }
            #expect(remedies.allSatisfy { $0.utf16.prefix { $0 == 32 }.count == columns.first })
        }
    }

    @Test(arguments: MissingLayer.allCases) func aMissingLayerStopsTheBuildByNameAndNothingRuns(layer: MissingLayer) async throws {
        try await withForgeHome { home in
            let marker = "\(home.folder)/ran"
            let project = try home.project(custom: "touch \(marker) || true; mkdir site; echo hi > site/index.html", output: "site")
            let run = try await home.run(without: layer, "build", project.path, "--json")
            #expect(run.exitCode == 50)
            let error = try #require(try run.json()["error"])
            #expect(error["code"] == .string("sandbox.no-\(layer.id)"), "\(error)")
            #expect(error["hint"]?.text?.isEmpty == false)
            #expect(!FileManager.default.fileExists(atPath: marker))
            #expect(Folder.names("\(home.path)/sandboxes").filter { $0.hasPrefix("step-") } == [])
        }
    }

    @Test(arguments: MissingLayer.allCases) func theDoctorEndsWith50AndSaysWhatIsMissing(layer: MissingLayer) async throws {
        try await withForgeHome { home in
            let run = try await home.run(without: layer, "doctor", "--json")
            #expect(run.exitCode == 50)
            let report = try run.json()
            #expect(report["isReady"] == false)
            let fatal = findings(report).values.filter { $0["isRequired"] == true && $0["state"] == "missing" }
            // What is refused only when it is asked for shows by the containers that do not come up.
            let isRefused = layer == .refusedUserNamespaces || layer == .refusedFilters
            #expect(fatal.map { $0["id"] } == [.string(isRefused ? "runtime" : layer.id)])
            #expect(fatal.allSatisfy { $0["remedy"]?.text?.isEmpty == false })
        }
    }

    @Test func theOperatorsRuntimeIsTakenAndRecorded() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "mkdir site; echo hi > site/index.html", output: "site")
            try home.configure("[sandbox]\nruntime = \"runc\"\n")
            let report = try await home.build(project.path)
            #expect(try home.record(report)["sandbox"]?.text?.hasPrefix("runc ") == true)
            let other = try await home.build(project.path, "--no-cache", in: ["FORGE_OCI_RUNTIME": "crun"])
            #expect(try home.record(other)["sandbox"]?.text?.hasPrefix("crun ") == true)
            #expect(other.artifact == report.artifact)
        }
    }

    @Test func aRuntimeThatForgeDoesNotKnowIsAMistakeWithItsPlace() async throws {
        try await withForgeHome { home in
            try home.configure("[sandbox]\nruntime = \"docker\"\ncgroups = \"maybe\"\n")
            let run = try await home.run("doctor", "--json")
            #expect(run.exitCode == 10)
            let error = try run.json()
            #expect(error["error"]?["code"] == "config.invalid")
            #expect(error["error"]?["message"] == "`docker` is no OCI runtime that Forge knows")
            #expect(error["error"]?["line"] == 2)
            #expect(error["others"]?.elements.map { $0["message"] } == ["`cgroups` cannot be `maybe`"])
        }
    }

    @Test func aRegistryOfThisMachineThatStepsMayNotReachComesWithTheLineThatAllowsIt() async throws {
        try await withForgeHome { home in
            let environment = ["PIP_INDEX_URL": "http://ada:secret@127.0.0.1:4873/simple"]
            let run = try await home.run("doctor", "--json", environment: environment)
            let pip = findings(try run.json())["pip"]
            #expect(pip?["state"] == "limited")
            #expect(pip?["detail"] == "http://127.0.0.1:4873: a port of its own or a private address")
            #expect(
                pip?["remedy"]
                    == "allow = [\"http://127.0.0.1:4873\"] below [network] in config.toml, or FORGE_EGRESS_ALLOW=http://127.0.0.1:4873")
            #expect(!run.output.contains("secret"))
            let allowed = try await home.run(
                "doctor", "--json", environment: environment.merging(["FORGE_EGRESS_ALLOW": "http://127.0.0.1:4873"]) { $1 })
            #expect(findings(try allowed.json())["pip"]?["state"] == "ok")
        }
    }

    private static let firewall = """
        table inet filter {
            chain input { type filter hook input priority 0; policy drop; }
            chain forward {
                type filter hook forward priority 0; policy drop;
                iifname "lan0" oifname "eth0" accept
            }
        }
        """

    /// The remedy is what it says: typed as it stands, it leaves nothing to remedy.
    @Test func anotherFirewallThatDropsWhatServersSendIsNamedWithTheRulesToAdd() async throws {
        try await withForgeHome { home in
            let lines = """
                set -e
                ip link set lo up
                "$0" doctor --json > before
                printf '%s' "$1" | nft -f -
                "$0" doctor --json > closed
                remedy=$(python3 -c 'import json, sys
                for group in json.load(open("closed"))["groups"]:
                    for finding in group["findings"]:
                        if finding["id"] == "forwarding": print(finding["remedy"].replace("sudo ", ""))')
                eval "$remedy"
                "$0" doctor --json > opened
                nft list chain inet filter forward > chain
                """
            let run = try await home.start(
                program: "/usr/bin/unshare", ["-n", "/bin/sh", "-c", lines, BuildProducts.executable("forge"), Self.firewall]
            ).finish()
            #expect(run.exitCode == 0, "\(run.error)")
            func finding(_ name: String) throws -> JSON? {
                let report = try JSONDecoder().decode(JSON.self, from: Data(contentsOf: URL(filePath: "\(home.folder)/\(name)")))
                return findings(report)["forwarding"]
            }
            let fine: JSON = [
                "id": "forwarding", "name": "forwarding", "state": "ok", "detail": "no other chain of nftables drops packets of servers",
                "remedy": nil, "isRequired": false,
            ]
            #expect(try finding("before") == fine)
            #expect(
                try finding("closed") == [
                    "id": "forwarding", "name": "forwarding", "state": "limited", "isRequired": false,
                    "detail": "chain `forward` of table `inet filter` drops packets of servers: they reach nobody",
                    "remedy": .string(
                        "sudo nft add rule inet filter forward 'iifname \"fg*\" accept' && "
                            + "sudo nft add rule inet filter forward 'oifname \"fg*\" ct state established,related accept' "
                            + "# and the same rules where that table is kept, such as /etc/nftables.conf"),
                ])
            #expect(try finding("opened") == fine)
            #expect(
                try String(contentsOfFile: "\(home.folder)/chain", encoding: .utf8) == """
                    table inet filter {
                    \tchain forward {
                    \t\ttype filter hook forward priority filter; policy drop;
                    \t\tiifname "lan0" oifname "eth0" accept
                    \t\tiifname "fg*" accept
                    \t\toifname "fg*" ct state established,related accept
                    \t}
                    }

                    """)
        }
    }
}
