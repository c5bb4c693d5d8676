import Support

/// Writes DELTA_BINARY_PACKED: blocks of 128 differences, four miniblocks each, as wide as the widest in them.
enum DeltaEncoder {
    private static let blockSize = 128
    private static let miniblockCount = 4
    private static let miniblockSize = 32

    /// Appends `count` values, which lie unaligned at `values`, of a physical INT32 or INT64.
    static func encode<T: FixedWidthInteger & SignedInteger>(
        _: T.Type, _ values: UnsafeRawPointer, count: Int, into out: MutableBuffer
    ) {
        @inline(__always) func value(_ index: Int) -> T {
            values.loadUnaligned(fromByteOffset: index &* MemoryLayout<T>.size, as: T.self)
        }
        HybridEncoder.varint(UInt64(blockSize), into: out)
        HybridEncoder.varint(UInt64(miniblockCount), into: out)
        HybridEncoder.varint(UInt64(count), into: out)
        zigzag(count == 0 ? 0 : Int64(value(0)), into: out)
        guard count > 1 else { return }
        withUnsafeTemporaryAllocation(of: T.self, capacity: blockSize) { deltas in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: miniblockSize) { packable in
                var index = 1
                var previous = value(0)
                while index < count {
                    let size = min(blockSize, count &- index)
                    // Differences wrap around in the column's own width: a decoder's additions wrap back.
                    var least = T.max
                    for k in 0..<size {
                        let next = value(index &+ k)
                        let delta = next &- previous
                        previous = next
                        deltas[k] = delta
                        least = min(least, delta)
                    }
                    index &+= size
                    zigzag(Int64(least), into: out)
                    block(deltas, size, least, packable, into: out)
                }
            }
        }
    }

    private static func block<T: FixedWidthInteger & SignedInteger>(
        _ deltas: UnsafeMutableBufferPointer<T>, _ size: Int, _ least: T,
        _ packable: UnsafeMutableBufferPointer<UInt64>, into out: MutableBuffer
    ) {
        out.reserve(miniblockCount + blockSize * 8 + BitPacker.slack)
        let widths = out.count
        out.append(0 as UInt32)
        for miniblock in 0..<miniblockCount {
            let start = miniblock * miniblockSize
            // Miniblocks without values have a width of zero and no bytes.
            guard start < size, let first = packable.baseAddress else { break }
            var all: UInt64 = 0
            for k in 0..<miniblockSize {
                var word: UInt64 = 0
                if start + k < size {
                    let above = deltas[start + k] &- least
                    word =
                        T.bitWidth == 32
                        ? UInt64(UInt32(truncatingIfNeeded: above)) : UInt64(truncatingIfNeeded: above)
                }
                packable[k] = word
                all |= word
            }
            let width = BitPacker.width(of: all)
            out.base.storeBytes(of: UInt8(width), toByteOffset: widths + miniblock, as: UInt8.self)
            out.count += BitPacker.pack(
                UnsafePointer(first), groups: miniblockSize / 8, width: width, to: out.base + out.count)
        }
    }

    private static func zigzag(_ value: Int64, into out: MutableBuffer) {
        HybridEncoder.varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)), into: out)
    }
}
