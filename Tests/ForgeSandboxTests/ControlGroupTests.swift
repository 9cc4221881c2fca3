import ForgeSystem
import Foundation
import Testing

@testable import ForgeSandbox

/// What is written and read where control groups are, on a machine of the other version than this one's: files in a folder.
@Suite struct ControlGroupTests {
    private static func machine(_ files: [String: String]) throws -> String {
        let root = NSTemporaryDirectory() + "/forge-groups-" + UUID().uuidString
        for (path, text) in files {
            try Files.makeDirectory(Files.parent(of: "\(root)/\(path)"))
            try Files.writeAtomically(Array(text.utf8), to: "\(root)/\(path)")
        }
        return root
    }

    private static func text(_ path: String) throws -> String { String(decoding: try Files.read(path) ?? [], as: UTF8.self) }

    @Test(arguments: [("0", "1", "populated 1\nfrozen 1\n"), ("1", "0", "populated 1\nfrozen 0\n")])
    func withVersion2WhatStandsStillIsReadBesideWhereItIsAskedFor(before: String, asked: String, events: String) async throws {
        let root = try Self.machine([
            "cgroup.controllers": "memory pids\n", "slice/forge-x/cgroup.freeze": before, "slice/forge-x/cgroup.events": events,
            "slice/forge-x/memory.current": "4096\n",
        ])
        let group = ControlGroup(ofRun: "/run/server-x", below: "/slice", at: root)
        if asked == "1" { try await group.freeze() } else { try await group.thaw() }
        #expect(try Self.text("\(root)/slice/forge-x/cgroup.freeze") == asked)
        #expect(try group.memoryBytes() == 4096)
        try Files.removeTree(root)
    }

    @Test func withVersion1TheStateIsReadWhereItIsWritten() async throws {
        let root = try Self.machine(["freezer/forge-x/freezer.state": "", "memory/forge-x/memory.usage_in_bytes": "4096\n"])
        let group = ControlGroup(ofRun: "/run/server-x", at: root)
        try await group.freeze()
        #expect(try Self.text("\(root)/freezer/forge-x/freezer.state") == "FROZEN")
        #expect(try group.memoryBytes() == 4096)
        try Files.removeTree(root)
    }
}
