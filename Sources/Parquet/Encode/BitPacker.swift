/// Packs unsigned integers into runs of bits, least significant bit first, as every bit-packed encoding of Parquet does.
///
/// Eight values of `width` bits fill exactly `width` bytes, so all work is done in groups of eight. Up to `slack` bytes
/// behind the last group are overwritten with anything, because whole words are stored.
enum BitPacker {
    /// How many bytes behind the packed ones must be writable.
    static let slack = 16

    /// Packs `groups` × 8 values of at most `width` bits each to `out`; returns how many bytes they take.
    @inline(__always) static func pack<T: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<T>, groups: Int, width: Int, to out: UnsafeMutableRawPointer
    ) -> Int {
        // A constant width lets the optimiser unroll a group into plain shifts.
        switch width {
        case 0: break
        case 1: packNarrow(values, groups, 1, out)
        case 2: packNarrow(values, groups, 2, out)
        case 3: packNarrow(values, groups, 3, out)
        case 4: packNarrow(values, groups, 4, out)
        case 5: packNarrow(values, groups, 5, out)
        case 6: packNarrow(values, groups, 6, out)
        case 7: packNarrow(values, groups, 7, out)
        case 8: packNarrow(values, groups, 8, out)
        case 9: packMiddle(values, groups, 9, out)
        case 10: packMiddle(values, groups, 10, out)
        case 11: packMiddle(values, groups, 11, out)
        case 12: packMiddle(values, groups, 12, out)
        case 13: packMiddle(values, groups, 13, out)
        case 14: packMiddle(values, groups, 14, out)
        case 15: packMiddle(values, groups, 15, out)
        case 16: packMiddle(values, groups, 16, out)
        case 17: packWide(values, groups, 17, out)
        case 18: packWide(values, groups, 18, out)
        case 19: packWide(values, groups, 19, out)
        case 20: packWide(values, groups, 20, out)
        default: packWide(values, groups, width, out)
        }
        return groups &* width
    }

    /// Up to 8 bits: a group is one word.
    @inline(__always) private static func packNarrow<T: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<T>, _ groups: Int, _ width: Int, _ out: UnsafeMutableRawPointer
    ) {
        var from = values
        var to = out
        let w = UInt64(truncatingIfNeeded: width)
        for _ in 0..<groups {
            var word = UInt64(truncatingIfNeeded: from[0])
            word |= UInt64(truncatingIfNeeded: from[1]) &<< w
            word |= UInt64(truncatingIfNeeded: from[2]) &<< (2 &* w)
            word |= UInt64(truncatingIfNeeded: from[3]) &<< (3 &* w)
            word |= UInt64(truncatingIfNeeded: from[4]) &<< (4 &* w)
            word |= UInt64(truncatingIfNeeded: from[5]) &<< (5 &* w)
            word |= UInt64(truncatingIfNeeded: from[6]) &<< (6 &* w)
            word |= UInt64(truncatingIfNeeded: from[7]) &<< (7 &* w)
            to.storeBytes(of: word, as: UInt64.self)
            from += 8
            to += width
        }
    }

    /// 9 to 16 bits: a group is two words of four values.
    @inline(__always) private static func packMiddle<T: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<T>, _ groups: Int, _ width: Int, _ out: UnsafeMutableRawPointer
    ) {
        var from = values
        var to = out
        let w = UInt64(truncatingIfNeeded: width)
        for _ in 0..<groups {
            var low = UInt64(truncatingIfNeeded: from[0])
            low |= UInt64(truncatingIfNeeded: from[1]) &<< w
            low |= UInt64(truncatingIfNeeded: from[2]) &<< (2 &* w)
            low |= UInt64(truncatingIfNeeded: from[3]) &<< (3 &* w)
            var high = UInt64(truncatingIfNeeded: from[4])
            high |= UInt64(truncatingIfNeeded: from[5]) &<< w
            high |= UInt64(truncatingIfNeeded: from[6]) &<< (2 &* w)
            high |= UInt64(truncatingIfNeeded: from[7]) &<< (3 &* w)
            if width == 16 {
                to.storeBytes(of: low, as: UInt64.self)
                to.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
            } else {
                to.storeBytes(of: low | (high &<< (4 &* w)), as: UInt64.self)
                to.storeBytes(of: high &>> (64 &- 4 &* w), toByteOffset: 8, as: UInt64.self)
            }
            from += 8
            to += width
        }
    }

    /// Any width: a word is stored whenever it is full.
    @inline(__always) private static func packWide<T: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafePointer<T>, _ groups: Int, _ width: Int, _ out: UnsafeMutableRawPointer
    ) {
        var from = values
        var group = out
        for _ in 0..<groups {
            var to = group
            var word: UInt64 = 0
            var filled = 0
            for k in 0..<8 {
                let value = UInt64(truncatingIfNeeded: from[k])
                word |= value &<< UInt64(truncatingIfNeeded: filled)
                filled &+= width
                if filled >= 64 {
                    to.storeBytes(of: word, as: UInt64.self)
                    to += 8
                    filled &-= 64
                    word = filled == 0 ? 0 : value &>> UInt64(truncatingIfNeeded: width &- filled)
                }
            }
            if filled > 0 { to.storeBytes(of: word, as: UInt64.self) }
            from += 8
            group += width
        }
    }

    /// How many bits `value` needs.
    @inline(__always) static func width<T: FixedWidthInteger>(of value: T) -> Int {
        T.bitWidth &- value.leadingZeroBitCount
    }
}
