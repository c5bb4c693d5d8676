import Columns
import Support

/// The values of the page under construction: in PLAIN form, or as indices into the chunk's dictionary.
final class PageValues {
    private let leaf: LeafPlan
    private let encoding: LeafEncoding
    /// Values in PLAIN form; booleans are in `bits`.
    private let plain = MutableBuffer()
    private let bits = BitBuffer()
    private let indices = MutableBuffer()
    private var indexCount = 0
    private var dictionary: Dictionary?
    /// Whether the page's values go into the dictionary.
    private(set) var usesDictionary: Bool
    private var range: ValueRange
    private let seen = MutableBuffer()
    private let converted = MutableBuffer()
    private let slots = MutableBuffer()
    private var preparedSize = 0

    private enum Dictionary {
        case four(FixedDictionary<UInt32>)
        case eight(FixedDictionary<UInt64>)
        case bytes(BytesDictionary)
    }

    init(_ leaf: LeafPlan, _ encoding: LeafEncoding) {
        self.leaf = leaf
        self.encoding = encoding
        usesDictionary = encoding.usesDictionary
        range = ValueRange(ValueRange.order(of: leaf.type))
        guard usesDictionary else { return }
        switch leaf.storage.physicalType {
        case .int32, .float: dictionary = .four(FixedDictionary())
        case .int64, .double: dictionary = .eight(FixedDictionary())
        default: dictionary = .bytes(BytesDictionary(prefixed: leaf.storage == .bytes))
        }
    }

    // MARK: - Sizes

    /// How many bytes the page's values take, about.
    var size: Int { plain.count + bits.byteCount + indexCount * BitPacker.width(of: dictionaryCount) / 8 }

    private var dictionaryCount: Int {
        switch dictionary {
        case .four(let dictionary): dictionary.count
        case .eight(let dictionary): dictionary.count
        case .bytes(let dictionary): dictionary.count
        case nil: 0
        }
    }

    /// How many bytes the dictionary takes.
    var dictionarySize: Int { dictionaryContents?.count ?? 0 }

    private var dictionaryContents: MutableBuffer? {
        switch dictionary {
        case .four(let dictionary): dictionary.page
        case .eight(let dictionary): dictionary.page
        case .bytes(let dictionary): dictionary.page
        case nil: nil
        }
    }

    /// The dictionary page's number of values and content.
    var dictionaryPage: (count: Int, content: MutableBuffer)? {
        guard let content = dictionaryContents, content.count > 0 || dictionaryCount > 0 else { return nil }
        return (dictionaryCount, content)
    }

    // MARK: - Appending

    /// Looks at the lengths of the next values; how many bytes they take. Values of one length are not looked at.
    func prepare(_ leaf: ShreddedLeaf, from start: Int, count: Int) -> Int {
        guard self.leaf.storage == .bytes else { return (self.leaf.storage.width ?? 0) * count }
        slots.count = 0
        slots.reserve(count * MemoryLayout<ByteSlot>.size)
        let out = slots.base.assumingMemoryBound(to: ByteSlot.self)
        var total = 0
        leaf.source.withOffsets { offsets in
            if let indices = leaf.indices {
                for i in 0..<count {
                    let row = Int(indices[start &+ i])
                    let length = offsets[row &+ 1] &- offsets[row]
                    out[i] = ByteSlot(start: offsets[row], length: length)
                    total &+= Int(length)
                }
            } else {
                let first = leaf.firstValue &+ start
                for i in 0..<count {
                    let from = offsets[first &+ i]
                    out[i] = ByteSlot(start: from, length: offsets[first &+ i &+ 1] &- from)
                }
                total = count == 0 ? 0 : Int(offsets[first &+ count]) &- Int(offsets[first])
            }
        }
        preparedSize = total + 4 * count
        return preparedSize
    }

    /// Appends `count` values from value `start` on; `prepare` has been called with the same values.
    func append(_ leaf: ShreddedLeaf, from start: Int, count: Int) throws(SluiceError) {
        guard count > 0 else { return }
        switch self.leaf.storage {
        case .nothing: break
        case .boolean: appendBits(leaf, start, count)
        case .bytes: appendBytes(leaf, start, count)
        default:
            let values = try leaf.physicalValues(
                self.leaf, from: start, count: count, scratch: converted, range: &range)
            withExtendedLifetime(leaf) { appendFixed(values, count) }
        }
    }

    private func appendBits(_ leaf: ShreddedLeaf, _ start: Int, _ count: Int) {
        guard let values = leaf.source.values else { return }
        let ones = values.withUnsafeBytes { bytes in
            if leaf.indices == nil {
                let from = leaf.source.offset + leaf.firstValue + start
                bits.append(bytes, from: from, count: count)
                return Bitmap.countSet(values, from: from, count: count)
            }
            var ones = 0
            for i in 0..<count {
                let row = leaf.indices.map { Int($0[start &+ i]) } ?? 0
                let bit: UInt64 = Bitmap.isSet(bytes, at: leaf.source.offset &+ row) ? 1 : 0
                bits.append(bit, count: 1)
                ones &+= Int(bit)
            }
            return ones
        }
        range.add(integer: ones == count ? 1 : 0, ones == 0 ? 0 : 1)
    }

    private func appendFixed(_ values: UnsafeRawPointer, _ count: Int) {
        let width = leaf.storage.width ?? 0
        guard usesDictionary, let dictionary else {
            let bytes = UnsafeRawBufferPointer(start: values, count: count * width)
            if range.order == .bytes { range.add(evenSlots(count, width), count: count, in: bytes) }
            return plain.append(bytes)
        }
        let out = roomForIndices(count)
        switch dictionary {
        case .four(let dictionary): dictionary.encode(values, count: count, to: out)
        case .eight(let dictionary): dictionary.encode(values, count: count, to: out)
        case .bytes(let dictionary):
            dictionary.encode(evenSlots(count, width), count: count, bytes: values, to: out)
        }
        indexCount += count
    }

    /// The places of values that lie side by side.
    private func evenSlots(_ count: Int, _ width: Int) -> UnsafePointer<ByteSlot> {
        slots.count = 0
        slots.reserve(count * MemoryLayout<ByteSlot>.size)
        let places = slots.base.assumingMemoryBound(to: ByteSlot.self)
        for i in 0..<count { places[i] = ByteSlot(start: Int32(i &* width), length: Int32(width)) }
        return UnsafePointer(places)
    }

    private func appendBytes(_ leaf: ShreddedLeaf, _ start: Int, _ count: Int) {
        guard let values = leaf.source.values else { return }
        let places = UnsafePointer(slots.base.assumingMemoryBound(to: ByteSlot.self))
        values.withUnsafeBytes { bytes in
            // A column of empty strings may come without an address.
            guard let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8) else { return }
            if usesDictionary, case .bytes(let dictionary) = dictionary {
                dictionary.encode(places, count: count, bytes: base, to: roomForIndices(count))
                indexCount += count
                return
            }
            range.add(places, count: count, in: bytes)
            plain.reserve(preparedSize + 16)
            var out = plain.base + plain.count
            let safeEnd = bytes.count &- 16
            for i in 0..<count {
                let from = Int(places[i].start)
                let length = Int(places[i].length)
                out.storeBytes(of: places[i].length, as: Int32.self)
                out += 4
                if length <= 16, from <= safeEnd {
                    // Two words are quicker than a call; what is too much is overwritten by the next value.
                    out.storeBytes(of: base.loadUnaligned(fromByteOffset: from, as: UInt64.self), as: UInt64.self)
                    out.storeBytes(
                        of: base.loadUnaligned(fromByteOffset: from &+ 8, as: UInt64.self), toByteOffset: 8,
                        as: UInt64.self)
                } else {
                    out.copyMemory(from: base + from, byteCount: length)
                }
                out += length
            }
            plain.count = out - plain.base
        }
    }

    private func roomForIndices(_ count: Int) -> UnsafeMutablePointer<UInt32> {
        indices.count = indexCount * 4
        indices.reserve(count * 4)
        return indices.base.assumingMemoryBound(to: UInt32.self) + indexCount
    }

    private var indexPointer: UnsafePointer<UInt32> {
        UnsafePointer(indices.base.assumingMemoryBound(to: UInt32.self))
    }

    // MARK: - Dictionaries

    /// Whether nearly every value so far was a new one.
    var dictionaryHardlyPays: Bool { dictionaryCount * 20 > indexCount * 19 }

    /// Writes the chunk without a dictionary after all: the page's indices become values again.
    func abandonDictionary() {
        switch dictionary {
        case .four(let dictionary): restore(UInt32.self, dictionary.page)
        case .eight(let dictionary): restore(UInt64.self, dictionary.page)
        case .bytes(let dictionary):
            addSeenStrings(dictionary)
            for i in 0..<indexCount {
                let value = dictionary.value(at: Int(indexPointer[i]))
                if leaf.storage == .bytes { plain.append(Int32(value.count)) }
                plain.append(value)
            }
        case nil: break
        }
        removeDictionary()
        indexCount = 0
        usesDictionary = false
    }

    private func restore<T: BitwiseCopyable>(_: T.Type, _ page: MutableBuffer) {
        plain.reserve(indexCount * MemoryLayout<T>.size)
        let from = page.base.assumingMemoryBound(to: T.self)
        let to = (plain.base + plain.count).assumingMemoryBound(to: T.self)
        for i in 0..<indexCount { to[i] = from[Int(indexPointer[i])] }
        plain.count += indexCount * MemoryLayout<T>.size
    }

    /// Writes the rest of the chunk without the dictionary; pages that use it stay.
    func stopDictionary() { usesDictionary = false }

    private func removeDictionary() {
        switch dictionary {
        case .four(let dictionary): dictionary.removeAll()
        case .eight(let dictionary): dictionary.removeAll()
        case .bytes(let dictionary): dictionary.removeAll()
        case nil: break
        }
    }

    /// Byte strings that went into the dictionary are compared once a page, not once a value.
    private func addSeenStrings(_ dictionary: BytesDictionary) {
        guard range.order == .bytes else { return }
        let known = dictionary.count
        if known > indexCount {
            for i in 0..<indexCount { range.add(bytes: dictionary.value(at: Int(indexPointer[i]))) }
            return
        }
        seen.removeAll()
        seen.append(repeating: 0, count: known)
        let marks = seen.base.assumingMemoryBound(to: UInt8.self)
        for i in 0..<indexCount { marks[Int(indexPointer[i])] = 1 }
        for index in 0..<known where marks[index] != 0 { range.add(bytes: dictionary.value(at: index)) }
    }

    // MARK: - Pages

    /// Appends the page's values, encoded, to `body`; which encoding that is.
    func encode(count: Int, into body: MutableBuffer) -> Encoding {
        // A page of nulls needs no dictionary, and the chunk may turn out to have none.
        if usesDictionary, indexCount > 0 {
            if case .bytes(let dictionary) = dictionary { addSeenStrings(dictionary) }
            let width = max(1, BitPacker.width(of: dictionaryCount - 1))
            body.append(UInt8(width))
            HybridEncoder.encode(indexPointer, count: indexCount, width: width, into: body)
            return .rleDictionary
        }
        if usesDictionary { return .plain }
        switch encoding.encoding {
        case .rle:
            let start = body.count
            body.append(0 as UInt32)
            HybridEncoder.encode(bits: bits.base, count: count, into: body)
            body.base.storeBytes(of: UInt32(body.count - start - 4), toByteOffset: start, as: UInt32.self)
        case .deltaBinaryPacked:
            if leaf.storage.width == 8 {
                DeltaEncoder.encode(Int64.self, plain.base, count: count, into: body)
            } else {
                DeltaEncoder.encode(Int32.self, plain.base, count: count, into: body)
            }
        case .deltaLengthByteArray: ByteArrayEncoder.deltaLength(plain.base, count: count, into: body)
        case .deltaByteArray:
            ByteArrayEncoder.deltaPrefix(plain.base, count: count, fixed: leaf.storage.width, into: body)
        case .byteStreamSplit:
            ByteArrayEncoder.streamSplit(plain.base, count: count, width: leaf.storage.width ?? 0, into: body)
        default:
            if leaf.storage == .boolean {
                body.append(UnsafeRawBufferPointer(start: bits.base, count: bits.byteCount))
            } else {
                plain.withUnsafeBytes { body.append($0) }
            }
        }
        return encoding.encoding
    }

    /// The page's bounds.
    func takeRange() -> ValueRange {
        defer { range = ValueRange(range.order) }
        return range
    }

    /// Forgets the page's values.
    func endPage() {
        plain.removeAll()
        bits.removeAll()
        indexCount = 0
    }

    /// Forgets the chunk's dictionary.
    func startChunk() {
        removeDictionary()
        usesDictionary = encoding.usesDictionary
    }
}
