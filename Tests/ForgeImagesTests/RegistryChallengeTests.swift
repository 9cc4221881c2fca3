import Testing

@testable import ForgeImages

@Suite struct RegistryChallengeTests {
    @Test func bearerAndBasicChallengesAreReadFromOneOrSeveralFields() {
        let parsed = RegistryChallenge.parse([
            #"Bearer realm="https://auth.example/token",service="reg \"one\"",scope="repository:a/b:pull,push", Basic realm="x""#,
            "Negotiate", "bearer realm=https://other.example/t",
        ])
        #expect(
            parsed == [
                .bearer(realm: "https://auth.example/token", service: #"reg "one""#, scope: "repository:a/b:pull,push"), .basic,
                .bearer(realm: "https://other.example/t", service: nil, scope: nil),
            ])
    }

    @Test func aChallengeWithoutRealmIsNone() { #expect(RegistryChallenge.parse([#"Bearer service="x""#, ""]) == []) }
}
