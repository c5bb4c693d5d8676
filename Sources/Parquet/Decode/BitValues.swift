import Support

/// Decodes bools.
final class BitValues: LeafValues {
    private enum Source {
        case none
        /// Bits from a position on.
        case plain(UnsafeRawPointer, position: Int, count: Int)
        case runs(RunDecoder)
    }

    private var source = Source.none
    private let values = MutableBuffer()
    private var count = 0
    private let dense = MutableBuffer(zeroed: decodeBlock / 8 + 16)

    let maxValueBytes = 0
    let maxPageBytes = 0
    var byteCount: Int { values.count }

    func reserve(_ rows: Int) { values.reserve(rows / 8 + 16) }

    func finish() -> (values: Buffer?, offsets: Buffer?) {
        values.count = (count + 7) / 8
        count = 0
        return (values.freeze(), nil)
    }

    func setDictionary(_ page: UnsafeRawBufferPointer, count: Int) throws(SluiceError) {
        throw SluiceError(.invalidData, "bools have a dictionary")
    }

    func startPage(_ page: UnsafeRawBufferPointer, _ encoding: Encoding) throws(SluiceError) {
        switch encoding {
        case .plain:
            source = .plain(
                page.baseAddress ?? UnsafeRawPointer(BitPacking.nothing), position: 0, count: page.count * 8)
        case .rle:
            // The runs' length stands before them.
            guard page.count >= 4 else {
                source = .none
                return
            }
            let size = Int(page.loadUnaligned(as: UInt32.self))
            guard size <= page.count - 4 else {
                throw SluiceError(.invalidData, "\(size) bytes of runs are declared in a page of \(page.count)")
            }
            source = .runs(try RunDecoder(UnsafeRawBufferPointer(rebasing: page[4..<4 + size]), width: 1))
        default: throw encoding.cannotHold(.boolean)
        }
    }

    func append(_ rows: Int, valid: Int, bits: UnsafeRawPointer, at bit: Int) throws(SluiceError) {
        values.count = (count + 7) / 8
        values.reserve(rows / 8 + 16)
        if valid == rows {
            try fill(values.base, count, rows)
        } else {
            Bits.fill(values.base, from: count, count: rows, with: false)
            try fill(dense.base, 0, valid)
            let output = values.base.assumingMemoryBound(to: UInt8.self)
            let input = dense.base.assumingMemoryBound(to: UInt8.self)
            var taken = 0
            var row = 0
            while row < rows {
                let step = min(64, rows - row)
                var word = Bits.word(bits, at: bit + row, available: step)
                while word != 0 {
                    let place = count &+ row &+ word.trailingZeroBitCount
                    let value = input[taken &>> 3] &>> UInt8(truncatingIfNeeded: taken & 7) & 1
                    output[place &>> 3] |= value &<< UInt8(truncatingIfNeeded: place & 7)
                    taken &+= 1
                    word &= word &- 1
                }
                row += step
            }
        }
        count += rows
    }

    private func fill(_ target: UnsafeMutableRawPointer, _ offset: Int, _ number: Int) throws(SluiceError) {
        switch source {
        case .none: if number > 0 { throw .tooFewValues(number) }
        case .plain(let start, let position, let available):
            guard number <= available - position else { throw .tooFewValues(number) }
            _ = Bits.copy(start, from: position, to: target, at: offset, count: number)
            source = .plain(start, position: position + number, count: available)
        case .runs(var decoder):
            _ = try decoder.decodeBits(number, into: target, at: offset)
            source = .runs(decoder)
        }
    }
}

/// Checks that a column of nulls holds nothing.
final class NoValues: LeafValues {
    let maxValueBytes = 0
    let maxPageBytes = 0
    let byteCount = 0
    func reserve(_ rows: Int) {}
    func finish() -> (values: Buffer?, offsets: Buffer?) { (nil, nil) }
    func setDictionary(_ page: UnsafeRawBufferPointer, count: Int) throws(SluiceError) {}
    func startPage(_ page: UnsafeRawBufferPointer, _ encoding: Encoding) throws(SluiceError) {}
    func append(_ rows: Int, valid: Int, bits: UnsafeRawPointer, at bit: Int) throws(SluiceError) {
        if valid > 0 { throw SluiceError(.invalidData, "a column declared to be empty holds values") }
    }
}
