import CMemory
import CScan
import Glibc

/// Bytes that lie somewhere else, for as long as that stays.
struct Bytes {
    let start: UnsafePointer<UInt8>
    let count: Int

    @inline(__always) init(_ start: UnsafePointer<UInt8>, _ count: Int) {
        self.start = start
        self.count = count
    }

    /// The bytes as text.
    var text: String { String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }

    /// Less than zero, zero or more: byte by byte, the shorter first.
    func compare(_ other: Bytes) -> Int {
        let order = memcmp(start, other.start, min(count, other.count))
        return order != 0 ? Int(order) : count - other.count
    }

    /// Whether the bytes are the same. Both are read eight at a time where that is inside.
    @inline(__always) func equals(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        if count < 8 {
            for index in 0..<count where start[index] != other.start[index] { return false }
            return true
        }
        var index = 0
        while index &+ 8 <= count {
            if Bytes.word(start + index) != Bytes.word(other.start + index) { return false }
            index &+= 8
        }
        return Bytes.word(start + (count &- 8)) == Bytes.word(other.start + (count &- 8))
    }

    @inline(__always) static func word(_ start: UnsafePointer<UInt8>) -> UInt64 {
        UnsafeRawPointer(start).loadUnaligned(as: UInt64.self)
    }

    /// A hash that nobody can foresee, for tables that live as long as the process.
    @inline(__always) var hash: UInt64 {
        var state = sluice_hash_seed ^ (UInt64(truncatingIfNeeded: count) &* 0x9e37_79b9_7f4a_7c15)
        if count >= 8 {
            var index = 0
            while index &+ 8 <= count {
                state = Bytes.mix(state ^ Bytes.word(start + index))
                index &+= 8
            }
            return Bytes.mix(state ^ Bytes.word(start + (count &- 8)))
        }
        var rest: UInt64 = 0
        for index in 0..<count { rest = rest << 8 | UInt64(start[index]) }
        return Bytes.mix(state ^ rest)
    }

    @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
        return product.high ^ product.low
    }
}

/// Rows of plain values that grow, in memory of their own.
///
/// Large memory grows by moving pages: nothing is copied, and no page is new twice.
final class Rows<Element: BitwiseCopyable>: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds the tally that this is part of.

    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var room: Int

    init(room: Int = 16) {
        self.room = max(room, 4)
        base = Rows.memory(nil, 0, self.room)
    }

    deinit { sluice_memory_free(base, room * MemoryLayout<Element>.stride) }

    /// `old`, which has room for `before` elements, with room for `room`.
    private static func memory(
        _ old: UnsafeMutablePointer<Element>?, _ before: Int, _ room: Int
    ) -> UnsafeMutablePointer<Element> {
        let size = MemoryLayout<Element>.stride
        guard let memory = sluice_memory_resize(old, before * size, room * size) else {
            fatalError("out of memory: \(room * size) bytes")
        }
        return memory.bindMemory(to: Element.self, capacity: room)
    }

    @inline(__always) func append(_ element: Element) {
        if count == room { grow(count + 1) }
        (base + count).initialize(to: element)
        count &+= 1
    }

    @inline(__always) subscript(index: Int) -> Element {
        get { base[index] }
        set { base[index] = newValue }
    }

    /// Room for so many more, behind the last.
    @inline(__always) func reserve(_ more: Int) {
        if count &+ more > room { grow(count + more) }
    }

    /// Forgets all rows from `count` on, or takes those that were written behind the last.
    func resize(_ count: Int) {
        if count > room { grow(count) }
        self.count = count
    }

    private func grow(_ needed: Int) {
        let before = room
        room = max(needed, room * 2)
        base = Rows.memory(base, before, room)
    }
}

extension Rows where Element == UInt8 {
    @inline(__always) func append(_ bytes: Bytes) {
        reserve(bytes.count)
        memcpy(base + count, bytes.start, bytes.count)
        resize(count + bytes.count)
    }
}
