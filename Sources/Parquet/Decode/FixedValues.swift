import Support

/// Decodes values of one width.
final class FixedValues: LeafValues {
    private enum Source {
        case none
        case plain(UnsafeRawPointer)
        case plainBytes(UnsafeRawPointer)
        case dictionary(DictionaryPositions)
        case delta(DeltaDecoder)
        case deltaBytes(DeltaBytesDecoder)
        /// The bytes of `total` values, of which `taken` have been taken.
        case split(UnsafeRawPointer, total: Int, taken: Int)
    }

    private let physical: PhysicalType
    /// The width of a value in a page; 0 for byte arrays.
    private let storedWidth: Int
    private let conversion: Conversion
    /// The width of a value in the column.
    private let width: Int
    private var source = Source.none
    private var end: UnsafeRawPointer
    private let values = MutableBuffer()
    private let dictionary = MutableBuffer()
    private var dictionaryCount: Int?
    private let positions = UnsafeMutablePointer<UInt32>.allocate(capacity: decodeBlock)
    private let stored = MutableBuffer()
    private let converted = MutableBuffer()

    init(_ physical: PhysicalType, storedWidth: Int, conversion: Conversion, width: Int) {
        self.physical = physical
        self.storedWidth = storedWidth
        self.conversion = conversion
        self.width = width
        end = UnsafeRawPointer(BitPacking.nothing)
    }

    deinit { positions.deallocate() }

    var maxValueBytes: Int { width > 16 ? width : 0 }
    var maxPageBytes: Int { 0 }
    var byteCount: Int { values.count }

    func reserve(_ rows: Int) { if width <= 16 { values.reserve(rows * width) } }

    func finish() -> (values: Buffer?, offsets: Buffer?) { (values.freeze(), nil) }

    func setDictionary(_ page: UnsafeRawBufferPointer, count: Int) throws(SluiceError) {
        try startPage(page, .plain)
        guard storedWidth == 0 ? count <= page.count / 4 : count <= page.count / storedWidth else {
            throw .tooFewValues(count)
        }
        dictionary.removeAll()
        dictionary.reserve(count * width)
        var done = 0
        while done < count {
            let step = min(decodeBlock, count - done)
            try fill(dictionary.base + done * width, step)
            done += step
        }
        dictionary.count = count * width
        dictionaryCount = count
        source = .none
    }

    func startPage(_ page: UnsafeRawBufferPointer, _ encoding: Encoding) throws(SluiceError) {
        let start = page.baseAddress ?? UnsafeRawPointer(BitPacking.nothing)
        end = start + page.count
        switch (encoding, physical) {
        case (.plain, .byteArray): source = .plainBytes(start)
        case (.plain, _): source = .plain(start)
        case (.plainDictionary, _), (.rleDictionary, _):
            guard let dictionaryCount else { throw .noDictionary }
            source = .dictionary(try DictionaryPositions(page, count: dictionaryCount))
        case (.deltaBinaryPacked, .int32), (.deltaBinaryPacked, .int64): source = .delta(try DeltaDecoder(page))
        case (.deltaByteArray, .fixedLengthByteArray), (.deltaByteArray, .byteArray),
            (.deltaLengthByteArray, .byteArray):
            source = .deltaBytes(try DeltaBytesDecoder(page, hasPrefixes: encoding == .deltaByteArray))
        case (.byteStreamSplit, .int32), (.byteStreamSplit, .int64), (.byteStreamSplit, .float),
            (.byteStreamSplit, .double), (.byteStreamSplit, .fixedLengthByteArray):
            source = .split(start, total: page.count / storedWidth, taken: 0)
        default: throw encoding.cannotHold(physical)
        }
    }

    func append(_ rows: Int, valid: Int, bits: UnsafeRawPointer, at bit: Int) throws(SluiceError) {
        values.reserve(rows * width)
        let target = values.base + values.count
        if valid == rows {
            try fill(target, rows)
        } else if valid == 0 {
            target.initializeMemory(as: UInt8.self, repeating: 0, count: rows * width)
        } else {
            try spread(target, rows, valid, bits, bit)
        }
        values.count += rows * width
    }

    // MARK: - Without nulls

    /// Writes the next `count` values to `target`, at most a block of them when the page is not plain.
    private func fill(_ target: UnsafeMutableRawPointer, _ count: Int) throws(SluiceError) {
        switch source {
        case .none: if count > 0 { throw .tooFewValues(count) }
        case .plain(let start):
            guard count * storedWidth <= end - start else { throw .tooFewValues(count) }
            try conversion.apply(start, end: end, width: storedWidth, count: count, to: target)
            source = .plain(start + count * storedWidth)
        case .plainBytes(var next):
            let wide = target.assumingMemoryBound(to: Pair.self)
            for index in 0..<count {
                guard end - next >= 4 else { throw .tooFewValues(count - index) }
                let length = Int(next.loadUnaligned(as: UInt32.self))
                guard length <= end - next - 4 else { throw .tooFewValues(count - index) }
                wide[index] = try Conversion.bigEndian(next + 4, length)
                next += 4 + length
            }
            source = .plainBytes(next)
        case .dictionary(var decoder):
            try decoder.decode(count, into: positions)
            source = .dictionary(decoder)
            gather(target, count)
        case .delta(var decoder):
            if conversion == .none {
                if storedWidth == 4 {
                    try decoder.decode(count, into: target.assumingMemoryBound(to: Int32.self))
                } else {
                    try decoder.decode(count, into: target.assumingMemoryBound(to: Int64.self))
                }
            } else {
                stored.removeAll()
                stored.reserve(count * storedWidth)
                if storedWidth == 4 {
                    try decoder.decode(count, into: stored.base.assumingMemoryBound(to: Int32.self))
                } else {
                    try decoder.decode(count, into: stored.base.assumingMemoryBound(to: Int64.self))
                }
                try convertStored(count, target)
            }
            source = .delta(decoder)
        case .deltaBytes(var decoder):
            for index in 0..<count {
                let value = try decoder.next()
                if physical == .byteArray {
                    target.storeBytes(
                        of: try Conversion.bigEndian(decoder.value.base, value), toByteOffset: index * 16,
                        as: Pair.self)
                } else {
                    guard value == storedWidth else {
                        throw SluiceError(.invalidData, "a value has \(value) bytes, not \(storedWidth)")
                    }
                    try conversion.apply(
                        decoder.value.base, end: decoder.value.base + value, width: value, count: 1,
                        to: target + index * width)
                }
            }
            source = .deltaBytes(decoder)
        case .split(let start, let total, let taken):
            guard count <= total - taken else { throw .tooFewValues(count) }
            if conversion == .none {
                ByteStreams.join(start, total, storedWidth, from: taken, count: count, to: target)
            } else {
                stored.removeAll()
                stored.reserve(count * storedWidth)
                ByteStreams.join(start, total, storedWidth, from: taken, count: count, to: stored.base)
                try convertStored(count, target)
            }
            source = .split(start, total: total, taken: taken + count)
        }
    }

    private func convertStored(_ count: Int, _ target: UnsafeMutableRawPointer) throws(SluiceError) {
        try conversion.apply(
            stored.base, end: UnsafeRawPointer(stored.base) + count * storedWidth, width: storedWidth, count: count,
            to: target)
    }

    private func gather(_ target: UnsafeMutableRawPointer, _ count: Int) {
        switch width {
        case 1: gather(target, count, UInt8.self)
        case 2: gather(target, count, UInt16.self)
        case 4: gather(target, count, UInt32.self)
        case 8: gather(target, count, UInt64.self)
        case 16: gather(target, count, Pair.self)
        default:
            for index in 0..<count {
                (target + index &* width).copyMemory(
                    from: dictionary.base + Int(positions[index]) &* width, byteCount: width)
            }
        }
    }

    @inline(__always) private func gather<T: BitwiseCopyable>(
        _ target: UnsafeMutableRawPointer, _ count: Int, _: T.Type
    ) {
        let entries = dictionary.base.assumingMemoryBound(to: T.self)
        let target = target.assumingMemoryBound(to: T.self)
        let positions = positions
        for index in 0..<count { target[index] = entries[Int(positions[index])] }
    }

    // MARK: - With nulls

    private func spread(
        _ target: UnsafeMutableRawPointer, _ rows: Int, _ valid: Int, _ bits: UnsafeRawPointer, _ bit: Int
    ) throws(SluiceError) {
        if case .dictionary(var decoder) = source {
            try decoder.decode(valid, into: positions)
            source = .dictionary(decoder)
            switch width {
            case 1: return spreadEntries(target, rows, bits, bit, empty: 0 as UInt8)
            case 2: return spreadEntries(target, rows, bits, bit, empty: 0 as UInt16)
            case 4: return spreadEntries(target, rows, bits, bit, empty: 0 as UInt32)
            case 8: return spreadEntries(target, rows, bits, bit, empty: 0 as UInt64)
            case 16: return spreadEntries(target, rows, bits, bit, empty: Pair.zero)
            default:
                converted.removeAll()
                converted.reserve(valid * width)
                gather(converted.base, valid)
                return spreadWide(converted.base, target, rows, bits, bit)
            }
        }
        let dense: UnsafeRawPointer
        if case .plain(let start) = source, conversion == .none {
            guard valid * storedWidth <= end - start else { throw .tooFewValues(valid) }
            dense = start
            source = .plain(start + valid * storedWidth)
        } else {
            converted.removeAll()
            converted.reserve(valid * width)
            try fill(converted.base, valid)
            dense = UnsafeRawPointer(converted.base)
        }
        switch width {
        case 1: spreadDense(dense, target, rows, bits, bit, empty: 0 as UInt8)
        case 2: spreadDense(dense, target, rows, bits, bit, empty: 0 as UInt16)
        case 4: spreadDense(dense, target, rows, bits, bit, empty: 0 as UInt32)
        case 8: spreadDense(dense, target, rows, bits, bit, empty: 0 as UInt64)
        case 16: spreadDense(dense, target, rows, bits, bit, empty: Pair.zero)
        default: spreadWide(dense, target, rows, bits, bit)
        }
    }

    private func spreadEntries<T: BitwiseCopyable>(
        _ target: UnsafeMutableRawPointer, _ rows: Int, _ bits: UnsafeRawPointer, _ bit: Int, empty: T
    ) {
        let entries = dictionary.base.assumingMemoryBound(to: T.self)
        let positions = positions
        Expansion.spread(
            over: bits, at: bit, count: rows, into: target.assumingMemoryBound(to: T.self), empty: empty
        ) { entries[Int(positions[$0])] }
    }

    private func spreadDense<T: BitwiseCopyable>(
        _ dense: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ rows: Int, _ bits: UnsafeRawPointer, _ bit: Int,
        empty: T
    ) {
        Expansion.spread(
            dense, over: bits, at: bit, count: rows, into: target.assumingMemoryBound(to: T.self), empty: empty)
    }

    private func spreadWide(
        _ dense: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ rows: Int, _ bits: UnsafeRawPointer, _ bit: Int
    ) {
        var taken = 0
        for row in 0..<rows {
            let place = target + row * width
            let position = bit + row
            if bits.load(fromByteOffset: position >> 3, as: UInt8.self) >> UInt8(position & 7) & 1 == 1 {
                place.copyMemory(from: dense + taken * width, byteCount: width)
                taken += 1
            } else {
                place.initializeMemory(as: UInt8.self, repeating: 0, count: width)
            }
        }
    }
}
