internal import CForgeSystem

package enum SystemClock {
    /// Whether something (NTP, a hypervisor) keeps the clock right, as far as the kernel knows.
    package static var isKept: Bool { forge_clock_is_kept() == 1 }
}
