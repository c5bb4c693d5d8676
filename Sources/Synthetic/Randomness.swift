/// Numbers that look random and follow from a seed: xoshiro256** of Blackman and Vigna, its state filled by SplitMix64
/// as its authors advise.
struct Randomness {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    /// The numbers that follow from a state that is not all zero.
    init(state: (UInt64, UInt64, UInt64, UInt64)) { (a, b, c, d) = state }

    /// The numbers of one of the streams that a seed has; streams of one seed have nothing to do with each other.
    init(seed: UInt64, stream: UInt64) {
        // The seed is mixed before the stream is added, or stream 1 of seed 0 would be stream 0 of another seed.
        var state = Randomness.mixed(seed &+ 0x9e37_79b9_7f4a_7c15) ^ Randomness.mixed(~stream)
        func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            return Randomness.mixed(state)
        }
        a = next()
        b = next()
        c = next()
        d = next()
    }

    /// The step of SplitMix64: every bit of the result depends on every bit of `value`.
    @inline(__always) static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z &>> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z &>> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z &>> 31)
    }

    /// The next 64 bits.
    @inline(__always) mutating func next() -> UInt64 {
        let product = b &* 5
        let result = ((product &<< 7) | (product &>> 57)) &* 9
        let shifted = b &<< 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = (d &<< 45) | (d &>> 19)
        return result
    }

    /// A number from 0 to `bound` − 1; the bound is below 2³².
    @inline(__always) mutating func below(_ bound: Int) -> Int {
        // The upper half of a product instead of a remainder; what that favours is one part in 2³² of nothing.
        Int(truncatingIfNeeded: ((next() &>> 32) &* UInt64(truncatingIfNeeded: bound)) &>> 32)
    }

    /// Whether something happens that has so many chances in 2³².
    @inline(__always) mutating func happens(_ chances: UInt64) -> Bool { (next() &>> 32) < chances }
}
