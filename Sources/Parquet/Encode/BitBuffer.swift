import Columns
import Support

/// Bits under construction, copied by words: the validity of a page's rows, or its booleans.
final class BitBuffer {
    private let storage = MutableBuffer()
    /// How many bits there are.
    private(set) var count = 0

    /// The bits, the first one in the lowest place; at least eight bytes can be read beyond the last.
    var base: UnsafeRawPointer {
        storage.count = (count + 7) / 8
        storage.reserve(16)
        return UnsafeRawPointer(storage.base)
    }

    /// How many bytes hold bits; what the last one has left over is zero.
    var byteCount: Int { (count + 7) / 8 }

    /// Forgets all bits.
    func removeAll() { count = 0 }

    /// Appends up to 56 bits; what `word` has beyond them is zero.
    @inline(__always) func append(_ word: UInt64, count extra: Int) {
        let byte = count >> 3
        storage.count = byte
        storage.reserve(16)
        let shift = UInt64(truncatingIfNeeded: count & 7)
        let kept = shift == 0 ? 0 : UInt64(storage.base.load(fromByteOffset: byte, as: UInt8.self))
        storage.base.storeBytes(of: kept | word &<< shift, toByteOffset: byte, as: UInt64.self)
        count &+= extra
    }

    /// Appends `extra` bits of `bits` from bit `start` on.
    func append(_ bits: UnsafeRawBufferPointer, from start: Int, count extra: Int) {
        BitBuffer.forEachWord(bits, from: start, count: extra, into: ()) { _, word, size, _ in
            append(word, count: size)
        }
    }

    /// Appends `extra` equal bits.
    func append(repeating bit: Bool, count extra: Int) {
        var left = extra
        while left > 0 {
            let size = min(left, 56)
            append(bit ? UInt64.max >> UInt64(64 - size) : 0, count: size)
            left -= size
        }
    }

    /// Calls `body` with the bits in words of up to 56, their number, and the position of the first, and with a result
    /// that it adds to.
    @inline(__always) static func forEachWord<R>(
        _ bits: UnsafeRawBufferPointer, from start: Int, count: Int, into initial: R,
        _ body: (inout R, UInt64, Int, Int) -> Void
    ) -> R {
        var result = initial
        var done = 0
        while done < count {
            let size = min(56, count &- done)
            let byte = (start &+ done) >> 3
            let shift = UInt64(truncatingIfNeeded: (start &+ done) & 7)
            var word: UInt64 = 0
            if byte &+ 8 <= bits.count {
                word = bits.loadUnaligned(fromByteOffset: byte, as: UInt64.self)
            } else {
                for k in byte..<bits.count { word |= UInt64(bits[k]) &<< UInt64(truncatingIfNeeded: 8 &* (k &- byte)) }
            }
            word = (word &>> shift) & (UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- size))
            body(&result, word, size, done)
            done &+= size
        }
        return result
    }
}
