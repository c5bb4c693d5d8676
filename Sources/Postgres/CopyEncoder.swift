public import Columns
public import Support

/// Turns batches into the bytes of `COPY … FROM STDIN (FORMAT binary)`.
///
/// A column is written as the server's type wherever that type holds all of the column's values; anything else has to be
/// cast before (`Column.cast`), and is refused here.
public final class CopyEncoder {
    /// The columns of the target, in the order of the batches' columns.
    public let types: [PostgresType]
    /// What stands behind the columns of each row.
    private let constants: CopyConstants
    private var wroteHeader = false
    private var nextNumber: Int64?

    /// An encoder for target columns of `types`, and behind them, when it is asked for, a bigint that counts the rows
    /// from `firstNumber`, and then `constants`.
    public init(types: [PostgresType], numberingFrom firstNumber: Int64? = nil, constants: CopyConstants = .init()) {
        self.types = types
        self.constants = constants
        nextNumber = firstNumber
    }

    /// The number that the next row gets, when rows are numbered.
    public var number: Int64? { nextNumber }

    /// Whether a column of `type` can be written to a target column of `oid` as it is.
    public static func canWrite(_ type: DataType, as oid: UInt32) -> Bool {
        CopySource.Kind(type, oid: oid) != nil
    }

    /// Appends the rows of `batch` to `out`, with the stream's header before the first.
    public func encode(_ batch: RecordBatch, to out: MutableBuffer) throws(SluiceError) {
        encode(try check(batch), rows: 0..<batch.rowCount, to: out)
    }

    /// A batch of which every value is known to be one that the server holds, so that writing it cannot fail.
    public struct Checked {
        let batch: RecordBatch
        let sources: [CopySource]
    }

    /// Looks at all values of `batch` before any of them is written.
    ///
    /// - throws: A `conversion` error that names the column of a value that the server does not hold.
    public func check(_ batch: RecordBatch) throws(SluiceError) -> Checked {
        guard batch.columns.count == types.count else {
            throw SluiceError(
                .invalidData, "a batch has \(batch.columns.count) columns, the target has \(types.count)")
        }
        var sources: [CopySource] = []
        for (index, column) in batch.columns.enumerated() {
            guard let kind = CopySource.Kind(column.type, oid: types[index].oid) else {
                throw SluiceError(
                    .invalidConfiguration, "\(column.type) cannot be written as the server's type \(types[index].oid)",
                    place: .init(column: batch.schema.fields[index].name))
            }
            let source = CopySource(column, kind: kind)
            if let reason = source.misfit() {
                throw SluiceError(.conversion, reason, place: .init(column: batch.schema.fields[index].name))
            }
            sources.append(source)
        }
        return Checked(batch: batch, sources: sources)
    }

    /// Appends some rows of a batch that has been checked.
    public func encode(_ checked: Checked, rows: Range<Int>, to out: MutableBuffer) {
        writeHeader(to: out)
        // The sources hold addresses into the columns' buffers.
        withExtendedLifetime(checked.batch) {
            checked.sources.withUnsafeBufferPointer { encode($0, rows: rows, to: out) }
        }
    }

    /// Appends what ends the stream.
    public func finish(to out: MutableBuffer) {
        writeHeader(to: out)
        out.append(Int16(-1))
    }

    private func writeHeader(to out: MutableBuffer) {
        guard !wroteHeader else { return }
        out.append(Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0x00] + [UInt8](repeating: 0, count: 8))
        wroteHeader = true
    }

    private func encode(_ sources: UnsafeBufferPointer<CopySource>, rows: Range<Int>, to out: MutableBuffer) {
        let numbered = nextNumber != nil
        let count = Int16(sources.count + constants.count + (numbered ? 1 : 0)).bigEndian
        // Room for every field of fixed width in a row; text asks for more as it comes.
        let fixedRoom = 2 + sources.count * NumericEncoding.maximumBytes + constants.bytes.count + 12
        var number = nextNumber ?? 0
        constants.bytes.withUnsafeBytes { tail in
            for row in rows {
                out.reserve(fixedRoom)
                out.base.storeBytes(of: count, toByteOffset: out.count, as: Int16.self)
                out.count &+= 2
                for index in 0..<sources.count {
                    sources[index].write(row, to: out, roomBehind: fixedRoom)
                }
                if numbered {
                    out.base.storeBytes(of: Int32(8).bigEndian, toByteOffset: out.count, as: Int32.self)
                    out.base.storeBytes(of: number.bigEndian, toByteOffset: out.count &+ 4, as: Int64.self)
                    out.count &+= 12
                    number &+= 1
                }
                if let start = tail.baseAddress {
                    (out.base + out.count).copyMemory(from: start, byteCount: tail.count)
                    out.count &+= tail.count
                }
            }
        }
        if numbered { nextNumber = number }
    }
}

/// Fields that are the same in every row of a COPY, encoded once.
public struct CopyConstants: Sendable {
    /// How many fields there are.
    public private(set) var count = 0
    var bytes: [UInt8] = []

    /// No fields.
    public init() {}

    /// A field of these bytes, in the form in which the server's type is sent.
    public mutating func append(_ value: [UInt8]) {
        count += 1
        withUnsafeBytes(of: Int32(value.count).bigEndian) { bytes += $0 }
        bytes += value
    }

    /// A text.
    public mutating func append(_ text: String) { append(Array(text.utf8)) }

    /// A moment of a timestamp or timestamptz, in microseconds since 1970.
    public mutating func append(microseconds: Int64) {
        let moment = microseconds.subtractingReportingOverflow(946_684_800_000_000).partialValue
        append(withUnsafeBytes(of: moment.bigEndian) { Array($0) })
    }
}

/// A column about to be written: its kind, and the addresses of its memory.
struct CopySource {
    /// How a value gets from memory to the wire.
    enum Kind: UInt8 {
        case null, bit, int8as2, uint8as2, int16, int32, int64, int16as4, uint16as4, int32as8, uint32as8, uint32
        case float32, float64, float32as8, int64asNumeric, uint64asNumeric, decimal, bytes, jsonb, fixedBytes, uuid
        case date, time, timestamp

        init?(_ type: DataType, oid: UInt32) {
            typealias OID = PostgresType.OID
            switch (type, oid) {
            case (.null, _): self = .null
            case (.bool, OID.bool): self = .bit
            case (.int8, OID.int2): self = .int8as2
            case (.uint8, OID.int2): self = .uint8as2
            case (.int16, OID.int2): self = .int16
            case (.int16, OID.int4): self = .int16as4
            case (.uint16, OID.int4): self = .uint16as4
            case (.int32, OID.int4): self = .int32
            case (.int32, OID.int8): self = .int32as8
            case (.uint32, OID.int8): self = .uint32as8
            case (.uint32, OID.oid): self = .uint32
            case (.int64, OID.int8): self = .int64
            case (.int64, OID.numeric): self = .int64asNumeric
            case (.uint64, OID.numeric): self = .uint64asNumeric
            case (.decimal(_, let scale), OID.numeric) where scale >= 0: self = .decimal
            case (.float32, OID.float4): self = .float32
            case (.float32, OID.float8): self = .float32as8
            case (.float64, OID.float8): self = .float64
            case (.utf8, OID.text), (.utf8, OID.varchar), (.utf8, OID.bpchar), (.json, OID.text), (.json, OID.json),
                (.binary, OID.bytea):
                self = .bytes
            case (.json, OID.jsonb): self = .jsonb
            case (.fixedBinary, OID.bytea): self = .fixedBytes
            case (.uuid, OID.uuid): self = .uuid
            case (.date, OID.date): self = .date
            case (.time, OID.time): self = .time
            case (.timestamp(_, nil), OID.timestamp), (.timestamp(_, .some), OID.timestamptz): self = .timestamp
            default: return nil
            }
        }
    }

    let kind: Kind
    let values: UnsafeRawPointer
    let offsets: UnsafeRawPointer
    let validity: UnsafeRawPointer?
    let offset: Int
    let count: Int
    /// A decimal's scale, a fixed length, or how a unit of time becomes microseconds.
    let parameter: Int
    /// Divides instead of multiplying by `parameter`.
    let divides: Bool

    init(_ column: Column, kind: Kind) {
        self.kind = kind
        offset = column.offset
        count = column.count
        values = (column.values ?? .empty).unsafeStart
        offsets = (column.offsets ?? .empty).unsafeStart
        validity = column.validity?.unsafeStart
        var parameter = 1
        var divides = false
        switch column.type {
        case .decimal(_, let scale): parameter = scale
        case .fixedBinary(let width): parameter = width
        case .time(let unit), .timestamp(let unit, _):
            divides = unit == .nanosecond
            parameter = divides ? 1000 : Int(1_000_000 / unit.ticksPerSecond)
        default: break
        }
        holdsText = column.type == .utf8 || column.type == .json
        if case .time(let unit) = column.type, unit == .second || unit == .millisecond {
            narrowTime = true
        } else {
            narrowTime = false
        }
        self.parameter = parameter
        self.divides = divides
    }

    /// Whether a time is stored in 32 bits.
    let narrowTime: Bool
    /// Whether the bytes are text, of which the server knows more than bytes.
    let holdsText: Bool

    @inline(__always) func load<T: BitwiseCopyable>(_ row: Int, _: T.Type) -> T {
        values.loadUnaligned(fromByteOffset: (offset &+ row) &* MemoryLayout<T>.size, as: T.self)
    }

    /// Appends one field; `out` has room for `roomBehind` bytes, and has again afterwards.
    @inline(__always) func write(_ row: Int, to out: MutableBuffer, roomBehind: Int) {
        if let validity {
            let bit = offset &+ row
            if validity.load(fromByteOffset: bit >> 3, as: UInt8.self) & (1 << UInt8(truncatingIfNeeded: bit & 7)) == 0
            {
                return put(Int32(-1), out)
            }
        }
        switch kind {
        case .null: put(Int32(-1), out)
        case .bit:
            let bit = offset &+ row
            let byte = values.load(fromByteOffset: bit >> 3, as: UInt8.self)
            put(Int32(1), out)
            put((byte >> UInt8(truncatingIfNeeded: bit & 7)) & 1, out)
        case .int8as2: field(Int16(load(row, Int8.self)), out)
        case .uint8as2: field(Int16(load(row, UInt8.self)), out)
        case .int16: field(load(row, Int16.self), out)
        case .int16as4: field(Int32(load(row, Int16.self)), out)
        case .uint16as4: field(Int32(load(row, UInt16.self)), out)
        case .int32: field(load(row, Int32.self), out)
        case .int32as8: field(Int64(load(row, Int32.self)), out)
        case .uint32as8: field(Int64(load(row, UInt32.self)), out)
        case .uint32: field(load(row, UInt32.self), out)
        case .int64: field(load(row, Int64.self), out)
        case .float32: field(load(row, UInt32.self), out)
        case .float64: field(load(row, UInt64.self), out)
        case .float32as8: field(Double(load(row, Float.self)).bitPattern, out)
        case .int64asNumeric: numeric(Int128(load(row, Int64.self)), scale: 0, out)
        case .uint64asNumeric: numeric(Int128(load(row, UInt64.self)), scale: 0, out)
        case .decimal: numeric(load(row, Int128.self), scale: parameter, out)
        case .bytes: text(row, prefix: nil, out, roomBehind)
        case .jsonb: text(row, prefix: 1, out, roomBehind)
        case .fixedBytes: fixed(row, width: parameter, out, roomBehind)
        case .uuid: fixed(row, width: 16, out, roomBehind)
        case .date: field(load(row, Int32.self) &- 10_957, out)
        case .time:
            let ticks = narrowTime ? Int64(load(row, Int32.self)) : load(row, Int64.self)
            field(divides ? ticks / 1000 : ticks &* Int64(parameter), out)
        case .timestamp:
            let ticks = load(row, Int64.self)
            let micros = divides ? ticks / 1000 : ticks &* Int64(parameter)
            field(micros &- 946_684_800_000_000, out)
        }
    }

    @inline(__always) private func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ out: MutableBuffer) {
        out.base.storeBytes(of: value.bigEndian, toByteOffset: out.count, as: T.self)
        out.count &+= MemoryLayout<T>.size
    }

    @inline(__always) private func field<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ out: MutableBuffer) {
        put(Int32(MemoryLayout<T>.size), out)
        put(value, out)
    }

    private func numeric(_ value: Int128, scale: Int, _ out: MutableBuffer) {
        out.count += NumericEncoding.write(value, scale: scale, to: out.base + out.count)
    }

    @inline(__always) private func text(_ row: Int, prefix: UInt8?, _ out: MutableBuffer, _ roomBehind: Int) {
        let start = Int(offsets.loadUnaligned(fromByteOffset: (offset &+ row) &* 4, as: Int32.self))
        let end = Int(offsets.loadUnaligned(fromByteOffset: (offset &+ row &+ 1) &* 4, as: Int32.self))
        let extra = prefix == nil ? 0 : 1
        out.reserve(end &- start &+ 8 &+ roomBehind)
        put(Int32(truncatingIfNeeded: end &- start &+ extra), out)
        if let prefix { put(prefix, out) }
        (out.base + out.count).copyMemory(from: values + start, byteCount: end &- start)
        out.count &+= end &- start
    }

    @inline(__always) private func fixed(_ row: Int, width: Int, _ out: MutableBuffer, _ roomBehind: Int) {
        out.reserve(width &+ 8 &+ roomBehind)
        put(Int32(truncatingIfNeeded: width), out)
        (out.base + out.count).copyMemory(from: values + (offset &+ row) &* width, byteCount: width)
        out.count &+= width
    }
}
