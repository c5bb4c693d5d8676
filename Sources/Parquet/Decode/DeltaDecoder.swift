import Support

/// Reads integers written as packed differences (DELTA_BINARY_PACKED).
struct DeltaDecoder {
    /// How many values are left.
    private(set) var left: Int
    private var next: UnsafeRawPointer
    private let end: UnsafeRawPointer
    private let valuesPerMiniblock: Int
    private let miniblocks: Int
    private var last: Int64
    /// Whether the first value, which stands in the header, has been handed out.
    private var isStarted = false
    private var minimumDelta: Int64 = 0
    /// The bit widths of the block's miniblocks.
    private var widths: UnsafeRawPointer
    private var miniblock: Int
    private var width = 0
    private var packed: UnsafeRawPointer
    private var packedBit = 0
    private var packedLeft = 0

    /// A decoder at the start of `bytes`, which must outlive it.
    init(_ bytes: UnsafeRawBufferPointer) throws(SluiceError) {
        let start = bytes.baseAddress ?? UnsafeRawPointer(BitPacking.nothing)
        var next = start
        let end = start + bytes.count
        let blockSize = try DeltaDecoder.varint(&next, end)
        let miniblocks = try DeltaDecoder.varint(&next, end)
        let total = try DeltaDecoder.varint(&next, end)
        let first = try DeltaDecoder.varint(&next, end)
        guard blockSize > 0, blockSize <= 1 << 20, miniblocks > 0, miniblocks <= blockSize,
            blockSize % miniblocks == 0, (blockSize / miniblocks) % 32 == 0, total <= UInt64(Int32.max)
        else {
            throw SluiceError(
                .invalidData, "packed differences in \(miniblocks) parts of \(blockSize) values are not possible")
        }
        left = Int(total)
        last = Int64(bitPattern: first >> 1) ^ -Int64(bitPattern: first & 1)
        valuesPerMiniblock = Int(blockSize / miniblocks)
        self.miniblocks = Int(miniblocks)
        miniblock = Int(miniblocks)
        self.next = next
        self.end = end
        widths = next
        packed = next
    }

    private static func varint(
        _ next: inout UnsafeRawPointer, _ end: UnsafeRawPointer
    ) throws(SluiceError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard next < end else { throw exhausted }
            let byte = next.load(as: UInt8.self)
            next += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw SluiceError(.invalidData, "an integer of more than 64 bits") }
        }
    }

    private static var exhausted: SluiceError {
        SluiceError(.invalidData, "a page ends before all of its packed differences")
    }

    /// Goes to the next miniblock, and to the next block when there is none left.
    private mutating func startMiniblock() throws(SluiceError) {
        if miniblock == miniblocks {
            let delta = try DeltaDecoder.varint(&next, end)
            minimumDelta = Int64(bitPattern: delta >> 1) ^ -Int64(bitPattern: delta & 1)
            guard end - next >= miniblocks else { throw DeltaDecoder.exhausted }
            widths = next
            next += miniblocks
            miniblock = 0
        }
        width = Int(widths.load(fromByteOffset: miniblock, as: UInt8.self))
        guard width <= 64 else { throw SluiceError(.invalidData, "a difference of \(width) bits") }
        let size = width * valuesPerMiniblock / 8
        // The last miniblock may have been cut after its last value.
        let needed = (min(left, valuesPerMiniblock) * width + 7) / 8
        guard end - next >= needed else { throw DeltaDecoder.exhausted }
        packed = next
        packedBit = 0
        packedLeft = valuesPerMiniblock
        next += min(size, end - next)
        miniblock += 1
    }

    /// Reads `count` values, at most `left`, calling `store` with each one's place and value.
    @inline(__always) private mutating func decode(
        _ count: Int, _ store: (Int, Int64) -> Void
    ) throws(SluiceError) {
        guard count <= left else {
            throw SluiceError(.invalidData, "a page has \(left) values left where \(count) are declared")
        }
        var index = 0
        if !isStarted, count > 0 {
            isStarted = true
            store(0, last)
            index = 1
            left -= 1
        }
        var last = self.last
        while index < count {
            if packedLeft == 0 { try startMiniblock() }
            let take = min(32, min(packedLeft, count - index))
            let minimum = minimumDelta
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 32) { buffer in
                guard let deltas = buffer.baseAddress else { return }
                BitPacking.unpack(packed, end: end, bit: packedBit, width: width, count: take, into: deltas)
                for offset in 0..<take {
                    last = last &+ minimum &+ Int64(bitPattern: deltas[offset])
                    store(index &+ offset, last)
                }
            }
            packedBit += take * width
            packedLeft -= take
            left -= take
            index += take
        }
        self.last = last
    }

    /// Reads `count` values.
    mutating func decode(_ count: Int, into output: UnsafeMutablePointer<Int64>) throws(SluiceError) {
        try decode(count) { output[$0] = $1 }
    }

    /// Reads `count` values of 32 bits, whose differences may have wrapped around.
    mutating func decode(_ count: Int, into output: UnsafeMutablePointer<Int32>) throws(SluiceError) {
        try decode(count) { output[$0] = Int32(truncatingIfNeeded: $1) }
    }

    /// Where the bytes behind the last value begin; this decoder is left where it was.
    func findEnd() throws(SluiceError) -> UnsafeRawPointer {
        var copy = self
        var left = copy.left - (copy.isStarted ? 0 : 1)
        while left > 0 {
            copy.left = left
            try copy.startMiniblock()
            left -= copy.valuesPerMiniblock
        }
        return copy.next
    }
}
