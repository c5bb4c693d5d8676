import CMemory
import CScan

/// Keys made of bytes, each with a row of plain values; rows are numbered in the order in which keys were first seen.
///
/// With many keys every look at memory is a wait for it, so a key's first bytes lie beside its row, and whoever knows what
/// comes next can ask for it ahead of time.
final class KeyTable<Row: BitwiseCopyable>: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds the tally that this is part of.

    private struct Entry: BitwiseCopyable {
        /// The key's first sixteen bytes, zeros behind a shorter one.
        var low: UInt64
        var high: UInt64
        /// Where all of it is.
        var start: Int
        var length: Int
        var row: Row
    }

    private let bytes: Rows<UInt8>
    private let empty: Row
    private let entries: Rows<Entry>
    /// The row's number plus one, and above it the hash's upper half; 0 where nothing is.
    private var slots: UnsafeMutablePointer<UInt64>
    private var mask: Int
    /// What does not fit a row's sums, by row and sum.
    var wide: [SumKey: Int128] = [:]

    struct SumKey: Hashable {
        var row: Int
        var sum: Int
    }

    /// An empty table, which has room for about as many keys as are expected.
    init(_ empty: Row, expecting count: Int = 0) {
        self.empty = empty
        bytes = Rows(room: max(1024, count * 40))
        entries = Rows(room: count + count / 8)
        mask = 63
        while mask < count * 2 + count / 2 { mask = mask * 2 + 1 }
        slots = KeyTable.emptySlots(mask + 1)
    }

    deinit { sluice_memory_free(slots, (mask + 1) * 8) }

    private static func emptySlots(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        guard let memory = sluice_memory_zeroed(count * 8) else { fatalError("out of memory: \(count * 8) bytes") }
        return memory.bindMemory(to: UInt64.self, capacity: count)
    }

    var count: Int { entries.count }

    /// The key of a row, good until the next key is new.
    @inline(__always) func key(_ row: Int) -> Bytes {
        let entry = entries.base + row
        return Bytes(UnsafePointer(bytes.base) + entry.pointee.start, entry.pointee.length)
    }

    /// The place of a row, good until the next key is new.
    @inline(__always) func at(_ row: Int) -> UnsafeMutablePointer<Row> {
        let offset = MemoryLayout<Entry>.offset(of: \Entry.row) ?? 32
        return (UnsafeMutableRawPointer(entries.base + row) + offset).assumingMemoryBound(to: Row.self)
    }

    @inline(__always) subscript(row: Int) -> Row {
        get { at(row).pointee }
        set { at(row).pointee = newValue }
    }

    /// The row of `key`, made if need be.
    @inline(__always) func row(_ key: Bytes) -> Int { row(key, hash: key.hash) }

    /// The row of `key`, whose hash is known.
    @inline(__always) func row(_ key: Bytes, hash: UInt64) -> Int {
        let (low, high) = KeyTable.head(key)
        var at = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[at]
            if slot == 0 { return insert(key, hash, at) }
            if slot >> 32 == hash >> 32 {
                let row = Int(truncatingIfNeeded: slot & 0xffff_ffff) &- 1
                let entry = entries.base + row
                if entry.pointee.low == low, entry.pointee.high == high, entry.pointee.length == key.count,
                    key.count <= 16 || self.key(row).equals(key)
                {
                    return row
                }
            }
            at = (at &+ 1) & mask
        }
    }

    /// Asks for the slot that a hash leads to.
    @inline(__always) func fetchSlot(_ hash: UInt64) {
        sluice_prefetch(slots + (Int(truncatingIfNeeded: hash) & mask))
    }

    /// Asks for the row that a hash most likely leads to; its slot should be here already.
    @inline(__always) func fetchRow(_ hash: UInt64) {
        let slot = slots[Int(truncatingIfNeeded: hash) & mask]
        if slot == 0 { return }
        let entry = UnsafeRawPointer(entries.base + (Int(truncatingIfNeeded: slot & 0xffff_ffff) &- 1))
        sluice_prefetch(entry)
        sluice_prefetch(entry + 64)
    }

    /// The first sixteen bytes.
    @inline(__always) private static func head(_ key: Bytes) -> (UInt64, UInt64) {
        let p = key.start
        switch key.count {
        case 16...: return (Bytes.word(p), Bytes.word(p + 8))
        case 9..<16:
            // The last eight bytes, moved to where they belong.
            return (
                Bytes.word(p), Bytes.word(p + (key.count &- 8)) >> UInt64(truncatingIfNeeded: (16 &- key.count) &* 8)
            )
        case 8: return (Bytes.word(p), 0)
        default:
            var low: UInt64 = 0
            for index in 0..<key.count { low |= UInt64(p[index]) << UInt64(truncatingIfNeeded: index &* 8) }
            return (low, 0)
        }
    }

    @inline(never) private func insert(_ key: Bytes, _ hash: UInt64, _ slot: Int) -> Int {
        let row = entries.count
        precondition(row < Int(UInt32.max) - 1, "too many keys")
        let (low, high) = KeyTable.head(key)
        entries.append(Entry(low: low, high: high, start: bytes.count, length: key.count, row: empty))
        bytes.append(key)
        slots[slot] = (hash & ~0xffff_ffff) | UInt64(row + 1)
        if entries.count * 2 > mask { grow() }
        return row
    }

    private func grow() {
        sluice_memory_free(slots, (mask + 1) * 8)
        mask = (mask + 1) * 4 - 1
        slots = KeyTable.emptySlots(mask + 1)
        for row in 0..<entries.count {
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
