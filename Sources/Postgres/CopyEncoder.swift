public import Columns
public import Support

/// Turns batches into the bytes of `COPY … FROM STDIN (FORMAT binary)`.
///
/// A column is written as the server's type wherever that type holds all of the column's values; anything else has to be
/// cast before (`Column.cast`), and is refused here.
public final class CopyEncoder {
    /// The columns of the target, in the order of the batches' columns.
    public let types: [PostgresType]
    private var wroteHeader = false

    /// An encoder for target columns of `types`.
    public init(types: [PostgresType]) { self.types = types }

    /// Whether a column of `type` can be written to a target column of `oid` as it is.
    public static func canWrite(_ type: DataType, as oid: UInt32) -> Bool {
        CopySource.Kind(type, oid: oid) != nil
    }

    /// Appends the rows of `batch` to `out`, with the stream's header before the first.
    public func encode(_ batch: RecordBatch, to out: MutableBuffer) throws(SluiceError) {
        guard batch.columns.count == types.count else {
            throw SluiceError(
                .invalidData, "a batch has \(batch.columns.count) columns, the target has \(types.count)")
        }
        var sources: [CopySource] = []
        for (index, column) in batch.columns.enumerated() {
            guard let kind = CopySource.Kind(column.type, oid: types[index].oid) else {
                throw SluiceError(
                    .conversion, "\(column.type) cannot be written as the server's type \(types[index].oid)",
                    place: .init(column: batch.schema.fields[index].name))
            }
            let source = CopySource(column, kind: kind)
            if let reason = source.misfit() {
                throw SluiceError(.conversion, reason, place: .init(column: batch.schema.fields[index].name))
            }
            sources.append(source)
        }
        writeHeader(to: out)
        // The sources hold addresses into the columns' buffers.
        withExtendedLifetime(batch) {
            sources.withUnsafeBufferPointer { encode($0, rows: batch.rowCount, to: out) }
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

    private func encode(_ sources: UnsafeBufferPointer<CopySource>, rows: Int, to out: MutableBuffer) {
        let count = Int16(sources.count).bigEndian
        // Room for every field of fixed width in a row; text asks for more as it comes.
        let fixedRoom = 2 + sources.count * NumericEncoding.maximumBytes
        for row in 0..<rows {
            out.reserve(fixedRoom)
            out.base.storeBytes(of: count, toByteOffset: out.count, as: Int16.self)
            out.count &+= 2
            for index in 0..<sources.count {
                sources[index].write(row, to: out, roomBehind: fixedRoom)
            }
        }
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

    private let kind: Kind
    private let values: UnsafeRawPointer
    private let offsets: UnsafeRawPointer
    private let validity: UnsafeRawPointer?
    private let offset: Int
    private let count: Int
    /// A decimal's scale, a fixed length, or how a unit of time becomes microseconds.
    private let parameter: Int
    /// Divides instead of multiplying by `parameter`.
    private let divides: Bool

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
        if case .time(let unit) = column.type, unit == .second || unit == .millisecond {
            narrowTime = true
        } else {
            narrowTime = false
        }
        self.parameter = parameter
        self.divides = divides
    }

    /// Whether a time is stored in 32 bits.
    private let narrowTime: Bool

    @inline(__always) private func load<T: BitwiseCopyable>(_ row: Int, _: T.Type) -> T {
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

    /// Why a moment cannot be written, if there is one: the server's days, times and timestamps have limits, and
    /// microseconds. Looked for before anything is written, so that writing itself has nothing to check.
    func misfit() -> String? {
        // From 4714-11-24 BC, in days and microseconds from 2000-01-01; the upper limits are the server's as well.
        switch kind {
        case .date:
            return firstMisfit { row in
                let days = Int64(load(row, Int32.self)) - 10_957
                return (-2_451_545..<2_145_031_949).contains(days) ? nil : "a day lies outside what the server holds"
            }
        case .time:
            return firstMisfit { row in
                let ticks = narrowTime ? Int64(load(row, Int32.self)) : load(row, Int64.self)
                if divides, ticks % 1000 != 0 { return "nanoseconds do not fit the server's microseconds" }
                let (micros, overflow) = microseconds(ticks)
                return !overflow && (0...86_400_000_000).contains(micros)
                    ? nil : "a time lies outside of the day, which the server does not hold"
            }
        case .timestamp:
            return firstMisfit { row in
                let ticks = load(row, Int64.self)
                if divides, ticks % 1000 != 0 { return "nanoseconds do not fit the server's microseconds" }
                let (micros, overflow) = microseconds(ticks)
                let (moved, beyond) = micros.subtractingReportingOverflow(946_684_800_000_000)
                let held: Range<Int64> = -211_813_488_000_000_000..<9_223_371_331_200_000_000
                return !overflow && !beyond && held.contains(moved)
                    ? nil : "a moment lies outside what the server holds"
            }
        default: return nil
        }
    }

    private func microseconds(_ ticks: Int64) -> (value: Int64, overflow: Bool) {
        if divides { return (ticks / 1000, false) }
        let (value, overflow) = ticks.multipliedReportingOverflow(by: Int64(parameter))
        return (value, overflow)
    }

    @inline(__always) private func firstMisfit(_ reason: (Int) -> String?) -> String? {
        for row in 0..<count {
            if let validity {
                let bit = offset &+ row
                let byte = validity.load(fromByteOffset: bit >> 3, as: UInt8.self)
                if byte & (1 << UInt8(truncatingIfNeeded: bit & 7)) == 0 { continue }
            }
            if let reason = reason(row) { return reason }
        }
        return nil
    }
}
