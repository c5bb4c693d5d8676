import Support

/// Reads the hybrid of runs and bit-packed groups in which levels, dictionary positions and bools are written.
///
/// Never reads outside its bytes; when they run out before the values do, `decode` throws.
struct RunDecoder {
    private var next: UnsafeRawPointer
    private let end: UnsafeRawPointer
    private let width: Int
    /// Values left in a run of equal ones.
    private var runLeft = 0
    private var runValue: UInt32 = 0
    /// Values left in a bit-packed run, which begins `packedBit` bits behind `packed`.
    private var packedLeft = 0
    private var packed: UnsafeRawPointer
    private var packedBit = 0

    /// A decoder of values of `width` bits, at most 32, out of `bytes`, which must outlive it.
    init(_ bytes: UnsafeRawBufferPointer, width: Int) throws(SluiceError) {
        guard width >= 0, width <= 32 else {
            throw SluiceError(.invalidData, "values of \(width) bits are declared, at most 32 are possible")
        }
        next = bytes.baseAddress ?? UnsafeRawPointer(BitPacking.nothing)
        end = next + bytes.count
        packed = next
        self.width = width
    }

    /// Reads the next run's header.
    @inline(never) private mutating func startRun() throws(SluiceError) {
        var header: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard next < end else { throw RunDecoder.exhausted }
            let byte = next.load(as: UInt8.self)
            next += 1
            header |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
            if shift > 35 { throw SluiceError(.invalidData, "a run's length has more than 32 bits") }
        }
        if header & 1 == 1 {
            let groups = Int(header >> 1)
            // Some writers cut the last group short: what is there counts.
            let size = min(groups * width, end - next)
            packed = next
            packedBit = 0
            packedLeft = width == 0 ? groups * 8 : min(groups * 8, size * 8 / width)
            next += size
            if packedLeft == 0, groups > 0 { throw RunDecoder.exhausted }
        } else {
            runLeft = Int(header >> 1)
            let size = (width + 7) / 8
            guard end - next >= size else { throw RunDecoder.exhausted }
            runValue = 0
            for index in 0..<size {
                runValue |= UInt32(next.load(fromByteOffset: index, as: UInt8.self)) << UInt32(8 * index)
            }
            next += size
            // Whoever takes the value relies on its width: positions of a full dictionary are not looked at again.
            guard width == 32 || runValue >> UInt32(width) == 0 else {
                throw SluiceError(.invalidData, "a run of \(runValue) has more than the declared \(width) bits")
            }
        }
    }

    static var exhausted: SluiceError {
        SluiceError(.invalidData, "a page ends before all of its levels or dictionary positions")
    }

    /// Reads `count` values.
    mutating func decode(_ count: Int, into output: UnsafeMutablePointer<UInt32>) throws(SluiceError) {
        // A dictionary of one value: some writers leave the runs out altogether.
        if width == 0 { return output.update(repeating: 0, count: count) }
        var output = output
        var left = count
        while left > 0 {
            if runLeft > 0 {
                let take = min(runLeft, left)
                output.update(repeating: runValue, count: take)
                runLeft -= take
                output += take
                left -= take
            } else if packedLeft > 0 {
                let take = min(packedLeft, left)
                BitPacking.unpack(packed, end: end, bit: packedBit, width: width, count: take, into: output)
                packedBit += take * width
                packedLeft -= take
                output += take
                left -= take
            } else {
                try startRun()
            }
        }
    }

    /// Reads `count` values of at most 8 bits.
    mutating func decode(_ count: Int, into output: UnsafeMutablePointer<UInt8>) throws(SluiceError) {
        var output = output
        var left = count
        while left > 0 {
            if runLeft > 0 {
                let take = min(runLeft, left)
                output.update(repeating: UInt8(truncatingIfNeeded: runValue), count: take)
                runLeft -= take
                output += take
                left -= take
            } else if packedLeft > 0 {
                let take = min(packedLeft, left)
                BitPacking.unpack(packed, end: end, bit: packedBit, width: width, count: take, into: output)
                packedBit += take * width
                packedLeft -= take
                output += take
                left -= take
            } else {
                try startRun()
            }
        }
    }

    /// Reads `count` values of one bit as a bitmap, from bit `offset` of `bits` on. Returns how many are 1.
    mutating func decodeBits(
        _ count: Int, into bits: UnsafeMutableRawPointer, at offset: Int
    ) throws(SluiceError) -> Int {
        var offset = offset
        var left = count
        var ones = 0
        while left > 0 {
            if runLeft > 0 {
                let take = min(runLeft, left)
                let value = runValue & 1 == 1
                Bits.fill(bits, from: offset, count: take, with: value)
                if value { ones += take }
                runLeft -= take
                offset += take
                left -= take
            } else if packedLeft > 0 {
                let take = min(packedLeft, left)
                ones += Bits.copy(packed, from: packedBit, to: bits, at: offset, count: take)
                packedBit += take
                packedLeft -= take
                offset += take
                left -= take
            } else {
                try startRun()
            }
        }
        return ones
    }
}
