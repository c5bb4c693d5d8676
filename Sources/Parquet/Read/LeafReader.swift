import Columns
import Support

/// Some rows of one leaf: its column, and for nested columns the levels out of which the rows are put together.
struct LeafRows {
    /// A value for each place in the innermost list or structure.
    var column: Column
    /// A level for each value or gap; empty for columns at the top.
    var definitions = Buffer.empty
    /// As above; empty unless something above is repeated.
    var repetitions = Buffer.empty
    var rowCount: Int

    /// The first `rows` rows, and the others.
    func split(at rows: Int, _ leaf: Leaf) -> (LeafRows, LeafRows) {
        guard definitions.count > 0 else {
            return (
                LeafRows(column: column.slice(0..<rows), rowCount: rows),
                LeafRows(column: column.slice(rows..<rowCount), rowCount: rowCount - rows)
            )
        }
        let entry = repetitions.count > 0 ? entry(ofRow: rows) : rows
        let slots = definitions.withUnsafeBytes { bytes in
            bytes[..<entry].reduce(0) { $0 + (Int($1) >= leaf.slotDefinition ? 1 : 0) }
        }
        func part(_ entries: Range<Int>, _ slots: Range<Int>, _ rows: Int) -> LeafRows {
            LeafRows(
                column: column.slice(slots), definitions: definitions[entries],
                repetitions: repetitions.count > 0 ? repetitions[entries] : .empty, rowCount: rows)
        }
        return (
            part(0..<entry, 0..<slots, rows),
            part(entry..<definitions.count, slots..<column.count, rowCount - rows)
        )
    }

    private func entry(ofRow row: Int) -> Int {
        repetitions.withUnsafeBytes { bytes in
            var seen = 0
            for index in 0..<bytes.count where bytes[index] == 0 {
                if seen == row { return index }
                seen += 1
            }
            return bytes.count
        }
    }
}

/// Reads the rows of one leaf, row group by row group. One user at a time.
final class LeafReader: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time uses it: `ParquetReader` waits for all before it goes on.

    let leaf: Leaf
    private let isNested: Bool
    private let source: any RandomAccess
    private let dataEnd: Int
    private let limits: ParquetLimits
    private let values: any LeafValues
    private let scratch = MutableBuffer()

    private var pages: PageReader?
    private var pageOffset = 0
    private var entriesLeft = 0
    private var definitionDecoder = LevelDecoder.none
    private var repetitionDecoder = LevelDecoder.none

    // A block of levels that has been decoded, of which some may have been used.
    private let definitionBlock = UnsafeMutablePointer<UInt8>.allocate(capacity: decodeBlock)
    private let repetitionBlock = UnsafeMutablePointer<UInt8>.allocate(capacity: decodeBlock)
    private var blockStart = 0
    private var blockEnd = 0

    // What the rows at hand are made of.
    private let validity = MutableBuffer()
    private let definitions = MutableBuffer()
    private let repetitions = MutableBuffer()
    private var slots = 0
    private var nulls = 0
    private var rows = 0
    /// Rows of the row group that have been read.
    private var groupRows = 0
    private var groupRowCount = 0
    private var ahead: Result<LeafRows, SluiceError>?

    init(_ leaf: Leaf, isNested: Bool, source: any RandomAccess, dataEnd: Int, limits: ParquetLimits) {
        self.leaf = leaf
        self.isNested = isNested
        self.source = source
        self.dataEnd = dataEnd
        self.limits = limits
        switch leaf.type.layout {
        case .null: values = NoValues()
        case .bits: values = BitValues()
        case .bytes: values = BytesValues(isText: leaf.type != .binary)
        case .fixed(let width):
            values = FixedValues(
                leaf.physical, storedWidth: leaf.physical.width ?? leaf.typeLength, conversion: leaf.conversion,
                width: width)
        case .list, .structure: preconditionFailure("a leaf is not nested")
        }
    }

    deinit {
        definitionBlock.deallocate()
        repetitionBlock.deallocate()
    }

    /// Begins a row group.
    func start(_ group: RowGroup) throws(SluiceError) {
        let chunk = group.columns[leaf.index]
        do throws(SluiceError) {
            guard !chunk.isEncrypted else {
                throw SluiceError(.unsupported, "the column is encrypted")
            }
            guard chunk.filePath == nil else {
                throw SluiceError(.unsupported, "the column's values are in another file")
            }
            guard chunk.metadata.type == leaf.physical else {
                throw SluiceError(
                    .invalidData,
                    "a column chunk is of type \(chunk.metadata.type.name), the schema says \(leaf.physical.name)")
            }
            if leaf.maxRepetition == 0, chunk.metadata.valueCount != group.rowCount {
                throw SluiceError(
                    .invalidData,
                    "a row group of \(group.rowCount) rows has a column chunk of \(chunk.metadata.valueCount) values")
            }
            pages = try PageReader(
                chunk.metadata, source: source, dataEnd: dataEnd, limits: limits, scratch: scratch)
        } catch {
            throw located(error)
        }
        entriesLeft = 0
        blockStart = 0
        blockEnd = 0
        groupRows = 0
        groupRowCount = Int(group.rowCount)
    }

    private func located(_ error: SluiceError) -> SluiceError {
        error.at(.init(file: source.name, column: leaf.dottedPath, offset: pageOffset > 0 ? pageOffset : nil))
    }

    /// Reads up to `wanted` rows of the row group, and at least one.
    func read(_ wanted: Int) async throws(SluiceError) -> LeafRows {
        do throws(SluiceError) {
            let wanted = min(wanted, groupRowCount - groupRows)
            if leaf.maxRepetition == 0 {
                try await readFlat(wanted)
            } else {
                try await readRepeated(wanted)
            }
            groupRows += rows
            if groupRows == groupRowCount { try checkEnd() }
            return finish()
        } catch {
            throw located(error)
        }
    }

    /// Reads rows and keeps them, or the failure, for `takeAhead`: the form in which a task of its own can do it.
    func readAhead(_ wanted: Int) async {
        do throws(SluiceError) {
            ahead = .success(try await read(wanted))
        } catch {
            ahead = .failure(error)
        }
    }

    /// What `readAhead` has read.
    func takeAhead() throws(SluiceError) -> LeafRows {
        defer { ahead = nil }
        guard let ahead else { throw located(SluiceError(.cancelled, "reading was cancelled")) }
        return try ahead.get()
    }

    /// The row group is over: there must not be anything left.
    private func checkEnd() throws(SluiceError) {
        if entriesLeft > 0 || blockStart < blockEnd || (pages?.valuesLeft ?? 0) > 0 {
            throw SluiceError(.invalidData, "a column chunk goes on after the \(groupRowCount) rows of its row group")
        }
        pages = nil
    }

    private func finish() -> LeafRows {
        validity.count = (slots + 7) / 8
        let bits = nulls > 0 ? validity.freeze() : nil
        validity.removeAll()
        let (bytes, offsets) = values.finish()
        let column = Column(
            type: leaf.type, count: slots, nullCount: nulls, validity: bits, values: bytes, offsets: offsets)
        defer {
            slots = 0
            nulls = 0
            rows = 0
        }
        return LeafRows(
            column: column, definitions: isNested ? definitions.freeze() : .empty,
            repetitions: isNested ? repetitions.freeze() : .empty, rowCount: rows)
    }

    // MARK: - Pages

    /// Goes to the next data page; false when there is none.
    private func nextPage() async throws(SluiceError) -> Bool {
        while let page = try await pages?.next() {
            pageOffset = page.offset
            switch page.kind {
            case .dictionary:
                guard page.encoding == .plain || page.encoding == .plainDictionary else {
                    throw SluiceError(.unsupported, "a dictionary in encoding \(page.encoding)")
                }
                try values.setDictionary(page.values, count: page.valueCount)
            case .data:
                try start(page)
                if entriesLeft > 0 { return true }
            }
        }
        return false
    }

    private func start(_ page: PageReader.Page) throws(SluiceError) {
        entriesLeft = page.valueCount
        var body = page.values
        if let repetitions = page.repetitionLevels, let definitions = page.definitionLevels {
            repetitionDecoder =
                leaf.maxRepetition > 0 ? try LevelDecoder(runs: repetitions, maximum: leaf.maxRepetition) : .none
            definitionDecoder =
                leaf.maxDefinition > 0 ? try LevelDecoder(runs: definitions, maximum: leaf.maxDefinition) : .none
        } else {
            repetitionDecoder = try levels(
                &body, page.repetitionLevelEncoding, maximum: leaf.maxRepetition, count: page.valueCount)
            definitionDecoder = try levels(
                &body, page.definitionLevelEncoding, maximum: leaf.maxDefinition, count: page.valueCount)
        }
        try values.startPage(body, page.encoding)
    }

    /// Takes the levels off the beginning of a page of version 1.
    private func levels(
        _ body: inout UnsafeRawBufferPointer, _ encoding: Encoding, maximum: Int, count: Int
    ) throws(SluiceError) -> LevelDecoder {
        if maximum == 0 { return .none }
        if encoding == .bitPacked {
            let size = LevelDecoder.packedSize(maximum: maximum, count: count)
            let decoder = try LevelDecoder(packed: body, maximum: maximum, count: count)
            body = UnsafeRawBufferPointer(rebasing: body[size...])
            return decoder
        }
        guard encoding == .rle else { throw SluiceError(.unsupported, "levels in encoding \(encoding)") }
        guard body.count >= 4 else { throw RunDecoder.exhausted }
        let size = Int(body.loadUnaligned(as: UInt32.self))
        guard size <= body.count - 4 else {
            throw SluiceError(.invalidData, "\(size) bytes of levels are declared in a page of \(body.count)")
        }
        let decoder = try LevelDecoder(
            runs: UnsafeRawBufferPointer(rebasing: body[4..<4 + size]), maximum: maximum)
        body = UnsafeRawBufferPointer(rebasing: body[(4 + size)...])
        return decoder
    }

    // MARK: - Rows

    /// How many of `count` values may be appended before the batch is to be cut: 0 when it is to be cut now.
    private func fitting(_ count: Int) -> Int {
        var count = count
        let perValue = values.maxValueBytes
        if perValue > 0 { count = min(count, max(1, limits.maxBatchBytes / perValue)) }
        let most = values.byteCount + values.maxPageBytes + count * perValue
        if values.byteCount >= limits.maxBatchBytes || most > Int(Int32.max) { return 0 }
        return count
    }

    private func readFlat(_ wanted: Int) async throws(SluiceError) {
        values.reserve(wanted)
        validity.reserve(wanted / 8 + 16)
        while rows < wanted {
            if entriesLeft == 0, try await !nextPage() {
                throw SluiceError(
                    .invalidData, "a column chunk ends after \(groupRows + rows) of \(groupRowCount) rows")
            }
            if try decodeFlat(wanted) { return }
        }
    }

    /// Decodes what the page has, block by block. Returns true when the batch is to be cut here.
    private func decodeFlat(_ wanted: Int) throws(SluiceError) -> Bool {
        while rows < wanted, entriesLeft > 0 {
            var count = min(decodeBlock, min(entriesLeft, wanted - rows))
            let fits = fitting(count)
            if fits == 0, rows > 0 { return true }
            count = max(1, min(count, fits == 0 ? count : fits))
            let bit = slots
            let valid: Int
            if leaf.maxDefinition == 0 {
                valid = count
                validity.reserve(count / 8 + 16)
            } else if !isNested {
                validity.reserve(count / 8 + 16)
                valid = try definitionDecoder.decodeBits(count, into: validity.base, at: bit)
                slots += count
            } else {
                try definitionDecoder.decode(count, into: definitionBlock)
                valid = appendLevels(0, count)
            }
            if leaf.maxDefinition == 0 {
                slots += count
                if isNested { definitions.append(repeating: 0, count: count) }
            }
            validity.count = (slots + 7) / 8
            try values.append(count, valid: valid, bits: validity.base, at: bit)
            nulls += count - valid
            rows += count
            entriesLeft -= count
        }
        return false
    }

    /// Takes levels from the block into the batch, and the bits that say which places have values. Returns how many do.
    private func appendLevels(_ from: Int, _ count: Int) -> Int {
        definitions.append(UnsafeRawBufferPointer(start: definitionBlock + from, count: count))
        if leaf.maxRepetition > 0 {
            repetitions.append(UnsafeRawBufferPointer(start: repetitionBlock + from, count: count))
        }
        validity.reserve(count / 8 + 16)
        let slotDefinition = UInt8(leaf.slotDefinition)
        let maxDefinition = UInt8(leaf.maxDefinition)
        let bits = validity.base.assumingMemoryBound(to: UInt8.self)
        let levels = definitionBlock + from
        var slot = slots
        var valid = 0
        // The byte under way is kept apart and written when it is full.
        var byte = slot & 7 == 0 ? 0 : bits[slot >> 3]
        for index in 0..<count {
            let level = levels[index]
            if level >= slotDefinition {
                let one: UInt8 = level == maxDefinition ? 1 : 0
                byte |= one &<< UInt8(truncatingIfNeeded: slot & 7)
                valid &+= Int(one)
                slot &+= 1
                if slot & 7 == 0 {
                    bits[(slot &>> 3) &- 1] = byte
                    byte = 0
                }
            }
        }
        if slot & 7 != 0 { bits[slot >> 3] = byte }
        slots = slot
        return valid
    }

    private func readRepeated(_ wanted: Int) async throws(SluiceError) {
        values.reserve(wanted)
        var wanted = wanted
        while true {
            if blockStart == blockEnd {
                if entriesLeft == 0 {
                    // The last row may go on in the next page.
                    guard try await nextPage() else { break }
                }
                let count = min(decodeBlock, entriesLeft)
                try repetitionDecoder.decode(count, into: repetitionBlock)
                try definitionDecoder.decode(count, into: definitionBlock)
                entriesLeft -= count
                blockStart = 0
                blockEnd = count
                if groupRows + rows == 0, repetitionBlock[0] != 0 {
                    throw SluiceError(.invalidData, "the first row of a row group begins in its middle")
                }
            }
            if rows > 0, values.byteCount >= limits.maxBatchBytes || definitions.count >= limits.maxBatchBytes {
                wanted = rows
            }
            if try takeBlock(wanted) { return }
        }
        guard groupRows + rows == groupRowCount else {
            throw SluiceError(.invalidData, "a column chunk ends after \(groupRows + rows) of \(groupRowCount) rows")
        }
    }

    /// Takes whole rows from the block as long as fewer than `wanted` have begun. Returns true at the end of the last.
    private func takeBlock(_ wanted: Int) throws(SluiceError) -> Bool {
        while blockStart < blockEnd {
            var stop = blockStart
            while stop < blockEnd {
                if repetitionBlock[stop] == 0 {
                    if rows == wanted { break }
                    rows += 1
                }
                stop += 1
            }
            if stop == blockStart { return true }
            guard definitions.count < 4 * limits.maxBatchBytes else {
                throw SluiceError(
                    .limitExceeded, "one row has more than \(definitions.count) nested values",
                    hint: "raise the limit of bytes in a batch")
            }
            while blockStart < stop {
                let fits = fitting(stop - blockStart)
                // A row cannot be cut: on with it, one value at a time if it has to be.
                let count = fits == 0 ? 1 : min(fits, stop - blockStart)
                guard
                    fits > 0
                        || values.byteCount + values.maxPageBytes + values.maxValueBytes <= Int(Int32.max)
                else {
                    throw SluiceError(.limitExceeded, "one row has more than 2 GiB of values")
                }
                let bit = slots
                let valid = appendLevels(blockStart, count)
                validity.count = (slots + 7) / 8
                try values.append(slots - bit, valid: valid, bits: validity.base, at: bit)
                nulls += slots - bit - valid
                blockStart += count
            }
            if stop < blockEnd { return true }
        }
        return false
    }
}
