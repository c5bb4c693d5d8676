public import Support

/// Reading runs of bits, least significant bit of each byte first, as Arrow and Parquet lay them out.
public enum Bitmap {
    /// Whether bit `index` is 1.
    @inlinable public static func isSet(_ bits: Buffer, at index: Int) -> Bool {
        bits.withUnsafeBytes { isSet($0, at: index) }
    }

    /// Whether bit `index` is 1.
    @inlinable public static func isSet(_ bits: UnsafeRawBufferPointer, at index: Int) -> Bool {
        bits[index >> 3] & (1 << UInt8(truncatingIfNeeded: index & 7)) != 0
    }

    /// How many of `count` bits from bit `start` on are 1.
    public static func countSet(_ bits: Buffer, from start: Int, count: Int) -> Int {
        bits.withUnsafeBytes { bytes in
            var total = 0
            var index = start
            let end = start + count
            while index < end, index & 7 != 0 {
                total += isSet(bytes, at: index) ? 1 : 0
                index += 1
            }
            while index + 64 <= end {
                total += bytes.loadUnaligned(fromByteOffset: index >> 3, as: UInt64.self).nonzeroBitCount
                index += 64
            }
            while index < end {
                total += isSet(bytes, at: index) ? 1 : 0
                index += 1
            }
            return total
        }
    }

    /// `count` bits from bit `start` on, copied so that they begin at bit 0; bits beyond the end are 0.
    public static func copy(_ bits: Buffer, from start: Int, count: Int) -> Buffer {
        let builder = BitmapBuilder(capacity: count)
        builder.append(bits, from: start, count: count)
        return builder.freeze()
    }
}

/// A run of bits under construction.
public final class BitmapBuilder {
    /// How many bits there are.
    @inlinable public var count: Int { bitCount }
    /// How many of them are 0.
    @inlinable public var zeroCount: Int { zeros }
    @exclusivity(unchecked) @usableFromInline var bitCount = 0
    @exclusivity(unchecked) @usableFromInline var zeros = 0
    @usableFromInline let storage: MutableBuffer

    /// No bits, with room for `capacity`.
    public init(capacity: Int = 0) { storage = MutableBuffer(capacity: (capacity + 7) / 8) }

    /// Appends one bit.
    @inlinable @inline(__always) public func append(_ bit: Bool) {
        let shift = UInt8(truncatingIfNeeded: count & 7)
        if shift == 0 { storage.append(0 as UInt8) }
        let place = storage.base + (count >> 3)
        let one: UInt8 = bit ? 1 : 0
        place.storeBytes(of: place.load(as: UInt8.self) | one << shift, as: UInt8.self)
        bitCount &+= 1
        zeros &+= 1 &- Int(one)
    }

    /// Appends `extra` equal bits.
    public func append(repeating bit: Bool, count extra: Int) {
        var left = extra
        while left > 0, count & 7 != 0 {
            append(bit)
            left -= 1
        }
        storage.append(repeating: bit ? 0xff : 0, count: left >> 3)
        bitCount += left & ~7
        if !bit { zeros += left & ~7 }
        for _ in 0..<(left & 7) { append(bit) }
    }

    /// Appends `extra` bits of `bits` from bit `start` on.
    public func append(_ bits: Buffer, from start: Int, count extra: Int) {
        bits.withUnsafeBytes { append($0, from: start, count: extra) }
    }

    /// Appends `extra` bits of `bytes` from bit `start` on.
    public func append(_ bytes: UnsafeRawBufferPointer, from start: Int, count extra: Int) {
        precondition(start >= 0 && extra >= 0 && start + extra <= bytes.count * 8, "bits out of range")
        var index = start
        let end = start + extra
        while index < end, count & 7 != 0 {
            append(Bitmap.isSet(bytes, at: index))
            index += 1
        }
        // Whole words: 64 bits lie in eight bytes, or in nine when they begin inside one.
        storage.reserve((end - index + 7) / 8 + 8)
        let words = (end - index) / 64
        let shift = UInt64(index & 7)
        var place = storage.base + storage.count
        var zeros = 0
        for word in 0..<words {
            let source = index >> 3 + word * 8
            var value = bytes.loadUnaligned(fromByteOffset: source, as: UInt64.self) >> shift
            if shift > 0 { value |= UInt64(bytes[source + 8]) << (64 - shift) }
            place.storeBytes(of: value, as: UInt64.self)
            place += 8
            zeros += 64 - value.nonzeroBitCount
        }
        storage.count += words * 8
        bitCount += words * 64
        self.zeros += zeros
        index += words * 64
        while index < end {
            append(Bitmap.isSet(bytes, at: index))
            index += 1
        }
    }

    /// The bits as a buffer; this builder is empty afterwards.
    public func freeze() -> Buffer {
        bitCount = 0
        zeros = 0
        return storage.freeze()
    }
}
