import Columns
import Support

/// Decodes byte strings and text.
final class BytesValues: LeafValues {
    private enum Source {
        case none
        case plain(UnsafeRawPointer)
        case dictionary(DictionaryPositions)
        case deltaLength(DeltaLengthDecoder)
        case deltaBytes(DeltaBytesDecoder)
    }

    private let isText: Bool
    private var source = Source.none
    private var end: UnsafeRawPointer
    private let offsets = MutableBuffer()
    private let values = MutableBuffer()
    /// How many bytes the last column had: the best guess at the next one's.
    private var lastByteCount = 0
    private let positions = UnsafeMutablePointer<UInt32>.allocate(capacity: decodeBlock)
    private let lengths = UnsafeMutablePointer<Int32>.allocate(capacity: decodeBlock)

    /// The entries' bytes, and where each begins; one more begin than there are entries.
    private let entries = MutableBuffer()
    private let entryStarts = MutableBuffer()
    private var entryCount: Int?
    private var longestEntry = 0

    init(isText: Bool) {
        self.isText = isText
        end = UnsafeRawPointer(BitPacking.nothing)
        offsets.append(0 as Int32)
    }

    deinit {
        positions.deallocate()
        lengths.deallocate()
    }

    var maxValueBytes: Int {
        switch source {
        case .none, .plain, .deltaLength: 0
        case .dictionary: longestEntry
        case .deltaBytes(let decoder): decoder.maxValueBytes
        }
    }

    var maxPageBytes: Int {
        switch source {
        case .none, .dictionary, .deltaBytes: 0
        case .plain(let next): end - next
        case .deltaLength(let decoder): decoder.remainingBytes
        }
    }

    var byteCount: Int { values.count }

    func reserve(_ rows: Int) {
        offsets.reserve(rows * 4)
        values.reserve(lastByteCount + lastByteCount / 16)
    }

    func finish() -> (values: Buffer?, offsets: Buffer?) {
        lastByteCount = values.count
        let finished = (values.freeze(), offsets.freeze())
        offsets.append(0 as Int32)
        return finished
    }

    func setDictionary(_ page: UnsafeRawBufferPointer, count: Int) throws(SluiceError) {
        guard count <= page.count / 4 else { throw .tooFewValues(count) }
        let start = page.baseAddress ?? UnsafeRawPointer(BitPacking.nothing)
        let pageEnd = start + page.count
        entries.removeAll()
        entries.reserve(page.count + 32)
        entryStarts.removeAll()
        entryStarts.reserve((count + 1) * 4)
        entryStarts.append(0 as UInt32)
        longestEntry = 0
        var next = start
        for index in 0..<count {
            guard pageEnd - next >= 4 else { throw .tooFewValues(count - index) }
            let length = Int(next.loadUnaligned(as: UInt32.self))
            guard length <= pageEnd - next - 4 else { throw .tooFewValues(count - index) }
            entries.append(UnsafeRawBufferPointer(start: next + 4, count: length))
            entryStarts.append(UInt32(truncatingIfNeeded: entries.count))
            longestEntry = max(longestEntry, length)
            next += 4 + length
        }
        entryCount = count
        if isText {
            let starts = entryStarts.base.assumingMemoryBound(to: UInt32.self)
            try check(UnsafeRawPointer(entries.base), entries.count, starts, count, base: 0)
        }
    }

    func startPage(_ page: UnsafeRawBufferPointer, _ encoding: Encoding) throws(SluiceError) {
        let start = page.baseAddress ?? UnsafeRawPointer(BitPacking.nothing)
        end = start + page.count
        switch encoding {
        case .plain: source = .plain(start)
        case .plainDictionary, .rleDictionary:
            guard let entryCount else { throw .noDictionary }
            source = .dictionary(try DictionaryPositions(page, count: entryCount))
        case .deltaLengthByteArray: source = .deltaLength(try DeltaLengthDecoder(page))
        case .deltaByteArray: source = .deltaBytes(try DeltaBytesDecoder(page, hasPrefixes: true))
        default: throw encoding.cannotHold(.byteArray)
        }
    }

    func append(_ rows: Int, valid: Int, bits: UnsafeRawPointer, at bit: Int) throws(SluiceError) {
        let first = values.count
        // Each of these appends the bytes and leaves the lengths in `lengths`.
        switch source {
        case .none: if valid > 0 { throw .tooFewValues(valid) }
        case .plain(let next): source = .plain(try appendPlain(valid, next))
        case .dictionary(var decoder):
            try decoder.decode(valid, into: positions)
            source = .dictionary(decoder)
            appendEntries(valid)
        case .deltaLength(var decoder):
            values.append(try decoder.decode(valid, lengths: lengths))
            source = .deltaLength(decoder)
        case .deltaBytes(var decoder):
            for index in 0..<valid {
                let length = try decoder.next()
                values.append(UnsafeRawBufferPointer(start: decoder.value.base, count: length))
                lengths[index] = Int32(truncatingIfNeeded: length)
            }
            source = .deltaBytes(decoder)
        }
        guard values.count <= Int(Int32.max) else {
            throw SluiceError(.limitExceeded, "one row has more than 2 GiB of text or bytes")
        }
        offsets.reserve(rows * 4)
        let begins = (offsets.base + offsets.count).assumingMemoryBound(to: Int32.self)
        if valid == rows {
            var position = Int32(truncatingIfNeeded: first)
            for row in 0..<rows {
                position &+= lengths[row]
                begins[row] = position
            }
        } else {
            endRows(begins, rows, bits, bit, from: first)
        }
        offsets.count += rows * 4
        if isText, !isDictionary {
            let starts = UnsafeRawPointer(begins - 1).assumingMemoryBound(to: UInt32.self)
            try check(UnsafeRawPointer(values.base) + first, values.count - first, starts, rows, base: first)
        }
    }

    private var isDictionary: Bool {
        if case .dictionary = source { return true }
        return false
    }

    private func endRows(
        _ begins: UnsafeMutablePointer<Int32>, _ rows: Int, _ bits: UnsafeRawPointer, _ bit: Int, from first: Int
    ) {
        var position = Int32(truncatingIfNeeded: first)
        var taken = 0
        var row = 0
        while row < rows {
            let step = min(64, rows &- row)
            var word = Bits.word(bits, at: bit &+ row, available: step)
            for offset in 0..<step {
                // No branch: where there is no value, its length counts for nothing.
                let one = Int(truncatingIfNeeded: word & 1)
                position &+= lengths[min(taken, decodeBlock &- 1)] & Int32(truncatingIfNeeded: 0 &- one)
                begins[row &+ offset] = position
                taken &+= one
                word &>>= 1
            }
            row &+= step
        }
    }

    private func appendPlain(_ count: Int, _ start: UnsafeRawPointer) throws(SluiceError) -> UnsafeRawPointer {
        // The bytes of these values are all in the page, so that nothing has to grow on the way.
        values.reserve(end - start + 16)
        var next = start
        let end = end
        var target = values.base + values.count
        let lengths = lengths
        for index in 0..<count {
            guard end - next >= 4 else { throw .tooFewValues(count - index) }
            let length = Int(next.loadUnaligned(as: UInt32.self))
            next += 4
            guard length <= end - next else { throw .tooFewValues(count - index) }
            if length <= 16, end - next >= 16 {
                target.storeBytes(of: next.loadUnaligned(as: Pair.self), as: Pair.self)
            } else {
                target.copyMemory(from: next, byteCount: length)
            }
            lengths[index] = Int32(truncatingIfNeeded: length)
            target += length
            next += length
        }
        values.count = target - values.base
        return next
    }

    private func appendEntries(_ count: Int) {
        let starts = UnsafeRawPointer(entryStarts.base)
        let lengths = lengths
        let positions = positions
        var total = 0
        for index in 0..<count {
            let place = starts + Int(positions[index]) &* 4
            let length = place.load(fromByteOffset: 4, as: UInt32.self) &- place.load(as: UInt32.self)
            lengths[index] = Int32(bitPattern: length)
            total &+= Int(length)
        }
        values.reserve(total + 16)
        var target = values.base + values.count
        let bytes = UnsafeRawPointer(entries.base)
        if longestEntry <= 16 {
            for index in 0..<count {
                let begin = Int(starts.load(fromByteOffset: Int(positions[index]) &* 4, as: UInt32.self))
                target.storeBytes(of: (bytes + begin).loadUnaligned(as: Pair.self), as: Pair.self)
                target += Int(lengths[index])
            }
        } else {
            for index in 0..<count {
                let begin = Int(starts.load(fromByteOffset: Int(positions[index]) &* 4, as: UInt32.self))
                let length = Int(lengths[index])
                if length <= 16 {
                    target.storeBytes(of: (bytes + begin).loadUnaligned(as: Pair.self), as: Pair.self)
                } else {
                    target.copyMemory(from: bytes + begin, byteCount: length)
                }
                target += length
            }
        }
        values.count += total
    }

    /// Checks that all of `bytes` is UTF-8 and that no value begins in the middle of a character.
    private func check(
        _ bytes: UnsafeRawPointer, _ size: Int, _ starts: UnsafePointer<UInt32>, _ count: Int, base: Int
    ) throws(SluiceError) {
        if UTF8Check.asciiPrefix(bytes, count: size) == size { return }
        guard UTF8Check.firstInvalid(bytes, count: size) == nil else { throw BytesValues.notText }
        for index in 0..<count {
            let begin = Int(starts[index]) - base
            if begin < size, bytes.load(fromByteOffset: begin, as: UInt8.self) & 0xc0 == 0x80 {
                throw BytesValues.notText
            }
        }
    }

    private static var notText: SluiceError {
        SluiceError(.invalidData, "a value of a text column is not valid UTF-8")
    }
}
