import Support

/// Writes the RLE/bit-packed hybrid that levels, dictionary indices and version 2 booleans use.
///
/// A run of equal values becomes one repeated run when that is shorter; everything between is bit-packed in groups of
/// eight.
enum HybridEncoder {
    /// Appends `count` values of at most `width` bits.
    static func encode<T: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<T>, count: Int, width: Int, into out: MutableBuffer
    ) {
        guard count > 0 else { return }
        // Below this a repeated run, with the header of the packed run that it interrupts, is longer than packed bits.
        let shortest = width <= 1 ? 48 : width <= 2 ? 32 : width <= 4 ? 16 : 8
        var packedFrom = 0
        var i = 0
        while i &+ 8 <= count {
            let first = values[i]
            var difference = (values[i &+ 1] ^ first) | (values[i &+ 2] ^ first) | (values[i &+ 3] ^ first)
            difference |= (values[i &+ 4] ^ first) | (values[i &+ 5] ^ first)
            difference |= (values[i &+ 6] ^ first) | (values[i &+ 7] ^ first)
            if difference != 0 {
                i &+= 8
                continue
            }
            var end = i &+ 8
            while end < count, values[end] == first { end &+= 1 }
            if end &- i < shortest, !(i == packedFrom && end == count) {
                // The run is too short to break the packed run for; what is left of it goes on in groups of eight.
                i &+= (end &- i) & ~7
                continue
            }
            packed(values + packedFrom, count: i &- packedFrom, width: width, into: out)
            repeated(UInt64(truncatingIfNeeded: first), count: end &- i, width: width, into: out)
            i = end
            packedFrom = end
        }
        let left = count &- packedFrom
        guard left > 0 else { return }
        if left < 8 {
            let first = values[packedFrom]
            if (packedFrom..<count).allSatisfy({ values[$0] == first }) {
                return repeated(UInt64(truncatingIfNeeded: first), count: left, width: width, into: out)
            }
        }
        packed(values + packedFrom, count: left, width: width, into: out)
    }

    /// Appends a run of `count` equal values.
    static func repeated(_ value: UInt64, count: Int, width: Int, into out: MutableBuffer) {
        varint(UInt64(count) << 1, into: out)
        var rest = value
        for _ in 0..<(width + 7) / 8 {
            out.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// Appends a bit-packed run; its last group is filled with zeros.
    private static func packed<T: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<T>, count: Int, width: Int, into out: MutableBuffer
    ) {
        guard count > 0 else { return }
        let groups = (count + 7) / 8
        varint(UInt64(groups) << 1 | 1, into: out)
        out.reserve(groups * width + BitPacker.slack)
        let whole = count / 8
        out.count += BitPacker.pack(values, groups: whole, width: width, to: out.base + out.count)
        if whole < groups {
            withUnsafeTemporaryAllocation(of: T.self, capacity: 8) { last in
                for k in 0..<8 { last[k] = whole * 8 + k < count ? values[whole * 8 + k] : 0 }
                guard let start = last.baseAddress else { return }
                out.count += BitPacker.pack(UnsafePointer(start), groups: 1, width: width, to: out.base + out.count)
            }
        }
    }

    /// Appends `count` bits, which begin at bit 0 of `bits`, as values one bit wide.
    ///
    /// A bitmap is its own bit-packed form, so only long stretches of equal bits are worth looking for.
    static func encode(bits: UnsafeRawPointer, count: Int, into out: MutableBuffer) {
        var packedFrom = 0
        var i = 0
        while i &+ 64 <= count {
            let word = bits.loadUnaligned(fromByteOffset: i >> 3, as: UInt64.self)
            if word != 0, word != .max {
                i &+= 64
                continue
            }
            var end = i &+ 64
            while end &+ 64 <= count, bits.loadUnaligned(fromByteOffset: end >> 3, as: UInt64.self) == word {
                end &+= 64
            }
            if end == i &+ 64, !(i == packedFrom && end == count) {
                i = end
                continue
            }
            packed(bits: bits, from: packedFrom, to: i, into: out)
            repeated(word & 1, count: end &- i, width: 1, into: out)
            i = end
            packedFrom = end
        }
        guard packedFrom < count else { return }
        let left = count - packedFrom
        if left < 64 {
            // Short ends, and pages without any null, stay one repeated run.
            var ones = 0
            for bit in packedFrom..<count {
                ones += Int(bits.load(fromByteOffset: bit >> 3, as: UInt8.self) >> (bit & 7)) & 1
            }
            if ones == 0 || ones == left { return repeated(ones == 0 ? 0 : 1, count: left, width: 1, into: out) }
        }
        packed(bits: bits, from: packedFrom, to: count, into: out)
    }

    /// Appends the bits in a range that begins at a whole byte.
    private static func packed(bits: UnsafeRawPointer, from: Int, to: Int, into out: MutableBuffer) {
        guard to > from else { return }
        let groups = (to - from + 7) / 8
        varint(UInt64(groups) << 1 | 1, into: out)
        out.append(UnsafeRawBufferPointer(start: bits + from / 8, count: groups))
        let extra = (to - from) & 7
        if extra != 0 {
            let last = out.base + (out.count - 1)
            last.storeBytes(of: last.load(as: UInt8.self) & (1 << UInt8(extra) - 1), as: UInt8.self)
        }
    }

    /// Appends an unsigned LEB128 integer.
    static func varint(_ value: UInt64, into out: MutableBuffer) {
        var rest = value
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(truncatingIfNeeded: rest))
    }
}
