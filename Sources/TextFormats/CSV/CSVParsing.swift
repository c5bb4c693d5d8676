import CScan
import Columns
import Support

/// Everything that turning a chunk into columns needs to know.
struct CSVPlan: Sendable {
    /// Where a column's type comes from.
    enum Origin: Sendable {
        /// The user, or a reader that has seen all of the data: another value is an error, and numbers may be padded.
        case given
        /// The values so far: another value makes the type wider.
        case inferred
        /// Nowhere: there have been only nulls so far.
        case unknown
    }

    var name: String
    var schema: Schema
    var origins: [Origin]
    var dialect: CSVDialect
    var nullTexts: [String]
    var ragged: CSVOptions.Ragged
    var badRows: BadRows
    var width: Int { schema.fields.count }
}

/// What became of a chunk.
struct CSVParsed: Sendable {
    let chunk: CSVChunk
    var rows: Int
    /// The columns; nil where a value does not fit the type.
    var columns: [Column?]
    /// What the values say about the columns' types.
    var found: [TypeInference]
    /// The first value that does not fit.
    var misfit: SluiceError.Place?
    /// The malformed records, when they are to be left out.
    var bad: [BadRow] = []
}

extension CSVPlan {
    /// How many rows are parsed of one column before the next column's turn, so that their text stays in the cache.
    private static let block = 512

    /// Parses all columns of a chunk.
    func parse(_ chunk: CSVChunk) throws(SluiceError) -> CSVParsed {
        if badRows == .fail { try checkText(chunk) }
        var bad: [BadRow] = []
        var parsed = try withFields(of: chunk, &bad) { (fields, positions) throws(SluiceError) in
            let parsers = schema.fields.indices.map { parser($0, rows: fields.rows) }
            var found = [TypeInference](repeating: TypeInference(), count: width)
            for column in 0..<width where origins[column] == .unknown {
                found[column] = observe(fields, column)
            }
            var row = 0
            while row < fields.rows {
                let end = min(row + CSVPlan.block, fields.rows)
                for parser in parsers { parser.parse(fields, row..<end) }
                row = end
            }
            var result = CSVParsed(chunk: chunk, rows: fields.rows, columns: [], found: [])
            result.columns.reserveCapacity(width)
            for (column, parser) in parsers.enumerated() {
                if let misfit = parser.misfit {
                    let place = place(chunk, column, misfit, fields, positions)
                    if origins[column] == .given { throw misfitError(fields, misfit, column, place) }
                    found[column] = observe(fields, column)
                    result.columns.append(nil)
                    if result.misfit == nil { result.misfit = place }
                } else {
                    let built = parser.finish()
                    if origins[column] == .unknown {
                        let isText = (found[column].type ?? .utf8) == .utf8
                        result.columns.append(isText ? built : nil)
                    } else {
                        found[column] = parser.found
                        result.columns.append(built)
                    }
                }
            }
            result.found = found
            return result
        }
        parsed.bad = bad
        return parsed
    }

    /// Only finds out what the values say about the types of columns that are not text yet.
    func infer(_ chunk: CSVChunk, settled: [Bool]) throws(SluiceError) -> CSVParsed {
        var bad: [BadRow] = []
        return try withFields(of: chunk, &bad) { (fields, _) throws(SluiceError) in
            let found = (0..<width).map { settled[$0] ? TypeInference() : observe(fields, $0) }
            return CSVParsed(
                chunk: chunk, rows: fields.rows, columns: [Column?](repeating: nil, count: width), found: found)
        }
    }

    private func observe(_ fields: CSVFields, _ column: Int) -> TypeInference {
        var found = TypeInference()
        let scratch = MutableBuffer()
        for row in 0..<fields.rows {
            let raw = fields.raw(row, column)
            if fields.isQuoted(raw) {
                found.observe(fields.content(raw, scratch))
            } else if fields.nulls.contains(raw) {
                found.observeNull()
                continue
            } else {
                found.observe(fields.hasEscapes ? fields.content(raw, scratch) : raw)
            }
            if found.isSettled { break }
        }
        return found
    }

    // MARK: Parsers

    private func parser(_ index: Int, rows: Int) -> CSVColumnParser {
        let type = schema.fields[index].type
        let inferred = origins[index] == .inferred
        @inline(__always) func fixed<C: CSVConversion>(_ conversion: C) -> CSVColumnParser {
            CSVFixedParser.make(type, column: index, rows: rows, lenient: !inferred, conversion)
        }
        /// A column of an inferred type that is too rare to deserve a parser of its own: look twice at each value.
        @inline(__always) func observed<C: CSVConversion>(_ conversion: C) -> CSVColumnParser {
            inferred ? fixed(CSVObserved(base: conversion)) : fixed(conversion)
        }
        switch type {
        case .bool: return CSVBoolParser(column: index, rows: rows, lenient: !inferred)
        case .int64 where inferred:
            return CSVFixedParser.make(type, column: index, rows: rows, lenient: false, CSVCanonicalInt64()) {
                // Nulls are zeros here, which widen nothing.
                guard let least = $0.min(), let most = $0.max() else { return }
                $1.observe(least)
                $1.observe(most)
            }
        case .float64 where inferred: return fixed(CSVExactFloat64())
        case .int8: return fixed(CSVInteger<Int8>())
        case .int16: return fixed(CSVInteger<Int16>())
        case .int32: return fixed(CSVInteger<Int32>())
        case .int64: return fixed(CSVInteger<Int64>())
        case .uint8: return fixed(CSVInteger<UInt8>())
        case .uint16: return fixed(CSVInteger<UInt16>())
        case .uint32: return fixed(CSVInteger<UInt32>())
        case .uint64: return observed(CSVInteger<UInt64>())
        case .float16: return fixed(CSVFloat<Float16>())
        case .float32: return fixed(CSVFloat<Float>())
        case .float64: return fixed(CSVFloat<Double>())
        case .decimal(let precision, let scale): return observed(CSVDecimal(precision: precision, scale: scale))
        case .date: return fixed(CSVDate())
        case .time(.second): return fixed(CSVTime<Int32>(.second))
        case .time(.millisecond): return fixed(CSVTime<Int32>(.millisecond))
        case .time(let unit): return fixed(CSVTime<Int64>(unit))
        case .timestamp(let unit, let zone): return fixed(CSVTimestamp(unit, hasZone: zone != nil))
        case .utf8, .json: return CSVTextParser(type, column: index, rows: rows)
        case .binary, .fixedBinary, .uuid, .null, .list, .structure, .map:
            return CSVBytesParser(type, column: index, rows: rows)
        }
    }

    // MARK: Shape

    /// Calls `body` with the chunk's data as a table. Where each row begins in the chunk is given along when the table is not
    /// the chunk itself. Malformed records that are to be left out are added to `bad`.
    private func withFields<R>(
        of chunk: CSVChunk, _ bad: inout [BadRow], _ body: (CSVFields, [Int]?) throws(SluiceError) -> R
    ) throws(SluiceError) -> R {
        defer { withExtendedLifetime(chunk) {} }
        let ends = chunk.ends + chunk.skippedFields
        let count = chunk.fieldCount - chunk.skippedFields
        func fields(_ text: UnsafeRawPointer, _ ends: UnsafePointer<UInt32>, _ rows: Int) -> CSVFields {
            CSVFields(
                text: text, ends: ends, width: width, rows: rows, dialect: dialect, nulls: CSVNulls(nullTexts))
        }
        let isSound = badRows == .fail || (isText(chunk) && !hasBrokenQuotes(chunk))
        if isSound, dialect.comment == nil, isTable(ends, count: count, records: chunk.recordCount) {
            return try body(fields(chunk.text.base, ends, count / width), nil)
        }
        let regular = try regularise(chunk, isSound: isSound, &bad)
        return try regular.ends.withUnsafeBufferPointer { (ends) throws(SluiceError) -> R in
            guard let start = ends.baseAddress else { preconditionFailure("the boundaries begin with one entry") }
            return try body(fields(regular.text.base, start + 1, regular.positions.count), regular.positions)
        }
    }

    /// Whether every record has `width` fields.
    private func isTable(_ ends: UnsafePointer<UInt32>, count: Int, records: Int) -> Bool {
        if count != records &* width { return false }
        // There are as many record ends as records: if they are all where they should be, there are none elsewhere.
        var index = width &- 1
        while index < count {
            if ends[index] & CSVChunk.recordEnd == 0 { return false }
            index &+= width
        }
        return true
    }

    /// A chunk's rows written anew, without comments and empty lines, and with as many fields each as there are columns.
    private func regularise(
        _ chunk: CSVChunk, isSound: Bool, _ bad: inout [BadRow]
    ) throws(SluiceError) -> (text: MutableBuffer, ends: [UInt32], positions: [Int]) {
        let text = MutableBuffer(capacity: chunk.count + CSVChunk.padding)
        var ends: [UInt32] = [0]
        var positions: [Int] = []
        var field = chunk.skippedFields
        var report = CSVBadRecords(chunk, dialect, limit: badRows.rawLimit ?? 0)
        // What a missing field is filled with has to read as null.
        let filler = Array((nullTexts.contains("") ? "" : nullTexts.first ?? "").utf8)
        while field < chunk.fieldCount {
            let first = field
            while chunk.ends[field] & CSVChunk.recordEnd == 0 { field += 1 }
            field += 1
            let start = Int(chunk.ends[first - 1] & ~CSVChunk.recordEnd)
            let record = CSVRecord(chunk, fields: first..<field, dialect)
            if record.isComment || (record.isEmpty && width > 1) { continue }
            if !isSound, let fault = report.fault(of: first..<field) {
                bad.append(report.row(first..<field, reason: fault))
                continue
            }
            if field - first != width, let reason = misshapen(record) {
                if badRows == .fail { throw shapeError(reason, record, chunk, at: start) }
                bad.append(report.row(first..<field, reason: reason))
                continue
            }
            positions.append(start)
            for column in 0..<width {
                if column < field - first {
                    text.append(record.raw(column))
                } else {
                    text.append(filler)
                }
                if column == width - 1, dialect.newline == 10, text.count > 0,
                    text.base.load(fromByteOffset: text.count - 1, as: UInt8.self) == 13
                {
                    // This one belongs to the field: another is what the line end takes away.
                    text.append(13 as UInt8)
                }
                text.append(column == width - 1 ? dialect.newline : dialect.delimiter)
                ends.append(UInt32(text.count) | (column == width - 1 ? CSVChunk.recordEnd : 0))
            }
        }
        text.reserve(CSVChunk.padding)
        return (text, ends, positions)
    }

    /// What is wrong with a record of another width; nil for a short one when those are allowed.
    private func misshapen(_ record: CSVRecord) -> String? {
        let surplus = record.count > width ? (width..<record.count).allSatisfy { record.raw($0).isEmpty } : true
        if ragged == .null, surplus { return nil }
        return "the record has \(record.count) field\(record.count == 1 ? "" : "s") where \(width) were expected"
    }

    private func shapeError(_ reason: String, _ record: CSVRecord, _ chunk: CSVChunk, at start: Int) -> SluiceError {
        SluiceError(
            .invalidData, reason,
            place: .init(
                file: name, offset: chunk.offset + start, line: chunk.line(at: start, newline: dialect.newline)),
            hint: record.count < width
                ? "--ragged null takes the missing fields as null"
                : "the delimiter may be another one, or a field that holds it lacks quotes")
    }

    // MARK: Errors

    private func checkText(_ chunk: CSVChunk) throws(SluiceError) {
        let bytes = UnsafeRawBufferPointer(start: chunk.text.base, count: chunk.count)
        if sluice_is_utf8(chunk.text.base.assumingMemoryBound(to: UInt8.self), chunk.count) == 1 { return }
        let at = firstInvalidUTF8(bytes) ?? 0
        throw SluiceError(
            .invalidData, "the byte 0x\(String(bytes[at], radix: 16)) is not UTF-8",
            place: .init(file: name, offset: chunk.offset + at, line: chunk.line(at: at, newline: dialect.newline)),
            hint: "the file may be in another encoding, such as latin1")
    }

    private func place(
        _ chunk: CSVChunk, _ column: Int, _ row: Int, _ fields: CSVFields, _ positions: [Int]?
    ) -> SluiceError.Place {
        let raw = fields.raw(row, column)
        let at = positions.map { $0[row] } ?? (raw.baseAddress.map { $0 - fields.text } ?? 0)
        return .init(
            file: name, column: schema.fields[column].name, offset: chunk.offset + at,
            line: chunk.line(at: at, newline: dialect.newline))
    }

    private func misfitError(
        _ fields: CSVFields, _ row: Int, _ column: Int, _ place: SluiceError.Place
    ) -> SluiceError {
        let text = fields.raw(row, column)
        let shown = String(decoding: text.prefix(100), as: UTF8.self)
        return SluiceError(
            .conversion,
            "\"\(shown)\(text.count > 100 ? "…" : "")\" is not a value of type \(schema.fields[column].type)",
            place: place)
    }
}

/// Where the first byte that is not UTF-8 is.
func firstInvalidUTF8(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var low = 0
    var high = bytes.count
    guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), sluice_is_utf8(start, high) == 0 else {
        return nil
    }
    // Text up to some place is valid or ends inside a character, so that the longest valid beginning is found by halving.
    while high - low > 8 {
        let middle = low + (high - low) / 2
        let isValid = (0..<4).contains { middle - $0 >= low && sluice_is_utf8(start + low, middle - $0 - low) == 1 }
        if isValid {
            var cut = middle
            while cut > low, sluice_is_utf8(start + low, cut - low) == 0 { cut -= 1 }
            if cut == low { high = middle } else { low = cut }
        } else {
            high = middle
        }
    }
    while low < high {
        let length = (1...4).first { low + $0 <= bytes.count && sluice_is_utf8(start + low, $0) == 1 }
        guard let length else { return low }
        low += length
    }
    return min(low, bytes.count - 1)
}

/// One record of a chunk, for reading headers and odd records.
struct CSVRecord {
    private let chunk: CSVChunk
    private let fields: Range<Int>
    private let view: CSVFields
    private let dialect: CSVDialect

    init(_ chunk: CSVChunk, fields: Range<Int>, _ dialect: CSVDialect) {
        self.chunk = chunk
        self.fields = fields
        self.dialect = dialect
        view = CSVFields(
            text: chunk.text.base, ends: chunk.ends, width: 1, rows: chunk.fieldCount, dialect: dialect,
            nulls: CSVNulls([]))
    }

    var count: Int { fields.count }

    /// A field as it is written.
    func raw(_ column: Int) -> UnsafeRawBufferPointer {
        view.raw(at: fields.lowerBound + column, isLast: column == fields.count - 1)
    }

    /// A field's text.
    func text(_ column: Int) -> String {
        let raw = raw(column)
        let scratch = MutableBuffer()
        let isPlain = !view.isQuoted(raw) && !view.hasEscapes
        return String(decoding: isPlain ? raw : view.content(raw, scratch), as: UTF8.self)
    }

    var isEmpty: Bool { count == 1 && raw(0).isEmpty }

    var isComment: Bool {
        guard let comment = dialect.comment, let first = raw(0).first else { return false }
        return first == comment
    }
}
