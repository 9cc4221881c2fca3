import Foundation
import Glibc
import Testing

@testable import ForgeSandbox

@Suite struct IDRangeTests {
    @Test(.enabled(if: getuid() == 0)) func twoHomesOnOneMachineNeverTakeTheSameIDs() throws {
        let homes = (0..<3).map { _ in NSTemporaryDirectory() + "/forge-ids-" + UUID().uuidString }
        defer { homes.forEach { try? FileManager.default.removeItem(atPath: $0) } }
        let ranges = try homes.map { try IDRange.claim(in: "\($0)/ids") }
        #expect(Set(ranges.map(\.base)).count == 3)
        withExtendedLifetime(ranges) {}
    }
}
