import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where one value lies among the bytes of a column.
struct ByteSlot {
    var start: Int32
    var length: Int32
}

/// Finds out which distinct byte strings a column chunk has, and each value's position among them.
final class BytesDictionary {
    /// A place in the hash table: half of the hash, and the index plus one; zero when free.
    private struct Slot {
        var hash: UInt32
        var next: UInt32
    }

    /// An entry's place in `page`.
    private struct Entry {
        var start: Int
        var length: Int
    }

    /// The distinct values in PLAIN form: the content of the dictionary page.
    let page = MutableBuffer(capacity: 4096)
    /// Whether each value stands behind its length; not so when all are equally long.
    private let isPrefixed: Bool
    private var entries: [Entry] = []
    private var slots: UnsafeMutablePointer<Slot>
    private var slotCount = 1024

    init(prefixed: Bool) {
        isPrefixed = prefixed
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: Slot(hash: 0, next: 0), count: slotCount)
    }

    deinit { slots.deallocate() }

    /// How many distinct values there are.
    var count: Int { entries.count }

    /// Forgets all values.
    func removeAll() {
        page.removeAll()
        entries.removeAll(keepingCapacity: true)
        slots.update(repeating: Slot(hash: 0, next: 0), count: slotCount)
    }

    /// The bytes of an entry, until the next `encode`.
    func value(at index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: page.base + entries[index].start, count: entries[index].length)
    }

    /// Writes the index of each of `count` values to `indices`; `bytes` is what the slots point into.
    func encode(
        _ values: UnsafePointer<ByteSlot>, count: Int, bytes: UnsafeRawPointer, to indices: UnsafeMutablePointer<UInt32>
    ) {
        var table = slots
        var mask = slotCount &- 1
        for i in 0..<count {
            let length = Int(values[i].length)
            let value = bytes + Int(values[i].start)
            let hash = ByteHash.hash(value, length)
            let short = UInt32(truncatingIfNeeded: hash &>> 32)
            var place = Int(truncatingIfNeeded: hash) & mask
            while true {
                let slot = table[place]
                if slot.next == 0 {
                    let index = insert(value, length)
                    table[place] = Slot(hash: short, next: UInt32(truncatingIfNeeded: index &+ 1))
                    indices[i] = UInt32(truncatingIfNeeded: index)
                    if (index &+ 1) &* 2 > slotCount {
                        grow()
                        table = slots
                        mask = slotCount &- 1
                    }
                    break
                }
                if slot.hash == short, isEntry(Int(slot.next &- 1), value, length) {
                    indices[i] = slot.next &- 1
                    break
                }
                place = (place &+ 1) & mask
            }
        }
    }

    @inline(__always) private func isEntry(_ index: Int, _ value: UnsafeRawPointer, _ length: Int) -> Bool {
        entries.withUnsafeBufferPointer { entries in
            let entry = entries[index]
            return entry.length == length && ByteHash.equal(page.base + entry.start, value, length)
        }
    }

    @inline(never) private func insert(_ value: UnsafeRawPointer, _ length: Int) -> Int {
        if isPrefixed { page.append(Int32(truncatingIfNeeded: length)) }
        entries.append(Entry(start: page.count, length: length))
        page.append(UnsafeRawBufferPointer(start: value, count: length))
        return entries.count - 1
    }

    @inline(never) private func grow() {
        slots.deallocate()
        slotCount *= 4
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: Slot(hash: 0, next: 0), count: slotCount)
        for index in entries.indices {
            let entry = entries[index]
            let hash = ByteHash.hash(page.base + entry.start, entry.length)
            var place = Int(truncatingIfNeeded: hash) & (slotCount - 1)
            while slots[place].next != 0 { place = (place + 1) & (slotCount - 1) }
            slots[place] = Slot(hash: UInt32(truncatingIfNeeded: hash >> 32), next: UInt32(index + 1))
        }
    }
}

/// Hashing and comparing short byte strings without a call: by words that overlap in the middle.
enum ByteHash {
    private static let one: UInt64 = 0xa076_1d64_78bd_642f
    private static let two: UInt64 = 0xe703_7ed1_a0b4_28db

    /// A hash that mixes 16 bytes with one wide multiplication.
    @inline(__always) static func hash(_ p: UnsafeRawPointer, _ length: Int) -> UInt64 {
        if length <= 16 {
            let (a, b) = ends(p, length)
            return mix(a ^ one, b ^ two ^ UInt64(truncatingIfNeeded: length))
        }
        return long(p, length)
    }

    private static func long(_ p: UnsafeRawPointer, _ length: Int) -> UInt64 {
        var state = UInt64(truncatingIfNeeded: length) ^ one
        var i = 0
        while i &+ 16 < length {
            state = mix(word(p, i) ^ state, word(p, i &+ 8) ^ two)
            i &+= 16
        }
        return mix(word(p, length &- 16) ^ state, word(p, length &- 8) ^ one)
    }

    /// Whether the two strings of one length are the same.
    @inline(__always) static func equal(_ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ length: Int) -> Bool {
        if length <= 16 { return ends(p, length) == ends(q, length) }
        return memcmp(p, q, length) == 0
    }

    /// Two words that together hold every byte of at most 16.
    @inline(__always) private static func ends(_ p: UnsafeRawPointer, _ length: Int) -> (UInt64, UInt64) {
        if length >= 8 { return (word(p, 0), word(p, length &- 8)) }
        if length >= 4 {
            return (
                UInt64(p.loadUnaligned(as: UInt32.self)),
                UInt64(p.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self))
            )
        }
        if length == 0 { return (0, 0) }
        let first = UInt64(p.load(as: UInt8.self))
        let middle = UInt64(p.load(fromByteOffset: length &>> 1, as: UInt8.self))
        let last = UInt64(p.load(fromByteOffset: length &- 1, as: UInt8.self))
        return (first << 16 | middle << 8 | last, 0)
    }

    @inline(__always) private static func word(_ p: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        p.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    @inline(__always) private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
