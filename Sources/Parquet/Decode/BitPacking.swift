/// Unpacks integers of so many bits each, least significant bit first.
enum BitPacking {
    /// An address for empty inputs.
    nonisolated(unsafe) static let nothing: UnsafeMutableRawPointer = {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 64)
        return memory
    }()

    /// Unpacks `count` values of `width` ≤ 32 bits that begin `bit` bits behind `start`; they all lie before `end`.
    static func unpack(
        _ start: UnsafeRawPointer, end: UnsafeRawPointer, bit: Int, width: Int, count: Int,
        into output: UnsafeMutablePointer<UInt32>
    ) {
        if width == 0 { return output.update(repeating: 0, count: count) }
        let mask = (UInt64(1) << UInt64(width)) - 1
        var position = bit
        var index = 0
        // Whole groups of eight begin at a byte; most calls do.
        if position & 7 == 0 {
            var place = start + (position >> 3)
            let step = width
            if width <= 8 {
                while count - index >= 8, end - place >= 8 {
                    spread8(place.loadUnaligned(as: UInt64.self), UInt64(width), mask, output + index)
                    place += step
                    index += 8
                }
            } else if width <= 16 {
                while count - index >= 8, end - place >= step / 2 + 9 {
                    let half = place + ((width * 4) >> 3)
                    spread4(place.loadUnaligned(as: UInt64.self), UInt64(width), mask, output + index)
                    spread4(
                        half.loadUnaligned(as: UInt64.self) >> UInt64((width * 4) & 7), UInt64(width), mask,
                        output + index + 4)
                    place += step
                    index += 8
                }
            }
            position += index * width
        }
        while index < count, end - (start + (position >> 3)) >= 8 {
            let word = (start + (position >> 3)).loadUnaligned(as: UInt64.self)
            output[index] = UInt32(truncatingIfNeeded: (word >> UInt64(position & 7)) & mask)
            position += width
            index += 1
        }
        while index < count {
            output[index] = UInt32(truncatingIfNeeded: careful(start, end, position, width))
            position += width
            index += 1
        }
    }

    /// Unpacks `count` values of `width` ≤ 8 bits.
    static func unpack(
        _ start: UnsafeRawPointer, end: UnsafeRawPointer, bit: Int, width: Int, count: Int,
        into output: UnsafeMutablePointer<UInt8>
    ) {
        if width == 0 { return output.update(repeating: 0, count: count) }
        let mask = (UInt64(1) << UInt64(width)) - 1
        var position = bit
        var index = 0
        while count - index >= 7, end - (start + (position >> 3)) >= 8 {
            // Seven values of at most eight bits are in any eight bytes, wherever in the first byte they begin.
            var word = (start + (position >> 3)).loadUnaligned(as: UInt64.self) >> UInt64(position & 7)
            for offset in 0..<7 {
                output[index &+ offset] = UInt8(truncatingIfNeeded: word & mask)
                word >>= UInt64(width)
            }
            position += width * 7
            index += 7
        }
        while index < count {
            output[index] = UInt8(truncatingIfNeeded: careful(start, end, position, width))
            position += width
            index += 1
        }
    }

    /// Unpacks `count` values of `width` ≤ 64 bits.
    static func unpack(
        _ start: UnsafeRawPointer, end: UnsafeRawPointer, bit: Int, width: Int, count: Int,
        into output: UnsafeMutablePointer<UInt64>
    ) {
        if width == 0 { return output.update(repeating: 0, count: count) }
        var position = bit
        var index = 0
        if width <= 56 {
            let mask = (UInt64(1) << UInt64(width)) - 1
            while index < count, end - (start + (position >> 3)) >= 8 {
                let word = (start + (position >> 3)).loadUnaligned(as: UInt64.self)
                output[index] = (word >> UInt64(position & 7)) & mask
                position += width
                index += 1
            }
        }
        while index < count {
            output[index] = careful(start, end, position, width)
            position += width
            index += 1
        }
    }

    @inline(__always) private static func spread8(
        _ word: UInt64, _ width: UInt64, _ mask: UInt64, _ output: UnsafeMutablePointer<UInt32>
    ) {
        output[0] = UInt32(truncatingIfNeeded: word & mask)
        output[1] = UInt32(truncatingIfNeeded: (word &>> width) & mask)
        output[2] = UInt32(truncatingIfNeeded: (word &>> (width &* 2)) & mask)
        output[3] = UInt32(truncatingIfNeeded: (word &>> (width &* 3)) & mask)
        output[4] = UInt32(truncatingIfNeeded: (word &>> (width &* 4)) & mask)
        output[5] = UInt32(truncatingIfNeeded: (word &>> (width &* 5)) & mask)
        output[6] = UInt32(truncatingIfNeeded: (word &>> (width &* 6)) & mask)
        output[7] = UInt32(truncatingIfNeeded: (word &>> (width &* 7)) & mask)
    }

    @inline(__always) private static func spread4(
        _ word: UInt64, _ width: UInt64, _ mask: UInt64, _ output: UnsafeMutablePointer<UInt32>
    ) {
        output[0] = UInt32(truncatingIfNeeded: word & mask)
        output[1] = UInt32(truncatingIfNeeded: (word &>> width) & mask)
        output[2] = UInt32(truncatingIfNeeded: (word &>> (width &* 2)) & mask)
        output[3] = UInt32(truncatingIfNeeded: (word &>> (width &* 3)) & mask)
    }

    /// One value near the end of the bytes, where eight cannot be loaded at once.
    private static func careful(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, _ position: Int, _ width: Int
    ) -> UInt64 {
        var value: UInt64 = 0
        var got = 0
        var position = position
        while got < width {
            let place = start + (position >> 3)
            guard place < end else { break }
            let shift = position & 7
            let take = min(8 - shift, width - got)
            let bits = (UInt64(place.load(as: UInt8.self)) >> UInt64(shift)) & ((1 << UInt64(take)) - 1)
            value |= bits << UInt64(got)
            got += take
            position += take
        }
        return value
    }
}
