import Support

/// Finds out which distinct values a column chunk of 4- or 8-byte values has, and each value's position among them.
///
/// Values are told apart by their bits, so that −0 and 0, and every NaN, survive.
final class FixedDictionary<Key: FixedWidthInteger & UnsignedInteger & BitwiseCopyable> {
    /// A place in the hash table: a key, and its index plus one; zero when free.
    private struct Slot {
        var key: Key
        var next: UInt32
    }

    /// The distinct values in the order in which they came: the content of the dictionary page.
    let page = MutableBuffer(capacity: 4096)
    private var slots: UnsafeMutablePointer<Slot>
    private var slotCount = 1024

    init() {
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: Slot(key: 0, next: 0), count: slotCount)
    }

    deinit { slots.deallocate() }

    /// How many distinct values there are.
    var count: Int { page.count / MemoryLayout<Key>.size }

    /// Forgets all values.
    func removeAll() {
        page.removeAll()
        slots.update(repeating: Slot(key: 0, next: 0), count: slotCount)
    }

    /// Writes the index of each of `count` values, which lie unaligned at `values`, to `indices`.
    func encode(_ values: UnsafeRawPointer, count: Int, to indices: UnsafeMutablePointer<UInt32>) {
        var table = slots
        var mask = slotCount &- 1
        var shift = UInt64(64 &- slotCount.trailingZeroBitCount)
        var known = self.count
        for i in 0..<count {
            let key = values.loadUnaligned(fromByteOffset: i &* MemoryLayout<Key>.size, as: Key.self)
            var place = Int(truncatingIfNeeded: Self.hash(key) &>> shift)
            while true {
                let slot = table[place]
                if slot.next == 0 {
                    page.append(key)
                    known &+= 1
                    table[place] = Slot(key: key, next: UInt32(truncatingIfNeeded: known))
                    indices[i] = UInt32(truncatingIfNeeded: known &- 1)
                    if known &* 2 > slotCount {
                        grow()
                        table = slots
                        mask = slotCount &- 1
                        shift = UInt64(64 &- slotCount.trailingZeroBitCount)
                    }
                    break
                }
                if slot.key == key {
                    indices[i] = slot.next &- 1
                    break
                }
                place = (place &+ 1) & mask
            }
        }
    }

    @inline(__always) private static func hash(_ key: Key) -> UInt64 {
        var word = UInt64(truncatingIfNeeded: key)
        if Key.bitWidth > 32 { word ^= word &>> 32 }
        return word &* 0x9e37_79b9_7f4a_7c15
    }

    @inline(never) private func grow() {
        let old = slots
        let oldCount = slotCount
        slotCount *= 4
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: Slot(key: 0, next: 0), count: slotCount)
        let shift = UInt64(64 - slotCount.trailingZeroBitCount)
        for i in 0..<oldCount where old[i].next != 0 {
            var place = Int(truncatingIfNeeded: Self.hash(old[i].key) >> shift)
            while slots[place].next != 0 { place = (place + 1) & (slotCount - 1) }
            slots[place] = old[i]
        }
        old.deallocate()
    }
}
