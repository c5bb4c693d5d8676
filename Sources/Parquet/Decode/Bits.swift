/// Writing runs of bits, least significant bit of each byte first, at any position.
///
/// Every call leaves the bits behind its last one, up to the end of their byte, zero or as they were, and never touches
/// another byte.
enum Bits {
    /// Sets `count` bits from bit `start` on.
    static func fill(_ bits: UnsafeMutableRawPointer, from start: Int, count: Int, with value: Bool) {
        if count <= 0 { return }
        var position = start
        let end = start + count
        let bytes = bits.assumingMemoryBound(to: UInt8.self)
        let head = position & 7
        if head != 0 {
            let take = min(8 - head, count)
            let mask = UInt8(truncatingIfNeeded: ((1 << take) - 1) << head)
            bytes[position >> 3] = value ? bytes[position >> 3] | mask : bytes[position >> 3] & ~mask
            position += take
        }
        let whole = (end - position) >> 3
        if whole > 0 {
            (bytes + (position >> 3)).update(repeating: value ? 0xff : 0, count: whole)
            position += whole * 8
        }
        if position < end {
            bytes[position >> 3] = value ? UInt8(truncatingIfNeeded: (1 << (end - position)) - 1) : 0
        }
    }

    /// Copies `count` bits. Returns how many of them are 1.
    static func copy(
        _ source: UnsafeRawPointer, from sourceStart: Int, to target: UnsafeMutableRawPointer, at targetStart: Int,
        count: Int
    ) -> Int {
        if count <= 0 { return 0 }
        let bytes = target.assumingMemoryBound(to: UInt8.self)
        var ones = 0
        var from = sourceStart
        var to = targetStart
        let end = targetStart + count
        let head = to & 7
        if head != 0 {
            let take = min(8 - head, count)
            let value = read(source, from, take)
            let mask = UInt8(truncatingIfNeeded: ((1 << take) - 1) << head)
            bytes[to >> 3] = (bytes[to >> 3] & ~mask) | (value << UInt8(head))
            ones += value.nonzeroBitCount
            from += take
            to += take
        }
        // Eight bytes at a time: a byte more may be needed when the source is shifted, and the last bit lies in it.
        let shift = UInt64(from & 7)
        while end - to >= 64 {
            let place = source + (from >> 3)
            var word = place.loadUnaligned(as: UInt64.self)
            if shift != 0 {
                word = (word >> shift) | (UInt64(place.load(fromByteOffset: 8, as: UInt8.self)) << (64 - shift))
            }
            target.storeBytes(of: word, toByteOffset: to >> 3, as: UInt64.self)
            ones += word.nonzeroBitCount
            from += 64
            to += 64
        }
        while to < end {
            let take = min(8, end - to)
            let value = read(source, from, take)
            bytes[to >> 3] = value
            ones += value.nonzeroBitCount
            from += take
            to += take
        }
        return ones
    }

    /// At most eight bits, from any position.
    @inline(__always) private static func read(_ source: UnsafeRawPointer, _ from: Int, _ count: Int) -> UInt8 {
        let shift = from & 7
        let place = source + (from >> 3)
        var value = UInt16(place.load(as: UInt8.self)) >> UInt16(shift)
        if shift + count > 8 { value |= UInt16(place.load(fromByteOffset: 1, as: UInt8.self)) << UInt16(8 - shift) }
        return UInt8(truncatingIfNeeded: value) & UInt8(truncatingIfNeeded: (1 << count) - 1)
    }

    /// Sixty-four bits from any position, of which `available` are there; the rest is 0.
    @inline(__always) static func word(_ bits: UnsafeRawPointer, at position: Int, available: Int) -> UInt64 {
        let shift = UInt64(position & 7)
        let place = bits + (position >> 3)
        if available >= 64 {
            let low = place.loadUnaligned(as: UInt64.self) >> shift
            if shift == 0 { return low }
            return low | (UInt64(place.load(fromByteOffset: 8, as: UInt8.self)) << (64 - shift))
        }
        var value: UInt64 = 0
        var got = 0
        while got < available {
            let take = min(8, available - got)
            value |= UInt64(read(bits, position + got, take)) << UInt64(got)
            got += take
        }
        return value
    }
}
