import Support

/// Names of runs: UUIDs of version 7, which sort by the moment they were made.
public enum RunID {
    /// A new one.
    public static func make() -> String { make(at: .now) }

    static func make(at moment: Moment) -> String {
        let microseconds = UInt64(max(moment.microseconds, 0))
        let milliseconds = microseconds / 1000
        // Below the millisecond the order is kept by a fraction of it, as RFC 9562 allows (6.2, method 3).
        let fraction = microseconds % 1000 * 4096 / 1000
        let high = milliseconds << 16 | 0x7000 | fraction
        let low = UInt64.random(in: .min ... .max) & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        let digits = hex(high) + hex(low)
        var id = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { id += "-" }
            id.append(digit)
        }
        return id
    }

    /// What is enough to name a run to `RunStore.run(matching:)` in nearly all cases: its last eight digits. The first
    /// ones tell the time, and are the same for all runs of a minute.
    public static func short(_ id: String) -> String { String(id.suffix(8)) }

    private static func hex(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
