import Glibc

/// The keys of a Python dictionary, in the order in which they came: what is equal to Python is one key, so that 1, 1.0
/// and `true` are, and the key that came first is the one that is shown.
struct KeyTable {
    /// A key as it is compared: a mark for its kind, and bytes.
    private enum Mark: UInt8 {
        case string, integer, bigInteger, real, null, notANumber
    }

    /// The place of a key, from 1, below the upper half of its hash: most that is not the same is told apart by one look.
    private var slots = [UInt64](repeating: 0, count: 64)
    private var hashes: [UInt64] = []
    private var marks: [Mark] = []
    /// Where each key's bytes end.
    private var ends: [Int] = []
    private var bytes: [UInt8] = []
    /// The first of each key that is not a string.
    private var firsts: [Int: PythonValue] = [:]

    /// How many keys there are.
    var count: Int { ends.count }

    /// The place of the key that is the value at `place`, and whether it was there before; nil when it is a list or an
    /// object, which Python takes for no key.
    mutating func find(_ tape: Tape, _ place: Int) -> (index: Int, isNew: Bool)? {
        let node = tape[place]
        switch node.kind {
        case .string, .key: return find(.string, tape.bytes(node))
        case .array, .object: return nil
        default: break
        }
        let (mark, key) = KeyTable.canonical(tape, node)
        let found = key.withUnsafeBufferPointer { find(mark, $0) }
        if found.isNew { firsts[found.index] = tape.value(place) }
        return found
    }

    /// The same for what may be missing, which is at place 0: it stands for the string `word`.
    mutating func find(_ tape: Tape, _ place: Int, or word: StaticString) -> (index: Int, isNew: Bool)? {
        if place != 0 { return find(tape, place) }
        return find(.string, UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// The key at `index` as a value.
    func value(_ index: Int) -> PythonValue { firsts[index] ?? .string(Array(text(index))) }

    /// The key at `index` as the name of a member.
    func name(_ index: Int) -> [UInt8] {
        switch firsts[index] {
        case nil, .string, .list, .object: Array(text(index))
        case .null: Array("null".utf8)
        case .bool(let value): Array((value ? "true" : "false").utf8)
        case .integer(let value): Array(String(value).utf8)
        case .bigInteger(let digits): digits
        case .real(let value): Array(PythonJSON.real(value).utf8)
        }
    }

    private func text(_ index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    /// Numbers that are equal have the same mark and bytes.
    private static func canonical(_ tape: Tape, _ node: Node) -> (Mark, [UInt8]) {
        switch node.kind {
        case .null: return (.null, [])
        case .yes: return (.integer, word(1))
        case .no: return (.integer, word(0))
        case .integer: return (.integer, word(node.start))
        case .bigInteger: return (.bigInteger, Array(tape.bytes(node)))
        default: break
        }
        let value = Double(bitPattern: UInt64(bitPattern: Int64(node.start)))
        // Python's decoder always gives the same NaN, which is equal to nothing, but found again by identity.
        if value.isNaN { return (.notANumber, []) }
        if let whole = Int(exactly: value) { return (.integer, word(whole)) }
        if value.isFinite, value.rounded(.towardZero) == value { return (.bigInteger, PythonFloat.digits(value)) }
        return (.real, word(Int(Int64(bitPattern: value.bitPattern))))
    }

    private static func word(_ value: Int) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    // MARK: - Hashing

    private mutating func find(_ mark: Mark, _ key: UnsafeBufferPointer<UInt8>) -> (index: Int, isNew: Bool) {
        let hash = KeyTable.hash(key) ^ UInt64(mark.rawValue)
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while case let entry = slots[slot], entry != 0 {
            let index = Int(entry & 0xffff_ffff) &- 1
            if entry >> 32 == hash >> 32, marks[index] == mark, isSame(index, key) { return (index, false) }
            slot = (slot &+ 1) & mask
        }
        hashes.append(hash)
        slots[slot] = hash & ~0xffff_ffff | UInt64(hashes.count)
        marks.append(mark)
        bytes.append(contentsOf: key)
        ends.append(bytes.count)
        if hashes.count * 2 > slots.count { grow() }
        return (hashes.count - 1, true)
    }

    private func isSame(_ index: Int, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = index == 0 ? 0 : ends[index - 1]
        guard ends[index] - start == key.count else { return false }
        guard let other = key.baseAddress, key.count > 0 else { return true }
        return bytes.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.map { memcmp($0 + start, other, key.count) == 0 } ?? false
        }
    }

    private mutating func grow() {
        let mask = slots.count * 2 - 1
        slots = [UInt64](repeating: 0, count: slots.count * 2)
        for (index, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = hash & ~0xffff_ffff | UInt64(index + 1)
        }
    }

    /// What no process shares with another, so that nobody can prepare keys that fall together.
    private static let seed = UInt64.random(in: .min ... .max)

    private static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = seed ^ UInt64(key.count) &* 0x9e37_79b9_7f4a_7c15
        let raw = UnsafeRawBufferPointer(key)
        var at = 0
        while at + 8 <= raw.count {
            hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            at += 8
        }
        var rest: UInt64 = 0
        while at < raw.count {
            rest = rest << 8 | UInt64(raw[at])
            at += 1
        }
        return mix(hash ^ rest)
    }

    @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15 ^ 0xe703_7ed1_a0b4_28db)
        return product.high ^ product.low ^ seed
    }
}
