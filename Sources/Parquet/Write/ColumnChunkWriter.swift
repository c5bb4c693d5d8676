import CZlib
import Columns
import Support

/// Encodes one leaf's values into compressed pages, row group after row group.
///
/// Pages are encoded and compressed as rows arrive. A chunk holds its compressed pages and its dictionary, never more
/// than a page of values.
final class ColumnChunkWriter: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time encodes a leaf, and the writer waits for all of them.

    let leaf: LeafPlan
    let encoding: LeafEncoding
    let options: ParquetWriterOptions
    private let shredder: Shredder
    private let compressor: Compressor

    // The page under construction.
    private var rows = 0
    private var slotCount = 0
    private var valueCount = 0
    private let definitionBits = BitBuffer()
    private let definitionLevels = MutableBuffer()
    private let repetitionLevels = MutableBuffer()
    /// What the page's values are in PLAIN form, or their indices.
    let values: PageValues
    private let body = MutableBuffer()
    private let compressed = MutableBuffer()

    // The chunk under construction.
    private(set) var chunk: FinishedChunk

    init(_ leaf: LeafPlan, _ options: ParquetWriterOptions) throws(SluiceError) {
        self.leaf = leaf
        self.options = options
        encoding = try LeafEncoding(leaf, options)
        shredder = Shredder(leaf)
        compressor = try Compressor(options.compression, level: options.compressionLevel)
        values = PageValues(leaf, encoding)
        chunk = FinishedChunk(leaf)
    }

    /// How many bytes the chunk has so far, before compression.
    var size: Int { chunk.uncompressedSize + values.size + slotCount / 8 + values.dictionarySize }
    /// How many bytes the pages that are complete have, compressed.
    var storedSize: Int { chunk.size }

    /// Encodes the rows of the leaf in one column of a batch.
    func write(_ column: Column) throws(SluiceError) {
        if case .nothing = leaf.storage, leaf.type == .null, leaf.steps.count == 1 {
            return try writeNulls(column.count)
        }
        let shredded = try shredder.shred(column)
        var slot = 0
        var value = 0
        while slot < shredded.slotCount {
            var step = step(shredded, from: slot, rows: 4096)
            // Values of any length are looked at before they are taken, so that pages stay near their size.
            while values.prepare(shredded, from: value, count: step.values) > options.pageBytes / 2, step.rows > 1 {
                step = self.step(shredded, from: slot, rows: step.rows / 2)
            }
            appendLevels(shredded, from: slot, step)
            do throws(SluiceError) {
                try values.append(shredded, from: value, count: step.values)
            } catch {
                throw error.at(.init(column: leaf.name))
            }
            rows += step.rows
            slotCount += step.slots
            valueCount += step.values
            slot += step.slots
            value += step.values
            try endPageIfFull()
        }
    }

    /// A column of nulls has levels only.
    private func writeNulls(_ count: Int) throws(SluiceError) {
        var left = count
        while left > 0 {
            let size = min(left, (options.pageRows ?? 1 << 20) - rows)
            definitionBits.append(repeating: false, count: size)
            rows += size
            slotCount += size
            left -= size
            try endPageIfFull()
        }
    }

    // MARK: - Steps

    /// A few whole rows.
    private struct Step {
        var rows = 0
        var slots = 0
        var values = 0
    }

    private func step(_ leaf: ShreddedLeaf, from slot: Int, rows wanted: Int) -> Step {
        let limit = max(1, min(wanted, (options.pageRows ?? .max) - rows))
        var step = Step()
        if let repetition = leaf.repetition {
            // A row begins where nothing repeats.
            var end = slot &+ 1
            step.rows = 1
            while end < leaf.slotCount {
                if repetition[end] == 0 {
                    if step.rows == limit || end &- slot >= 4096 { break }
                    step.rows &+= 1
                }
                end &+= 1
            }
            step.slots = end &- slot
        } else {
            step.slots = min(limit, leaf.slotCount &- slot)
            step.rows = step.slots
        }
        switch leaf.definition {
        case .full: step.values = step.slots
        case .bitmap(let bits, let from):
            step.values = Bitmap.countSet(bits, from: from &+ slot, count: step.slots)
        case .levels(let levels):
            let full = UInt8(truncatingIfNeeded: self.leaf.maxDefinition)
            var found = 0
            for i in slot..<slot &+ step.slots { found &+= levels[i] == full ? 1 : 0 }
            step.values = found
        }
        return step
    }

    private func appendLevels(_ leaf: ShreddedLeaf, from slot: Int, _ step: Step) {
        guard self.leaf.maxDefinition > 0 else { return }
        switch leaf.definition {
        case .full: definitionBits.append(repeating: true, count: step.slots)
        case .bitmap(let bits, let from):
            bits.withUnsafeBytes { definitionBits.append($0, from: from + slot, count: step.slots) }
        case .levels(let levels):
            definitionLevels.append(UnsafeRawBufferPointer(start: levels + slot, count: step.slots))
        }
        if let repetition = leaf.repetition {
            repetitionLevels.append(UnsafeRawBufferPointer(start: repetition + slot, count: step.slots))
        }
    }

    // MARK: - Pages

    private func endPageIfFull() throws(SluiceError) {
        if values.usesDictionary, values.dictionarySize > options.dictionaryBytes {
            if chunk.pages.isEmpty, values.dictionaryHardlyPays {
                values.abandonDictionary()
            } else {
                try endPage()
                values.stopDictionary()
            }
        }
        if rows >= options.pageRows ?? .max || values.size >= options.pageBytes || slotCount >= 1 << 24 {
            try endPage()
        }
    }

    /// Encodes, compresses and keeps the page, if it has any row.
    private func endPage() throws(SluiceError) {
        guard rows > 0 else { return }
        // A first page of values that hardly ever come twice says that the rest is like it.
        if chunk.pages.isEmpty, values.usesDictionary, valueCount >= 4096, values.dictionaryHardlyPays {
            values.abandonDictionary()
        }
        body.removeAll()
        compressed.removeAll()
        let isFirstVersion = options.pageVersion == 1
        let repetitionBytes = leaf.maxRepetition > 0 ? appendRepetition(withLength: isFirstVersion) : 0
        let definitionBytes = leaf.maxDefinition > 0 ? appendDefinition(withLength: isFirstVersion) : 0
        let levelBytes = isFirstVersion ? 0 : repetitionBytes + definitionBytes
        let pageEncoding = values.encode(count: valueCount, into: body)
        guard body.count <= Int(Int32.max) else {
            throw SluiceError(
                .limitExceeded, "a page has \(body.count) bytes, and a page holds at most 2 GiB",
                place: .init(column: leaf.name))
        }
        let isCompressed = try compressBody(after: levelBytes)

        var header = PageHeader()
        if isFirstVersion {
            var data = DataPageHeader()
            data.valueCount = Int32(slotCount)
            data.encoding = pageEncoding
            header.type = .data
            header.data = data
        } else {
            var data = DataPageHeaderV2()
            data.valueCount = Int32(slotCount)
            data.nullCount = Int32(slotCount - valueCount)
            data.rowCount = Int32(rows)
            data.encoding = pageEncoding
            data.repetitionLevelsByteLength = Int32(repetitionBytes)
            data.definitionLevelsByteLength = Int32(definitionBytes)
            data.isCompressed = isCompressed
            header.type = .dataV2
            header.dataV2 = data
        }
        let page = keepPage(&header, in: chunk.data)
        chunk.add(
            FinishedPage(
                offset: page.offset, size: page.size, firstRow: chunk.rowCount, rows: rows, slots: slotCount,
                values: valueCount), encoding: pageEncoding, type: header.type, values.takeRange())
        values.endPage()
        rows = 0
        slotCount = 0
        valueCount = 0
        definitionBits.removeAll()
        definitionLevels.removeAll()
        repetitionLevels.removeAll()
    }

    /// Compresses `body` but for its first bytes; whether it got smaller, which version 2 pages care for.
    private func compressBody(after levelBytes: Int) throws(SluiceError) -> Bool {
        compressed.append(UnsafeRawBufferPointer(start: body.base, count: levelBytes))
        let rest = UnsafeRawBufferPointer(start: body.base + levelBytes, count: body.count - levelBytes)
        if options.pageVersion == 2, options.compression == .uncompressed || rest.isEmpty {
            compressed.append(rest)
            return false
        }
        try compressor.compress(rest, to: compressed)
        if options.pageVersion == 2, compressed.count >= body.count {
            compressed.count = levelBytes
            compressed.append(rest)
            return false
        }
        return true
    }

    /// Appends the header and what is in `compressed`; where the page begins there and how long it is.
    private func keepPage(_ header: inout PageHeader, in output: MutableBuffer) -> (offset: Int, size: Int) {
        header.uncompressedSize = Int32(body.count)
        header.compressedSize = Int32(compressed.count)
        if options.checksums {
            let sum = crc32_z(0, compressed.base.assumingMemoryBound(to: UInt8.self), compressed.count)
            header.crc = Int32(truncatingIfNeeded: sum)
        }
        let offset = output.count
        var writer = ThriftWriter(output)
        header.write(to: &writer)
        chunk.uncompressedSize += output.count - offset + body.count
        compressed.withUnsafeBytes { output.append($0) }
        return (offset, output.count - offset)
    }

    private func appendRepetition(withLength: Bool) -> Int {
        appendLevels(withLength: withLength) {
            HybridEncoder.encode(
                repetitionLevels.base.assumingMemoryBound(to: UInt8.self), count: slotCount,
                width: BitPacker.width(of: leaf.maxRepetition), into: body)
        }
    }

    private func appendDefinition(withLength: Bool) -> Int {
        appendLevels(withLength: withLength) {
            if leaf.steps.count == 1 {
                HybridEncoder.encode(bits: definitionBits.base, count: slotCount, into: body)
            } else {
                HybridEncoder.encode(
                    definitionLevels.base.assumingMemoryBound(to: UInt8.self), count: slotCount,
                    width: BitPacker.width(of: leaf.maxDefinition), into: body)
            }
        }
    }

    /// Appends levels, behind their length where the page's version has it there; how many bytes they take.
    private func appendLevels(withLength: Bool, _ encode: () -> Void) -> Int {
        let start = body.count
        if withLength { body.append(0 as UInt32) }
        let first = body.count
        encode()
        let length = body.count - first
        if withLength { body.base.storeBytes(of: UInt32(length), toByteOffset: start, as: UInt32.self) }
        return length
    }

    // MARK: - Chunks

    /// Ends the chunk and begins the next one.
    func finishChunk() throws(SluiceError) -> FinishedChunk {
        try endPage()
        if let (count, page) = values.dictionaryPage, chunk.hasDictionaryPages {
            body.removeAll()
            compressed.removeAll()
            page.withUnsafeBytes { body.append($0) }
            try compressor.compress(UnsafeRawBufferPointer(start: body.base, count: body.count), to: compressed)
            var header = PageHeader()
            header.type = .dictionary
            header.dictionary = DictionaryPageHeader(valueCount: Int32(count), encoding: .plain)
            _ = keepPage(&header, in: chunk.dictionary)
            chunk.distinctCount = values.usesDictionary ? count : nil
        }
        let finished = chunk
        chunk = FinishedChunk(leaf)
        values.startChunk()
        return finished
    }
}
