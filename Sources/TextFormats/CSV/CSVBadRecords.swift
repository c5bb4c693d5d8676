import CScan
import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Tells what is wrong with records of a chunk, and where they lie.
struct CSVBadRecords {
    private let chunk: CSVChunk
    private let dialect: CSVDialect
    private let view: CSVFields
    private let limit: Int
    // Counting on from the record before, so that many records cost no more than the chunk's length.
    private var position = 0
    private var line: Int

    init(_ chunk: CSVChunk, _ dialect: CSVDialect, limit: Int) {
        self.chunk = chunk
        self.dialect = dialect
        self.limit = limit
        line = chunk.firstLine
        view = CSVFields(
            text: chunk.text.base, ends: chunk.ends, width: 1, rows: chunk.fieldCount, dialect: dialect,
            nulls: CSVNulls([]))
    }

    private var bytes: UnsafePointer<UInt8> { UnsafePointer(chunk.text.base.assumingMemoryBound(to: UInt8.self)) }

    /// A record without its line end.
    private func text(_ fields: Range<Int>) -> (start: Int, count: Int) {
        let start = Int(chunk.ends[fields.lowerBound - 1] & ~CSVChunk.recordEnd)
        var end = Int(chunk.ends[fields.upperBound - 1] & ~CSVChunk.recordEnd) - 1
        if dialect.newline == 10, end > start, bytes[end - 1] == 13 { end -= 1 }
        return (start, max(0, end - start))
    }

    /// The record as it is handed over; records come in their order.
    mutating func row(_ fields: Range<Int>, reason: String) -> BadRow {
        let (start, count) = text(fields)
        line += sluice_count_byte(bytes + position, start - position, dialect.newline)
        position = start
        return BadRow(
            line: line, offset: chunk.offset + start, reason: reason,
            bytes: UnsafeRawBufferPointer(start: bytes + start, count: count), limit: limit)
    }

    /// What is wrong with the text of a record; nil when nothing is.
    func fault(of fields: Range<Int>) -> String? {
        let (start, count) = text(fields)
        if sluice_is_utf8(bytes + start, count) != 1 {
            return "the record is not UTF-8; the file may be in another encoding, such as latin1"
        }
        return fields.contains(where: hasBrokenQuote)
            ? "a quoted field takes in a line end and has text behind its closing quote" : nil
    }

    /// Whether a quoted field goes over a line end and on behind its closing quote.
    func hasBrokenQuote(_ field: Int) -> Bool {
        let raw = view.raw(at: field, isLast: chunk.ends[field] & CSVChunk.recordEnd != 0)
        guard dialect.escape == nil, let quote = dialect.quote, let start = raw.baseAddress, view.isQuoted(raw),
            memchr(start, Int32(dialect.newline), raw.count) != nil
        else { return false }
        var index = 1
        while index < raw.count, let found = memchr(start + index, Int32(quote), raw.count - index) {
            let place = UnsafeRawPointer(found) - start
            if place + 1 == raw.count { return false }
            if raw[place + 1] != quote { return true }
            index = place + 2
        }
        return false
    }
}

extension CSVPlan {
    /// Whether a chunk is UTF-8 throughout.
    func isText(_ chunk: CSVChunk) -> Bool {
        sluice_is_utf8(chunk.text.base.assumingMemoryBound(to: UInt8.self), chunk.count) == 1
    }

    /// Whether some record of the chunk has a quote that was opened by mistake. Costs nothing where no record has several
    /// lines, which the scan has counted.
    func hasBrokenQuotes(_ chunk: CSVChunk) -> Bool {
        if chunk.lineCount == chunk.recordCount, chunk.skippedFields == 0 { return false }
        let records = CSVBadRecords(chunk, dialect, limit: 0)
        return (chunk.skippedFields..<chunk.fieldCount).contains(where: records.hasBrokenQuote)
    }
}
