import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes the encodings of byte arrays. Values come as a page collects them: in PLAIN form, each behind its length, or
/// side by side when they are all `fixed` bytes long.
enum ByteArrayEncoder {
    /// Appends DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
    static func deltaLength(_ plain: UnsafeRawPointer, count: Int, into out: MutableBuffer) {
        let lengths = MutableBuffer(capacity: count * 4)
        var at = 0
        var total = 0
        for _ in 0..<count {
            let length = plain.loadUnaligned(fromByteOffset: at, as: Int32.self)
            lengths.append(length)
            at += 4 + Int(length)
            total += Int(length)
        }
        DeltaEncoder.encode(Int32.self, lengths.base, count: count, into: out)
        out.reserve(total)
        at = 0
        for _ in 0..<count {
            let length = Int(plain.loadUnaligned(fromByteOffset: at, as: Int32.self))
            out.append(UnsafeRawBufferPointer(start: plain + (at + 4), count: length))
            at += 4 + length
        }
    }

    /// Appends DELTA_BYTE_ARRAY: how much each value shares with the one before, then the rest of each.
    static func deltaPrefix(_ plain: UnsafeRawPointer, count: Int, fixed: Int?, into out: MutableBuffer) {
        let prefixes = MutableBuffer(capacity: count * 4)
        let suffixes = MutableBuffer()
        var previous = UnsafeRawBufferPointer(start: nil, count: 0)
        var at = 0
        for _ in 0..<count {
            let length: Int
            if let fixed {
                length = fixed
            } else {
                length = Int(plain.loadUnaligned(fromByteOffset: at, as: Int32.self))
                at += 4
            }
            let value = UnsafeRawBufferPointer(start: plain + at, count: length)
            at += length
            let shared = commonPrefix(previous, value)
            prefixes.append(Int32(shared))
            suffixes.append(Int32(length - shared))
            suffixes.append(UnsafeRawBufferPointer(rebasing: value[shared...]))
            previous = value
        }
        DeltaEncoder.encode(Int32.self, prefixes.base, count: count, into: out)
        deltaLength(suffixes.base, count: count, into: out)
    }

    private static func commonPrefix(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let limit = min(a.count, b.count)
        var i = 0
        while i + 8 <= limit {
            let difference =
                a.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                ^ b.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            if difference != 0 { return i + difference.trailingZeroBitCount / 8 }
            i += 8
        }
        while i < limit, a[i] == b[i] { i += 1 }
        return i
    }

    /// Appends BYTE_STREAM_SPLIT: the first byte of every value, then the second of every value, and so on.
    static func streamSplit(_ values: UnsafeRawPointer, count: Int, width: Int, into out: MutableBuffer) {
        out.reserve(count * width)
        let to = out.base + out.count
        switch width {
        case 4: split(values, UInt32.self, count, to)
        case 8: split(values, UInt64.self, count, to)
        default:
            for byte in 0..<width {
                let stream = (to + byte * count).assumingMemoryBound(to: UInt8.self)
                let from = (values + byte).assumingMemoryBound(to: UInt8.self)
                for i in 0..<count { stream[i] = from[i &* width] }
            }
        }
        out.count += count * width
    }

    @inline(__always) private static func split<T: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafeRawPointer, _: T.Type, _ count: Int, _ out: UnsafeMutableRawPointer
    ) {
        let width = MemoryLayout<T>.size
        for i in 0..<count {
            var word = values.loadUnaligned(fromByteOffset: i &* width, as: T.self)
            for byte in 0..<width {
                out.storeBytes(of: UInt8(truncatingIfNeeded: word), toByteOffset: byte &* count &+ i, as: UInt8.self)
                word = word &>> 8
            }
        }
    }
}
