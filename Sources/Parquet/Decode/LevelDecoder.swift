import Support

/// Reads definition or repetition levels, in today's encoding or in the one of very old writers.
struct LevelDecoder {
    private enum Form {
        /// Every level is 0 and nothing is stored.
        case none
        case runs(RunDecoder)
        /// Bits, most significant first.
        case packed(start: UnsafeRawPointer, position: Int)
    }

    private var form: Form
    private let maximum: UInt8
    private let width: Int

    /// Levels of a column that has none.
    static var none: LevelDecoder { LevelDecoder(form: .none, maximum: 0, width: 0) }

    private init(form: Form, maximum: UInt8, width: Int) {
        self.form = form
        self.maximum = maximum
        self.width = width
    }

    /// Levels from 0 to `maximum` in runs.
    init(runs bytes: UnsafeRawBufferPointer, maximum: Int) throws(SluiceError) {
        width = LevelDecoder.width(maximum)
        self.maximum = UInt8(clamping: maximum)
        form = .runs(try RunDecoder(bytes, width: width))
    }

    /// `count` levels from 0 to `maximum`, most significant bit first, at the beginning of `bytes`.
    init(packed bytes: UnsafeRawBufferPointer, maximum: Int, count: Int) throws(SluiceError) {
        width = LevelDecoder.width(maximum)
        self.maximum = UInt8(clamping: maximum)
        guard let start = bytes.baseAddress, LevelDecoder.packedSize(maximum: maximum, count: count) <= bytes.count
        else { throw RunDecoder.exhausted }
        form = .packed(start: start, position: 0)
    }

    /// How many bits a level up to `maximum` takes.
    static func width(_ maximum: Int) -> Int { Int.bitWidth - maximum.leadingZeroBitCount }

    /// How many bytes the old encoding takes.
    static func packedSize(maximum: Int, count: Int) -> Int { (count * width(maximum) + 7) / 8 }

    /// Reads `count` levels.
    mutating func decode(_ count: Int, into output: UnsafeMutablePointer<UInt8>) throws(SluiceError) {
        switch form {
        case .none: output.update(repeating: 0, count: count)
        case .runs(var decoder):
            try decoder.decode(count, into: output)
            form = .runs(decoder)
        case .packed(let start, var position):
            for index in 0..<count {
                var level: UInt8 = 0
                for _ in 0..<width {
                    let byte = start.load(fromByteOffset: position >> 3, as: UInt8.self)
                    level = level << 1 | ((byte >> UInt8(7 - position & 7)) & 1)
                    position += 1
                }
                output[index] = level
            }
            form = .packed(start: start, position: position)
        }
        // Bits may hold more than there are levels: 3 where 2 is the highest.
        if Int(maximum) != (1 << width) - 1 {
            var highest: UInt8 = 0
            for index in 0..<count { highest = max(highest, output[index]) }
            if highest > maximum {
                throw SluiceError(.invalidData, "a level is \(highest), the highest is \(maximum)")
            }
        }
    }

    /// Reads `count` levels of which the highest is 1 as a bitmap. Returns how many are 1.
    mutating func decodeBits(
        _ count: Int, into bits: UnsafeMutableRawPointer, at offset: Int
    ) throws(SluiceError) -> Int {
        switch form {
        case .none:
            Bits.fill(bits, from: offset, count: count, with: false)
            return 0
        case .runs(var decoder):
            let ones = try decoder.decodeBits(count, into: bits, at: offset)
            form = .runs(decoder)
            return ones
        case .packed(let start, let position):
            var ones = 0
            for index in 0..<count {
                let place = position + index
                let bit = start.load(fromByteOffset: place >> 3, as: UInt8.self) >> UInt8(7 - place & 7) & 1
                Bits.fill(bits, from: offset + index, count: 1, with: bit == 1)
                ones += Int(bit)
            }
            form = .packed(start: start, position: position + count)
            return ones
        }
    }
}
