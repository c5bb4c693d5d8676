import Columns
import Support

/// One column of a batch under construction, fed with SQLite's values, which may be of any kind in any row.
final class ColumnDecoder {
    /// How values get from SQLite to memory.
    enum Kind: UInt8 {
        case boolean, integer, real, decimal, text, json, blob, date, time, timestamp, uuid
    }

    /// What the rows become.
    let field: Field
    /// What they are before the last cast; the same as the field's type in nearly all cases.
    private let type: DataType
    let kind: Kind
    private let precision: Int
    private let scale: Int
    /// 10^scale, and the bound of the digits that a float holds of such a decimal; 0 where it does not.
    private let power: Double
    private let limit: Double
    private let unit: TimeUnit
    private let isZoned: Bool
    private let values = MutableBuffer()
    private let offsets: MutableBuffer?
    private let bits: BitmapBuilder?
    private let validity = ValidityBuilder()
    private let scratch = MutableBuffer()
    /// What the values so far show.
    @exclusivity(unchecked) private(set) var evidence = ColumnEvidence()

    /// A decoder for `field`.
    ///
    /// - parameter isOpen: The first value there is does not fit, whatever it is.
    /// - parameter takesTextAsBytes: A column of bytes takes values of any kind as the bytes of their text.
    init(_ field: Field, isOpen: Bool = false, takesTextAsBytes: Bool = true) {
        self.field = field
        self.takesTextAsBytes = takesTextAsBytes
        var precision = 38
        var scale = 0
        var unit = TimeUnit.microsecond
        var isZoned = false
        var type = field.type
        switch field.type {
        case .null, .utf8: kind = .text
        case .bool: kind = .boolean
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32:
            kind = .integer
            type = .int64
        case .float16, .float32, .float64:
            kind = .real
            type = .float64
        case .uint64:
            kind = .decimal
            type = .decimal(precision: 20, scale: 0)
            precision = 20
        case .decimal(let digits, let places):
            kind = .decimal
            precision = digits
            scale = places
        case .json, .list, .structure, .map:
            kind = .json
            type = .json
        case .binary, .fixedBinary:
            kind = .blob
            type = .binary
        case .date: kind = .date
        case .time(let tick):
            kind = .time
            unit = tick == .nanosecond ? tick : .microsecond
            type = .time(unit)
        case .timestamp(let tick, let zone):
            kind = .timestamp
            unit = tick
            isZoned = zone != nil
        case .uuid: kind = .uuid
        }
        if field.type == .null { type = .utf8 }
        self.type = isOpen ? .utf8 : type
        self.precision = precision
        self.scale = scale
        let isShort = (0...15).contains(scale)
        power = isShort ? Self.powerOfTen(scale) : 1
        limit = isShort ? Self.powerOfTen(min(max(precision, 0), 15)) : 0
        self.unit = unit
        self.isZoned = isZoned
        isNothing = isOpen
        offsets = self.type.layout == .bytes ? MutableBuffer(zeroed: 4) : nil
        bits = self.type.layout == .bits ? BitmapBuilder() : nil
    }

    private static func powerOfTen(_ exponent: Int) -> Double {
        var power = 1.0
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    private let isNothing: Bool
    private let takesTextAsBytes: Bool

    /// How many rows there are.
    var count: Int { validity.count }
    /// How many bytes they have, about.
    var byteCount: Int { values.count }

    // MARK: Filling

    /// Appends a value; false, and nothing appended, when it does not fit.
    @inline(__always) func take(_ cell: SQLiteCell) -> Bool {
        if cell.storage == .null {
            appendNull()
            return true
        }
        switch kind {
        case .integer where cell.storage == .integer:
            values.append(cell.integer)
            evidence.observe(cell.integer)
        case .real where cell.storage == .real: values.append(cell.real)
        case .text where cell.storage == .text && !isNothing:
            values.append(cell.bytes)
            offsets?.append(Int32(truncatingIfNeeded: values.count))
        default: if isNothing || !takeRest(cell) { return false }
        }
        evidence.storages |= cell.storage.rawValue
        validity.appendValid()
        return true
    }

    private func appendNull() {
        if let offsets {
            offsets.append(Int32(truncatingIfNeeded: values.count))
        } else if let bits {
            bits.append(false)
        } else if case .fixed(let width) = type.layout {
            values.append(repeating: 0, count: width)
        }
        validity.appendNull()
    }

    private func takeRest(_ cell: SQLiteCell) -> Bool {
        if kind == .blob, cell.storage != .blob, !takesTextAsBytes { return false }
        switch (kind, cell.storage) {
        case (.boolean, .integer) where cell.integer == 0 || cell.integer == 1:
            bits?.append(cell.integer == 1)
            evidence.observe(cell.integer)
        case (.real, .integer) where cell.integer.magnitude <= 1 << 53:
            values.append(Double(cell.integer))
            evidence.observe(cell.integer)
        case (.real, .text):
            guard cell.bytes.elementsEqual("NaN".utf8) else { return false }
            values.append(Double.nan)
        case (.decimal, _):
            guard let value = decimal(cell) else { return false }
            if cell.storage == .integer { evidence.observe(cell.integer) }
            values.append(value)
        case (.date, .text):
            guard let day = TextParser.date(cell.bytes) else { return false }
            values.append(day)
            evidence.moments.observe(day: day)
        case (.time, .text):
            guard let time = TextParser.time(cell.bytes), let ticks = time.ticks(unit) else { return false }
            values.append(ticks)
            evidence.moments.observe(time.fractionDigits > 6 ? [.time, .nanoseconds] : .time)
        case (.timestamp, .text): return takeTimestamp(cell.bytes)
        case (.uuid, .text):
            values.reserve(16)
            guard TextParser.uuid(cell.bytes, into: values.base + values.count) else { return false }
            values.count += 16
        case (.uuid, .blob) where cell.bytes.count == 16: values.append(cell.bytes)
        case (.text, _):
            appendText(cell)
            offsets?.append(Int32(truncatingIfNeeded: values.count))
        case (.json, .text), (.blob, .blob), (.blob, .text):
            values.append(cell.bytes)
            offsets?.append(Int32(truncatingIfNeeded: values.count))
        case (.json, .integer), (.blob, .integer), (.blob, .real):
            appendText(cell)
            offsets?.append(Int32(truncatingIfNeeded: values.count))
        case (.json, .real) where cell.real.isFinite:
            appendText(cell)
            offsets?.append(Int32(truncatingIfNeeded: values.count))
        default: return false
        }
        return true
    }

    private func takeTimestamp(_ text: UnsafeRawBufferPointer) -> Bool {
        if let literal = TextParser.timestamp(text) {
            guard literal.hasOffset == isZoned, let ticks = literal.ticks(unit) else { return false }
            values.append(ticks)
            evidence.moments.observe(literal.traits)
        } else if !isZoned, let day = TextParser.date(text) {
            let (ticks, overflow) = Int64(day).multipliedReportingOverflow(by: 86_400 * unit.ticksPerSecond)
            if overflow { return false }
            values.append(ticks)
            evidence.moments.observe(day: day)
        } else {
            return false
        }
        return true
    }

    /// A number of any storage with the column's places; nil when it has more, or is none.
    private func decimal(_ cell: SQLiteCell) -> Int128? {
        switch cell.storage {
        case .text: return TextParser.decimal(cell.bytes, precision: precision, scale: scale)
        case .integer:
            scratch.removeAll()
            ValueText.append(cell.integer, to: scratch)
        case .real:
            if let digits = digits(of: cell.real) { return digits }
            if !cell.real.isFinite { return nil }
            scratch.removeAll()
            ValueText.append(cell.real, to: scratch)
        case .null, .blob: return nil
        }
        // The shortest text that reads back as the float is the number that was written into it.
        return scratch.withUnsafeBytes { TextParser.decimal($0, precision: precision, scale: scale) }
    }

    /// The digits of a float that is the nearest one to a decimal of at most fifteen digits, of which there is only one;
    /// nil when that takes a closer look.
    @inline(__always) private func digits(of value: Double) -> Int128? {
        let scaled = (value * power).rounded()
        guard scaled.magnitude < limit, scaled / power == value else { return nil }
        return Int128(Int64(scaled))
    }

    /// A value of any storage as text: bytes as base64.
    private func appendText(_ cell: SQLiteCell) {
        switch cell.storage {
        case .null: break
        case .integer: ValueText.append(cell.integer, to: values)
        case .real: ValueText.append(cell.real, to: values)
        case .text: values.append(cell.bytes)
        case .blob: ValueText.append(base64: cell.bytes, to: values)
        }
    }

    // MARK: Finishing

    /// What became of the rows.
    enum Finished {
        case column(Column)
        /// The first row, from 0, whose text is not what it has to be.
        case misfit(row: Int)
        /// The rows do not become what was asked for.
        case failure(SluiceError)
    }

    /// The rows as a column; the decoder is empty afterwards.
    func finish() -> Finished {
        let rows = count
        if kind == .text || kind == .json, let row = firstInvalidText(rows) {
            evidence.hasBytesAsText = true
            reset()
            return .misfit(row: row)
        }
        let (bitmap, nulls) = validity.finish()
        var column = Column(
            type: kind == .json ? .utf8 : type, count: rows, nullCount: nulls, validity: bitmap,
            values: bits?.freeze() ?? values.freeze(), offsets: offsets?.freeze())
        reset()
        if kind == .json {
            do throws(SluiceError) { column = try column.cast(to: .json) } catch {
                evidence.hasStranger = true
                return .misfit(row: (error.place.row ?? 1) - 1)
            }
        }
        guard column.type != field.type, !isNothing else { return .column(column) }
        do throws(SluiceError) { return .column(try column.cast(to: field.type)) } catch {
            return .failure(error.at(.init(column: field.name)))
        }
    }

    private func reset() {
        _ = validity.finish()
        values.removeAll()
        offsets?.removeAll()
        offsets?.append(0 as Int32)
        _ = bits?.freeze()
    }

    /// The first row whose text is not UTF-8.
    private func firstInvalidText(_ rows: Int) -> Int? {
        guard let offsets, UTF8Check.asciiPrefix(values.base, count: values.count) < values.count else { return nil }
        let invalid = UTF8Check.firstInvalid(values.base, count: values.count) ?? values.count
        let ends = offsets.base.assumingMemoryBound(to: Int32.self)
        for row in 0..<rows {
            let start = Int(ends[row])
            if Int(ends[row + 1]) > invalid { return row }
            // A value that begins inside a character cuts it in two.
            if start < values.count, values.base.load(fromByteOffset: start, as: UInt8.self) & 0xc0 == 0x80 {
                return row
            }
        }
        return nil
    }
}
