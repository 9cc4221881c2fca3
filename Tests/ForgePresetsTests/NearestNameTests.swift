import ForgePresets
import Testing

@Suite struct NearestNameTests {
    @Test func namesCloseByAreSuggestedAndFarOnesAreNot() {
        #expect(NearestName.of("comand", in: ["command", "output"]) == "command")
        #expect(NearestName.of("nextsj", in: ["nextjs", "node"]) == "nextjs")
        #expect(NearestName.of("zzz", in: ["command", "output"]) == nil)
    }
}
