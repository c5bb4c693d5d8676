import CMemory

/// How often each total occurs: what an exact percentile needs of all records, and no more.
///
/// Whole cents up to about 5,000 are counted in place, others in a table, so memory grows with the different totals.
final class TotalCounts: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds the tally that this is part of.

    private static let cents = 1 << 19
    private let low: UnsafeMutablePointer<UInt32>
    private var others: [Int128: Int] = [:]
    private(set) var count = 0

    init() {
        // Zeroed by the kernel, page by page, where it is used.
        guard let memory = sluice_memory_zeroed(TotalCounts.cents * 4) else {
            fatalError("out of memory: \(TotalCounts.cents * 4) bytes")
        }
        low = memory.bindMemory(to: UInt32.self, capacity: TotalCounts.cents)
    }

    deinit { sluice_memory_free(low, TotalCounts.cents * 4) }

    @inline(__always) func add<N: Quantum>(_ total: N) {
        count &+= 1
        if let narrow = total.narrow {
            let (cents, rest) = narrow.quotientAndRemainder(dividingBy: 100)
            if rest == 0, cents >= 0, cents < Int64(TotalCounts.cents), low[Int(cents)] != .max {
                low[Int(cents)] &+= 1
                return
            }
        }
        others[total.raw, default: 0] += 1
    }

    func add(_ raw: Int128, _ times: Int) {
        count += times
        others[raw, default: 0] += times
    }

    func merge(_ other: TotalCounts) {
        count += other.count
        for cents in 0..<TotalCounts.cents where other.low[cents] != 0 {
            let (sum, isTooMany) = low[cents].addingReportingOverflow(other.low[cents])
            if isTooMany {
                others[TotalCounts.raw(cents), default: 0] += Int(other.low[cents])
            } else {
                low[cents] = sum
            }
        }
        for (raw, times) in other.others { others[raw, default: 0] += times }
    }

    private static func raw(_ cents: Int) -> Int128 { Int128(cents) * 100 * Narrow.unit }

    /// Calls `body` with each of the totals and how often it occurs, in ascending order.
    func each(_ body: (_ raw: Int128, _ times: Int) -> Void) {
        let rest = others.sorted { $0.key < $1.key }
        var next = 0
        for cents in 0..<TotalCounts.cents where low[cents] != 0 {
            let raw = TotalCounts.raw(cents)
            var times = Int(low[cents])
            while next < rest.count, rest[next].key <= raw {
                if rest[next].key == raw { times += rest[next].value } else { body(rest[next].key, rest[next].value) }
                next += 1
            }
            body(raw, times)
        }
        for (raw, times) in rest[next...] { body(raw, times) }
    }

    /// All totals with how often each occurs, in ascending order.
    var sorted: [(raw: Int128, times: Int)] {
        var result: [(raw: Int128, times: Int)] = []
        each { result.append((raw: $0, times: $1)) }
        return result
    }

    /// The value at place ⌈rank / 100 · n⌉, counted from 1, and how many are above it and above `threshold`.
    func percentile(_ rank: Amount, threshold: Int128) -> (value: Int128, above: Int, over: Int, either: Int)? {
        guard count > 0 else { return nil }
        let hundred = 100 * Amount.one
        let scaled = rank.raw * Int128(count)
        let place = max(1, min(count, Int((scaled + hundred - 1) / hundred)))
        var passed = 0
        var value: Int128?
        var over = 0
        var above = 0
        each { raw, times in
            if value != nil { above += times }
            passed += times
            if value == nil, passed >= place { value = raw }
            if raw > threshold { over += times }
        }
        return value.map { ($0, above, over, max(above, over)) }
    }
}
