/// The axis of a chart: round numbers that hold all values.
struct Scale {
    let low: Double
    let high: Double
    let ticks: [Double]

    /// An axis from zero, or below when values are, to the next round number above all values.
    init(from least: Double, to most: Double, ticks wanted: Int = 4) {
        let least = least.isFinite ? min(least, 0) : 0
        let most = most.isFinite ? max(most, 0) : 0
        let span = most > least ? most - least : 1
        let step = Scale.step(span / Double(max(wanted, 1)))
        let first = Int((least / step).rounded(.down))
        let last = max(Int((most / step).rounded(.up)), first + 1)
        low = Double(first) * step
        high = Double(last) * step
        ticks = (first...last).map { Double($0) * step }
    }

    /// Where `value` is, in percent from the low end.
    func place(_ value: Double) -> Double { min(max((value - low) / (high - low) * 100, 0), 100) }

    /// 1, 2, 2.5 or 5 with zeros: the first that is not below.
    private static func step(_ rough: Double) -> Double {
        var unit = 1.0
        while unit * 10 <= rough { unit *= 10 }
        while unit > rough { unit /= 10 }
        for factor in [1, 2, 2.5, 5] where unit * factor >= rough { return unit * factor }
        return unit * 10
    }

    /// What stands at a tick: `0`, `250`, `1.5k`, `20M`.
    func label(_ tick: Double) -> String {
        let largest = max(abs(low), abs(high))
        var unit = 1.0
        var name = ""
        for (value, letter) in [(1e3, "k"), (1e6, "M"), (1e9, "B"), (1e12, "T")] where largest >= value * 1.999 {
            unit = value
            name = letter
        }
        if tick == 0 { return "0" }
        return Figures.grouped(Figures.decimal(tick / unit)) + name
    }
}
