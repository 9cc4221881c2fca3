internal import ForgeStore

/// Lets one request of a step fetch a thing while the others that want the same wait for it.
actor RegistryFlights {
    private var waiting: [RegistryEntryKey: [CheckedContinuation<Void, Never>]] = [:]

    /// Whether the caller is the one to fetch; it then ends its turn. Otherwise another's turn has just ended.
    func begin(_ key: RegistryEntryKey) async -> Bool {
        guard waiting[key] != nil else {
            waiting[key] = []
            return true
        }
        await withCheckedContinuation { waiting[key]?.append($0) }
        return false
    }

    func end(_ key: RegistryEntryKey) {
        for continuation in waiting.removeValue(forKey: key) ?? [] { continuation.resume() }
    }
}
