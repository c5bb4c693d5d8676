import Support

/// What a run uses in the units that Container Apps bills: seconds of a processor, and of a GiB of memory.
package struct RunUsage: Sendable, Hashable {
    /// vCPU-seconds.
    package let cpu: Double
    /// GiB-seconds.
    package let memory: Double

    /// What `replicas` copies use in `duration`.
    package init(_ resources: RunResources, _ duration: Duration, replicas: Int = 1) {
        let seconds = max(0, duration / .seconds(1)) * Double(replicas)
        cpu = Double(resources.millicores) / 1000 * seconds
        memory = Double(resources.memory) / Double(1 << 30) * seconds
    }

    /// `450 vCPU-s, 900 GiB-s`
    package var text: String { "\(RunUsage.rounded(cpu)) vCPU-s, \(RunUsage.rounded(memory)) GiB-s" }

    private static func rounded(_ value: Double) -> String {
        if value >= 100 { return String(Int(min(value, 1e15).rounded())) }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
