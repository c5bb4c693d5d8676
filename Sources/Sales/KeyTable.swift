/// Keys made of bytes, each with a row of plain values; rows are numbered in the order in which keys were first seen.
final class KeyTable<Row: BitwiseCopyable>: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds the tally that this is part of.

    private let bytes = Rows<UInt8>(room: 1024)
    /// Where the key of each row begins; one more than there are rows.
    private let starts = Rows<Int>()
    private let empty: Row
    let rows: Rows<Row>
    /// The row's number plus one, and above it the hash's upper half; 0 where nothing is.
    private var slots: UnsafeMutablePointer<UInt64>
    private var mask: Int
    /// What does not fit a row's sums, by row and sum.
    var wide: [SumKey: Int128] = [:]

    struct SumKey: Hashable {
        var row: Int
        var sum: Int
    }

    init(_ empty: Row) {
        self.empty = empty
        rows = Rows()
        starts.append(0)
        mask = 63
        slots = .allocate(capacity: 64)
        slots.initialize(repeating: 0, count: 64)
    }

    deinit { slots.deallocate() }

    var count: Int { rows.count }

    @inline(__always) func key(_ row: Int) -> Bytes {
        Bytes(UnsafePointer(bytes.base) + starts[row], starts[row &+ 1] &- starts[row])
    }

    /// The row of `key`, made if need be.
    @inline(__always) func row(_ key: Bytes) -> Int {
        let hash = key.hash
        var at = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[at]
            if slot == 0 { return insert(key, hash, at) }
            if slot >> 32 == hash >> 32 {
                let row = Int(truncatingIfNeeded: slot & 0xffff_ffff) &- 1
                if self.key(row).equals(key) { return row }
            }
            at = (at &+ 1) & mask
        }
    }

    @inline(never) private func insert(_ key: Bytes, _ hash: UInt64, _ slot: Int) -> Int {
        let row = rows.count
        precondition(row < Int(UInt32.max) - 1, "too many keys")
        bytes.append(key)
        starts.append(bytes.count)
        rows.append(empty)
        slots[slot] = (hash & ~0xffff_ffff) | UInt64(row + 1)
        if rows.count * 2 > mask { grow() }
        return row
    }

    private func grow() {
        slots.deallocate()
        mask = (mask + 1) * 4 - 1
        slots = .allocate(capacity: mask + 1)
        slots.initialize(repeating: 0, count: mask + 1)
        for row in 0..<rows.count {
            let hash = key(row).hash
            var at = Int(truncatingIfNeeded: hash) & mask
            while slots[at] != 0 { at = (at + 1) & mask }
            slots[at] = (hash & ~0xffff_ffff) | UInt64(row + 1)
        }
    }

    // MARK: Sums

    /// Adds to a row's sum, which holds ten-thousandths; what does not fit it goes aside.
    @inline(__always) func add<N: Quantum>(_ value: N, to sum: inout Int64, _ row: Int, _ number: Int) {
        if let narrow = value.narrow, Narrow.add(narrow, to: &sum) { return }
        addWide(value.raw, row, number)
    }

    /// Adds what does not fit a row's sum.
    func addWide(_ raw: Int128, _ row: Int, _ sum: Int) { wide[SumKey(row: row, sum: sum), default: 0] &+= raw }

    /// The whole of a sum.
    func total(_ narrow: Int64, _ row: Int, _ sum: Int) -> Amount {
        let rest = wide.isEmpty ? 0 : wide[SumKey(row: row, sum: sum)] ?? 0
        return Amount(raw: Int128(narrow) * Narrow.unit &+ rest)
    }
}
