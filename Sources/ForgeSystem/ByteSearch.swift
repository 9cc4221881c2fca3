internal import CForgeSystem

extension UnsafeRawBufferPointer {
    /// Whether `word` stands somewhere in these bytes.
    package func contains(_ word: [UInt8]) -> Bool { forge_contains(baseAddress, count, word, word.count) != 0 }
}
