internal import ForgeModel

/// The instances that lost their route: by host name the one that a rollback would want next, and which of them still have
/// requests of theirs under way.
struct KeptInstances {
    private var byHost: [String: AppInstance] = [:]
    /// How many releases of an instance are being drained: it may serve one after another, and the requests of an earlier one may
    /// outlast those of a later one.
    private var drains: [ObjectIdentifier: Int] = [:]

    var all: [AppInstance] { Array(byHost.values) }

    subscript(host: String) -> AppInstance? { byHost[host] }

    func holds(_ instance: AppInstance) -> Bool { byHost[instance.app.host] === instance }

    func isDraining(_ instance: AppInstance) -> Bool { drains[ObjectIdentifier(instance)] != nil }

    /// Makes `instance` the one its host keeps. Returns the one before it when nothing holds that any more; one that is being
    /// drained is ended by the last of its drains.
    mutating func keep(_ instance: AppInstance) -> AppInstance? {
        guard let older = byHost.updateValue(instance, forKey: instance.app.host), older !== instance, !isDraining(older) else {
            return nil
        }
        return older
    }

    mutating func letGo(of instance: AppInstance) {
        if holds(instance) { byHost[instance.app.host] = nil }
    }

    mutating func beginDrain(of instance: AppInstance) { drains[ObjectIdentifier(instance), default: 0] += 1 }

    /// Returns whether this was its last.
    mutating func endDrain(of instance: AppInstance) -> Bool {
        let rest = (drains[ObjectIdentifier(instance)] ?? 1) - 1
        drains[ObjectIdentifier(instance)] = rest == 0 ? nil : rest
        return rest == 0
    }

    mutating func removeAll() { byHost = [:] }
}
