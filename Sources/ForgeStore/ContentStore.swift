package import ForgeModel

/// Bytes by digest. Two are real: the files of this machine and, later, a Remote Execution API cluster's CAS.
package protocol ContentStore: Sendable {
    /// Whether the bytes named by `digest` can be read here.
    func contains(_ digest: Digest) async throws -> Bool
    /// The bytes named by `digest`, verified against it; nil when they are not here. A corrupt blob is removed and reads
    /// as nil, so that it is made anew instead of believed.
    func read(_ digest: Digest) async throws -> [UInt8]?
    /// Stores `bytes` and returns their digest. They survive a power cut once this returns; a reader sees all or none.
    func write(_ bytes: [UInt8]) async throws -> Digest
}
