import Columns
import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Turns rows into text.
struct CSVFormat: Sendable {
    private let delimiter: UInt8
    private let quote: UInt8
    private let lineEnd: [UInt8]
    private let nullText: [UInt8]
    private let quotesAllText: Bool

    init(_ options: CSVWriterOptions) {
        delimiter = options.delimiter
        quote = options.quote
        lineEnd = Array(options.lineEnd.utf8)
        nullText = Array(options.nullText.utf8)
        quotesAllText = options.quotesAllText
    }

    /// The names of the columns, as a record.
    func header(_ schema: Schema, to out: MutableBuffer) {
        for (index, field) in schema.fields.enumerated() {
            if index > 0 { out.append(delimiter) }
            var name = field.name
            name.withUTF8 { text(UnsafeRawBufferPointer($0), to: out) }
        }
        out.append(lineEnd)
    }

    /// Rows as records.
    func text(_ batch: RecordBatch, rows: Range<Int>) -> Buffer {
        let out = MutableBuffer(capacity: rows.count * batch.columns.count * 12)
        let columns = batch.columns.map { Cell($0, self) }
        let scratch = MutableBuffer()
        // In a file of one column a null is an empty line, which the reader knows to be one.
        for row in rows {
            var isFirst = true
            for column in columns {
                if !isFirst { out.append(delimiter) }
                isFirst = false
                append(column, row, to: out, scratch)
            }
            if lineEnd.count == 1 { out.append(UInt8(ascii: "\n")) } else { out.append(0x0a0d as UInt16) }
        }
        return out.freeze()
    }

    @inline(__always) private func append(
        _ cell: Cell, _ row: Int, to out: MutableBuffer, _ scratch: MutableBuffer
    ) {
        if cell.formatter.isNull(at: row) {
            if !nullText.isEmpty { out.append(nullText) }
            return
        }
        switch cell.kind {
        case .plain: cell.formatter.append(row: row, to: out)
        case .text:
            let start = Int(cell.offsets[row])
            text(
                UnsafeRawBufferPointer(start: cell.bytes + start, count: Int(cell.offsets[row &+ 1]) &- start), to: out)
        case .made:
            scratch.removeAll()
            cell.formatter.append(row: row, to: scratch)
            scratch.withUnsafeBytes { text($0, to: out, isValue: cell.isValue) }
        }
    }

    /// A column with what is asked of it in every row.
    private struct Cell {
        enum Kind {
            /// Never needs quotes.
            case plain
            /// Text that lies in the column as it is written.
            case text
            /// Text that is made, and may need quotes.
            case made
        }

        let column: Column
        let formatter: ColumnFormatter
        let kind: Kind
        /// Whether this is a value rather than text.
        let isValue: Bool
        let offsets: UnsafePointer<Int32>
        let bytes: UnsafeRawPointer

        init(_ column: Column, _ format: CSVFormat) {
            self.column = column
            formatter = ColumnFormatter(column)
            let isText = (column.type == .utf8 || column.type == .json) && column.offsets != nil
            isValue = !column.type.isNested && column.type.layout != .bytes
            kind = isText ? .text : format.isSafe(column.type) ? .plain : .made
            // `column` keeps the memory under both alive.
            let start = (column.offsets ?? .empty).unsafeStart + (isText ? column.offset * 4 : 0)
            offsets = start.assumingMemoryBound(to: Int32.self)
            bytes = (column.values ?? .empty).unsafeStart
        }
    }

    /// Whether values of the type are written with characters that never need quotes.
    private func isSafe(_ type: DataType) -> Bool {
        let isUsual = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t"), UInt8(ascii: "|")].contains(delimiter)
        guard isUsual, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"), nullText.isEmpty else { return false }
        switch type {
        case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
            .decimal, .date, .time, .timestamp, .uuid, .null:
            return true
        case .utf8, .json, .binary, .fixedBinary, .list, .structure, .map: return false
        }
    }

    /// Appends text, in quotes where it would not be read back as it is otherwise.
    @inline(__always) private func text(
        _ text: UnsafeRawBufferPointer, to out: MutableBuffer, isValue: Bool = false
    ) {
        guard let start = text.baseAddress, text.count > 0 else {
            // Nothing at all would be a null.
            return out.append(UInt16(quote) << 8 | UInt16(quote))
        }
        out.reserve(text.count &+ 16)
        if !quotesAllText || isValue, !needsQuotes(text) {
            memcpy(out.base + out.count, start, text.count)
            out.count &+= text.count
        } else {
            quoted(text, to: out)
        }
    }

    private func needsQuotes(_ text: UnsafeRawBufferPointer) -> Bool {
        if text.count == nullText.count, text.elementsEqual(nullText) { return true }
        // A byte order mark at the start of a file would be taken for one, and so would blanks by readers that trim.
        let first = text[0]
        if first == 0xef || first == 32 || text[text.count &- 1] == 32 || first == UInt8(ascii: "#") { return true }
        guard let start = text.baseAddress else { return true }
        var index = 0
        let ones: UInt64 = 0x0101_0101_0101_0101
        let (a, b) = (ones &* UInt64(delimiter), ones &* UInt64(quote))
        while index &+ 8 <= text.count {
            let word = start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if has(word ^ a) | has(word ^ b) | has(word ^ 0x0a0a_0a0a_0a0a_0a0a) | has(word ^ 0x0d0d_0d0d_0d0d_0d0d)
                != 0
            {
                return true
            }
            index &+= 8
        }
        while index < text.count {
            let byte = text[index]
            if byte == delimiter || byte == quote || byte == 10 || byte == 13 { return true }
            index &+= 1
        }
        return false
    }

    /// Not zero when a byte of `word` is zero.
    @inline(__always) private func has(_ word: UInt64) -> UInt64 {
        (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }

    @inline(never) private func quoted(_ text: UnsafeRawBufferPointer, to out: MutableBuffer) {
        out.reserve(text.count * 2 + 2)
        var place = (out.base + out.count).assumingMemoryBound(to: UInt8.self)
        place.pointee = quote
        place += 1
        for byte in text {
            place.pointee = byte
            place += 1
            if byte == quote {
                place.pointee = byte
                place += 1
            }
        }
        place.pointee = quote
        out.count = UnsafeMutableRawPointer(place + 1) - out.base
    }
}
