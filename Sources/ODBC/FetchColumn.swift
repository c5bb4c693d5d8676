import CODBC
import Columns
import Glibc
import Support

/// One column of a block of rows, as the driver fills it, and of the batch that grows out of the blocks.
///
/// The driver writes a block's values side by side into memory of ours. Each block is then added to the batch in one pass,
/// without anything being allocated for a row.
final class FetchColumn {
    /// Why a value of a row cannot be what its column is.
    struct Misfit: Sendable {
        let row: Int
        let raw: String
    }

    let column: ODBCColumn
    let kind: ODBCType
    let place: SQLUSMALLINT
    /// Whether the driver fills memory of ours; else each value is asked for.
    let isBound: Bool
    /// How many bytes each row of a block has room for.
    private(set) var width: Int
    /// The rows, by their number in the batch, whose value does not fit; they are null there.
    private(set) var misfits: [Misfit] = []
    /// How many bytes of the batch are this column's.
    private(set) var byteCount = 0

    private(set) var cells: UnsafeMutableRawPointer
    private(set) var lengths: UnsafeMutablePointer<SQLLEN>
    private var room = 0
    private var rows = 0
    private let values: MutableBuffer
    private let offsets: MutableBuffer?
    private var validity: MutableBuffer?
    private var nullCount = 0
    private let capacity: Int
    /// Whether values had no room in the last block, so that the next one should have more.
    private var needed = 0

    init(_ column: ODBCColumn, _ kind: ODBCType, place: Int, isBound: Bool, width: Int, capacity: Int) {
        self.column = column
        self.kind = kind
        self.place = SQLUSMALLINT(truncatingIfNeeded: place)
        self.isBound = isBound
        self.width = width
        self.capacity = capacity
        cells = .allocate(byteCount: 16, alignment: 16)
        lengths = .allocate(capacity: 1)
        switch kind.type.layout {
        case .fixed(let size): (values, offsets) = (MutableBuffer(capacity: capacity * size), nil)
        case .bits: (values, offsets) = (MutableBuffer(zeroed: (capacity + 7) / 8), nil)
        default:
            values = MutableBuffer(capacity: 1024)
            let starts = MutableBuffer(capacity: (capacity + 1) * 4)
            starts.append(Int32(0))
            offsets = starts
        }
    }

    deinit {
        cells.deallocate()
        lengths.deallocate()
    }

    /// Makes room for blocks of `rows` rows and tells the driver of it.
    func bind(to statement: SQLHANDLE, rows: Int) -> SQLRETURN {
        guard isBound else { return SQLRETURN(SQL_SUCCESS) }
        if rows * width > room || room == 0 {
            cells.deallocate()
            lengths.deallocate()
            room = rows * width
            cells = .allocate(byteCount: max(16, room), alignment: 16)
            memset(cells, 0, max(16, room))
            lengths = .allocate(capacity: rows)
        }
        return odbcBindCol(statement, place, SQLSMALLINT(kind.cType), cells, SQLLEN(width), lengths)
    }

    /// Gives values that grew their room in the next block; whether anything changed.
    func widen(upTo limit: Int) -> Bool {
        guard needed > width, width < limit else { return false }
        width = min(limit, needed + needed / 4 + 2)
        needed = 0
        return true
    }

    // MARK: Adding a block

    /// Adds the block's `count` rows to the batch.
    ///
    /// - parameter again: Gets the value of a row that had no room, as bytes.
    func add(_ count: Int, again: (Int) throws(SluiceError) -> [UInt8]?) throws(SluiceError) {
        let before = rows
        rows += count
        var nulls = false
        for row in 0..<count where lengths[row] == SQLLEN(SQL_NULL_DATA) {
            nulls = true
            break
        }
        if nulls { markNulls(before, count) } else { extendValidity(to: rows) }
        switch kind.form {
        case .fixed(let size):
            memcpy(values.base + before * size, cells, count * size)
            values.count = rows * size
        case .bit: addBits(before, count)
        case .text, .bytes: try addBytes(before, count, again)
        default: try addParsed(before, count)
        }
        if case .fixed(let size) = kind.type.layout { byteCount += count * size } else { byteCount += count / 8 }
    }

    /// Adds one text or run of bytes that was asked for by itself; nil for null.
    func addOne(_ bytes: [UInt8]?) throws(SluiceError) {
        let before = rows
        rows += 1
        if bytes == nil {
            lengths[0] = SQLLEN(SQL_NULL_DATA)
            markNulls(before, 1)
        } else {
            extendValidity(to: rows)
        }
        if let bytes {
            try append(bytes, row: before)
        }
        offsets?.append(Int32(truncatingIfNeeded: values.count))
        byteCount += bytes?.count ?? 0
    }

    /// Asks for the value of the current row, whose room is known, and adds it.
    func getOne(_ statement: SQLHANDLE, _ server: String) throws(SluiceError) {
        if room < width {
            cells.deallocate()
            room = max(16, width)
            cells = .allocate(byteCount: room, alignment: 16)
        }
        memset(cells, 0, width)
        let code = odbcGetData(statement, place, SQLSMALLINT(kind.cType), cells, SQLLEN(width), lengths)
        guard ODBCEnvironment.isGood(code) else {
            throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: server)
        }
        try add(1) { (_) throws(SluiceError) in
            throw SluiceError(
                .invalidData, "the driver says that a value has at most \(column.size) characters, and one has more",
                place: .init(file: server), hint: "cast the column to what it may hold in a query")
        }
    }

    private func markNulls(_ before: Int, _ count: Int) {
        let bits = startValidity(before)
        extend(bits, to: before + count)
        for row in 0..<count where lengths[row] == SQLLEN(SQL_NULL_DATA) { clear(bits, before + row) }
    }

    private func startValidity(_ before: Int) -> MutableBuffer {
        if let validity { return validity }
        let bits = MutableBuffer(zeroed: (max(capacity, rows) + 7) / 8 + 8)
        memset(bits.base, 0xff, bits.count)
        validity = bits
        return bits
    }

    private func extend(_ bits: MutableBuffer, to rows: Int) {
        let wanted = (rows + 7) / 8
        if bits.count < wanted { bits.append(repeating: 0xff, count: wanted - bits.count) }
    }

    private func extendValidity(to rows: Int) { if let validity { extend(validity, to: rows) } }

    private func clear(_ bits: MutableBuffer, _ row: Int) {
        let place = bits.base.assumingMemoryBound(to: UInt8.self) + (row >> 3)
        place.pointee &= ~(1 << UInt8(row & 7))
        nullCount += 1
    }

    private func misfit(_ row: Int, _ raw: String) {
        misfits.append(Misfit(row: row, raw: raw))
        let bits = startValidity(row)
        extend(bits, to: max(rows, row + 1))
        clear(bits, row)
    }

    private func addBits(_ before: Int, _ count: Int) {
        let bytes = cells.assumingMemoryBound(to: UInt8.self)
        let wanted = (before + count + 7) / 8
        if values.count < wanted { values.append(repeating: 0, count: wanted - values.count) }
        let out = values.base.assumingMemoryBound(to: UInt8.self)
        for row in 0..<count where bytes[row] != 0 && lengths[row] != SQLLEN(SQL_NULL_DATA) {
            out[(before &+ row) >> 3] |= 1 << UInt8(truncatingIfNeeded: (before &+ row) & 7)
        }
    }

    private func addBytes(
        _ before: Int, _ count: Int, _ again: (Int) throws(SluiceError) -> [UInt8]?
    ) throws(SluiceError) {
        guard let offsets else { return }
        let start = values.count
        let isText = kind.form == .text
        // What fits leaves room for the zero behind text.
        let most = isText ? width &- 2 : width
        for row in 0..<count {
            let length = Int(lengths[row])
            if length >= 0, length <= most {
                if isText {
                    values.reserve((length >> 1) &* 3)
                    let text = (cells + row &* width).assumingMemoryBound(to: UInt16.self)
                    let written = sluice_utf16_to_utf8(
                        text, Int64(length >> 1), (values.base + values.count).assumingMemoryBound(to: UInt8.self))
                    if written < 0 {
                        misfitOfText(before + row, UnsafeRawBufferPointer(start: text, count: length))
                    } else {
                        values.count &+= Int(written)
                    }
                } else {
                    values.append(UnsafeRawBufferPointer(start: cells + row &* width, count: length))
                }
            } else if length != SQL_NULL_DATA {
                needed = max(needed, length)
                if let bytes = try again(row) {
                    try append(bytes, row: before + row)
                }
            }
            offsets.append(Int32(truncatingIfNeeded: values.count))
        }
        guard values.count <= Int(Int32.max) else {
            throw SluiceError(
                .limitExceeded, "the values of a batch have more than 2 GiB", place: .init(column: column.name))
        }
        byteCount += values.count - start
    }

    private func append(_ bytes: [UInt8], row: Int) throws(SluiceError) {
        guard values.count + bytes.count * 2 <= Int(Int32.max) else {
            throw SluiceError(
                .limitExceeded, "the values of a batch have more than 2 GiB", place: .init(column: column.name))
        }
        bytes.withUnsafeBytes { raw in
            guard kind.form == .text else { return values.append(raw) }
            guard let start = raw.baseAddress else { return }
            values.reserve(raw.count / 2 * 3)
            let written = sluice_utf16_to_utf8(
                start.assumingMemoryBound(to: UInt16.self), Int64(raw.count / 2),
                (values.base + values.count).assumingMemoryBound(to: UInt8.self))
            if written < 0 { misfitOfText(row, raw) } else { values.count += Int(written) }
        }
    }

    private func misfitOfText(_ row: Int, _ raw: UnsafeRawBufferPointer) {
        misfit(row, String(decoding: raw.prefix(400).bindMemory(to: UInt16.self), as: UTF16.self))
    }

    // MARK: Values that are parsed

    private func addParsed(_ before: Int, _ count: Int) throws(SluiceError) {
        guard case .fixed(let size) = kind.type.layout else { return }
        let out = values.base + before * size
        let isWritten = kind.cType == SQL_C_CHAR
        for row in 0..<count {
            let length = Int(lengths[row])
            if length == SQL_NULL_DATA {
                memset(out + row * size, 0, size)
                continue
            }
            let cell = UnsafeRawPointer(cells + row &* width)
            let isWhole = length >= 0 && (!isWritten || length < width)
            if !isWhole || !FetchParsing.store(cell, length, kind, out + row &* size) {
                memset(out + row * size, 0, size)
                misfit(before + row, FetchParsing.shown(cell, min(max(0, length), width - 1), kind))
            }
        }
        values.count = rows * size
    }

    // MARK: The batch

    /// The column of the batch, which is then empty again.
    func take() -> Column {
        defer {
            rows = 0
            nullCount = 0
            byteCount = 0
            misfits = []
            validity = nil
        }
        var bits: Buffer?
        if nullCount > 0, let validity {
            validity.count = (rows + 7) / 8
            bits = validity.freeze()
        }
        let column: Column
        switch kind.type.layout {
        case .bytes:
            column = Column(
                type: kind.type, count: rows, nullCount: nullCount, validity: bits, values: values.freeze(),
                offsets: offsets?.freeze())
            offsets?.reserve((capacity + 1) * 4)
            offsets?.append(Int32(0))
        case .fixed(let size):
            values.count = rows * size
            column = Column(type: kind.type, count: rows, nullCount: nullCount, validity: bits, values: values.freeze())
            values.reserve(capacity * size)
        default:
            column = Column(type: kind.type, count: rows, nullCount: nullCount, validity: bits, values: values.freeze())
            values.append(repeating: 0, count: (capacity + 7) / 8)
        }
        return column
    }
}
