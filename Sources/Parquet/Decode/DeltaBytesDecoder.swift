import Support

/// Reads byte strings whose lengths are written first, with or without what each shares with the one before it
/// (DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY).
struct DeltaBytesDecoder {
    private var prefixes: DeltaDecoder?
    private var suffixes: DeltaDecoder
    private var data: UnsafeRawPointer
    private let end: UnsafeRawPointer
    /// The current value, in its first `next()` bytes.
    let value = MutableBuffer()
    private let lengths = UnsafeTemporary()

    /// Two integers in memory that the delta decoder can write to.
    private final class UnsafeTemporary {
        let memory = UnsafeMutablePointer<Int32>.allocate(capacity: 2)
        deinit { memory.deallocate() }
    }

    /// A decoder of `page`, which must outlive it.
    init(_ page: UnsafeRawBufferPointer, hasPrefixes: Bool) throws(SluiceError) {
        let start = page.baseAddress ?? UnsafeRawPointer(BitPacking.nothing)
        end = start + page.count
        var rest = page
        if hasPrefixes {
            let decoder = try DeltaDecoder(page)
            rest = UnsafeRawBufferPointer(start: try decoder.findEnd(), count: 0)
            rest = UnsafeRawBufferPointer(start: rest.baseAddress, count: end - (rest.baseAddress ?? end))
            prefixes = decoder
        }
        suffixes = try DeltaDecoder(rest)
        data = try suffixes.findEnd()
    }

    /// The most bytes that a value may have from here on.
    var maxValueBytes: Int { value.count + (end - data) }

    /// The bytes of all suffixes that are left.
    var remainingBytes: Int { end - data }

    /// Decodes the next value. Returns its length.
    mutating func next() throws(SluiceError) -> Int {
        var prefix = 0
        if prefixes != nil {
            try prefixes?.decode(1, into: lengths.memory)
            prefix = Int(lengths.memory[0])
        }
        try suffixes.decode(1, into: lengths.memory + 1)
        let suffix = Int(lengths.memory[1])
        guard prefix >= 0, prefix <= value.count, suffix >= 0, suffix <= end - data else {
            throw SluiceError(
                .invalidData,
                "a value shares \(prefix) bytes with the one before it, which has \(value.count), and has \(suffix) of its own, of which \(end - data) are left"
            )
        }
        value.count = prefix
        value.append(UnsafeRawBufferPointer(start: data, count: suffix))
        data += suffix
        return prefix + suffix
    }
}

/// Reads byte strings whose lengths are written first, and their bytes all together.
struct DeltaLengthDecoder {
    private var lengths: DeltaDecoder
    private var data: UnsafeRawPointer
    private let end: UnsafeRawPointer

    /// A decoder of `page`, which must outlive it.
    init(_ page: UnsafeRawBufferPointer) throws(SluiceError) {
        let start = page.baseAddress ?? UnsafeRawPointer(BitPacking.nothing)
        end = start + page.count
        lengths = try DeltaDecoder(page)
        data = try lengths.findEnd()
    }

    /// The bytes of all values that are left.
    var remainingBytes: Int { end - data }

    /// Writes the lengths of the next `count` values. Returns their bytes.
    mutating func decode(
        _ count: Int, lengths output: UnsafeMutablePointer<Int32>
    ) throws(SluiceError) -> UnsafeRawBufferPointer {
        try lengths.decode(count, into: output)
        var total = 0
        for index in 0..<count {
            guard output[index] >= 0 else {
                throw SluiceError(.invalidData, "a value is declared to have \(output[index]) bytes")
            }
            total += Int(output[index])
        }
        guard total <= end - data else { throw .tooFewValues(count) }
        defer { data += total }
        return UnsafeRawBufferPointer(start: data, count: total)
    }
}
