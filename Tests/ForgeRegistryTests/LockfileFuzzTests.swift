import ForgeTestSupport
import Testing

@testable import ForgeRegistry

/// Lockfiles are a stranger's: what chance makes of real ones is read or passed over, and none takes longer than a second.
@Suite struct LockfileFuzzTests {
    @Test(arguments: [
        (
            "package-lock.json",
            #"{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0", "resolved": "https://example.org/a.tgz", "integrity": "sha512-AAAA"}}, "dependencies": {"b": {"version": "2", "dependencies": {}}}}"#
        ),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\na@^1, \"@b/c@2\":\n  version \"1.0.0\"\n  resolved \"https://example.org/a.tgz#00\"\n  integrity sha1-AAAA\n"
        ),
        ("yarn.lock", "__metadata:\n  version: 8\n\n\"a@npm:^1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  checksum: 10/00\n"),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\npackages:\n  '@a/b@1.0.0(c@2)':\n    resolution: {integrity: sha512-AAAA, tarball: x}\n  d@3: {}\n"
        ),
        (
            "uv.lock",
            "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\nwheels = [{ url = \"https://example.org/a.whl\", hash = \"sha256:00\" }]\n"
        ),
        ("poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1\"\nfiles = [{file = \"a-1.whl\", hash = \"sha256:00\"}]\n"),
        ("requirements.txt", "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb @ https://example.org/b.whl --hash=md5:0\n"),
    ])
    func aLockfileIsReadOrPassedOver(name: String, sample: String) {
        #expect(Fuzz.slowest(name + sample.prefix(4), [sample]) { bytes in _ = LockedHashes(name, bytes) } == nil)
    }
}
