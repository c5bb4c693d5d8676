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
    public private(set) var count = 0
    /// How many of them are 0.
    public private(set) var zeroCount = 0
    private let storage: MutableBuffer

    /// No bits, with room for `capacity`.
    public init(capacity: Int = 0) { storage = MutableBuffer(capacity: (capacity + 7) / 8) }

    /// Appends one bit.
    public func append(_ bit: Bool) {
        if count & 7 == 0 { storage.append(0 as UInt8) }
        if bit {
            let place = storage.base + (count >> 3)
            place.storeBytes(
                of: place.load(as: UInt8.self) | (1 << UInt8(truncatingIfNeeded: count & 7)), as: UInt8.self)
        } else {
            zeroCount += 1
        }
        count += 1
    }

    /// Appends `extra` equal bits.
    public func append(repeating bit: Bool, count extra: Int) {
        var left = extra
        while left > 0, count & 7 != 0 {
            append(bit)
            left -= 1
        }
        storage.append(repeating: bit ? 0xff : 0, count: left >> 3)
        count += left & ~7
        if !bit { zeroCount += left & ~7 }
        for _ in 0..<(left & 7) { append(bit) }
    }

    /// Appends `extra` bits of `bits` from bit `start` on.
    public func append(_ bits: Buffer, from start: Int, count extra: Int) {
        bits.withUnsafeBytes { bytes in
            var index = start
            let end = start + extra
            while index < end, count & 7 != 0 {
                append(Bitmap.isSet(bytes, at: index))
                index += 1
            }
            storage.reserve((end - index + 7) / 8)
            while index + 8 <= end {
                let shift = UInt8(truncatingIfNeeded: index & 7)
                var byte = bytes[index >> 3] >> shift
                if shift > 0 { byte |= bytes[(index >> 3) + 1] << (8 - shift) }
                storage.append(byte)
                zeroCount += 8 - byte.nonzeroBitCount
                count += 8
                index += 8
            }
            while index < end {
                append(Bitmap.isSet(bytes, at: index))
                index += 1
            }
        }
    }

    /// The bits as a buffer; this builder is empty afterwards.
    public func freeze() -> Buffer {
        count = 0
        zeroCount = 0
        return storage.freeze()
    }
}
