/// Two words, for values of sixteen bytes.
struct Pair: BitwiseCopyable {
    var low: UInt64
    var high: UInt64
    static let zero = Pair(low: 0, high: 0)
}

/// Spreads values that are stored without their nulls over rows that have some.
enum Expansion {
    /// Writes `count` rows to `output`: the next of `values` where a bit is 1, `empty` where it is 0.
    ///
    /// `values` holds as many values as there are ones, at any alignment.
    @inline(__always) static func spread<T: BitwiseCopyable>(
        _ values: UnsafeRawPointer, over bits: UnsafeRawPointer, at bit: Int, count: Int,
        into output: UnsafeMutablePointer<T>, empty: T
    ) {
        let size = MemoryLayout<T>.stride
        spread(over: bits, at: bit, count: count, into: output, empty: empty) { index in
            values.loadUnaligned(fromByteOffset: index &* size, as: T.self)
        }
    }

    /// As above, with the value for the n-th one fetched by `value`.
    @inline(__always) static func spread<T: BitwiseCopyable>(
        over bits: UnsafeRawPointer, at bit: Int, count: Int, into output: UnsafeMutablePointer<T>, empty: T,
        _ value: (Int) -> T
    ) {
        var taken = 0
        var row = 0
        while row < count {
            let step = min(64, count &- row)
            var word = Bits.word(bits, at: bit &+ row, available: step)
            let ones = word.nonzeroBitCount
            if ones == step {
                for offset in 0..<step { output[row &+ offset] = value(taken &+ offset) }
            } else if ones == 0 {
                (output + row).update(repeating: empty, count: step)
            } else if ones &* 4 < step {
                // Few values: clear, then visit them one by one.
                (output + row).update(repeating: empty, count: step)
                var index = taken
                while word != 0 {
                    output[row &+ word.trailingZeroBitCount] = value(index)
                    word &= word &- 1
                    index &+= 1
                }
            } else {
                (output + row).update(repeating: empty, count: step)
                var index = taken
                while word != 0 {
                    // Runs of ones, which is how nulls usually leave them.
                    let start = word.trailingZeroBitCount
                    let length = (~(word &>> UInt64(start))).trailingZeroBitCount
                    let run = min(length, 64 &- start)
                    for offset in 0..<run { output[row &+ start &+ offset] = value(index &+ offset) }
                    index &+= run
                    if start &+ run >= 64 { break }
                    word &= ~0 &<< UInt64(start &+ run)
                }
            }
            taken &+= ones
            row &+= step
        }
    }
}
