import CODBC
import Columns
import Glibc
import Support

/// The values of one column of a batch as drivers take them: side by side, with nulls told apart.
///
/// All that a server would refuse for its type is refused here, before anything is sent.
final class BulkCells {
    let type: ODBCBulkType
    let rows: Int
    /// How many bytes a value has; 0 for those that differ.
    let width: Int
    /// The values.
    let cells: MutableBuffer
    /// Where each row's value begins, and the last one ends, as `Int64`.
    let starts: MutableBuffer?
    /// A byte a row, 1 where there is no value.
    let nulls: MutableBuffer?
    /// The most bytes of a value.
    private(set) var longest: Int

    /// - throws: `conversion`, naming the row from 1, for a value that the type does not hold.
    init(_ column: Column, _ type: ODBCBulkType) throws(SluiceError) {
        self.type = type
        rows = column.count
        width = type.copied.width
        longest = width
        if column.nullCount > 0 {
            let marks = MutableBuffer(zeroed: max(1, column.count))
            let place = marks.base.assumingMemoryBound(to: UInt8.self)
            for row in 0..<column.count where column.isNull(at: row) { place[row] = 1 }
            nulls = marks
        } else {
            nulls = nil
        }
        if width == 0 {
            starts = MutableBuffer(capacity: (rows + 1) * 8)
            cells = MutableBuffer(capacity: 64)
        } else {
            starts = nil
            cells = MutableBuffer(zeroed: rows * width)
        }
        guard type.takes(column.type) else {
            throw SluiceError(.unsupported, "values of type \(column.type) are not sent as \(type)")
        }
        guard rows > 0 else {
            starts?.append(Int64(0))
            return
        }
        // What lies under nulls may be anything, or nothing.
        if column.values == nil || column.nullCount == column.count {
            starts?.append(repeating: 0, count: (rows + 1) * 8)
            return
        }
        switch type {
        case .bit:
            let out = cells.base.assumingMemoryBound(to: UInt8.self)
            for row in 0..<rows where column.bit(at: row) { out[row] = 1 }
        case .tinyint, .smallint, .int, .bigint, .uuid: copy(column)
        case .real, .float: try copyFloats(column)
        case .decimal(let precision, let scale): try decimals(column, precision, scale)
        case .text(let limit): try texts(column, limit)
        case .bytes: packed(column)
        case .date: try dates(column)
        case .time, .wallClock, .moment: try times(column)
        }
    }

    @inline(__always) private func isNull(_ row: Int) -> Bool {
        guard let nulls else { return false }
        return nulls.base.assumingMemoryBound(to: UInt8.self)[row] != 0
    }

    private func refuse(_ row: Int, _ reason: String, _ hint: String) -> SluiceError {
        SluiceError(.conversion, reason, place: .init(row: row + 1), hint: hint)
    }

    // MARK: Numbers and identifiers

    private func copy(_ column: Column) {
        guard let values = column.values else { return }
        values.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            memcpy(cells.base, start + column.offset * width, rows * width)
        }
        guard type == .uuid else { return }
        // The first three parts are numbers of the machine to a driver.
        for row in 0..<rows {
            let cell = cells.base + row &* 16
            cell.storeBytes(of: cell.loadUnaligned(as: UInt32.self).byteSwapped, as: UInt32.self)
            for place in [4, 6] {
                let part = cell.loadUnaligned(fromByteOffset: place, as: UInt16.self).byteSwapped
                cell.storeBytes(of: part, toByteOffset: place, as: UInt16.self)
            }
        }
    }

    private func copyFloats(_ column: Column) throws(SluiceError) {
        copy(column)
        for row in 0..<rows {
            let isFinite =
                type == .real
                ? (cells.base + row &* 4).loadUnaligned(as: Float.self).isFinite
                : (cells.base + row &* 8).loadUnaligned(as: Double.self).isFinite
            if isFinite { continue }
            guard isNull(row) else {
                throw refuse(
                    row, "SQL Server has no infinity and no NaN",
                    "Make it null in the query that reads it, or declare "
                        + "the column as utf8")
            }
            memset(cells.base + row * width, 0, width)
        }
    }

    private func decimals(_ column: Column, _ precision: Int, _ scale: Int) throws(SluiceError) {
        try column.withValues(as: Int128.self) { (values) throws(SluiceError) in
            for row in 0..<rows where !isNull(row) {
                let cell = cells.base + row &* 19
                let value = values[row]
                cell.storeBytes(of: UInt8(truncatingIfNeeded: precision), as: UInt8.self)
                cell.storeBytes(of: Int8(truncatingIfNeeded: scale), toByteOffset: 1, as: Int8.self)
                cell.storeBytes(of: value < 0 ? 0 : 1, toByteOffset: 2, as: UInt8.self)
                withUnsafeBytes(of: value.magnitude.littleEndian) { bytes in
                    if let start = bytes.baseAddress { memcpy(cell + 3, start, 16) }
                }
            }
        }
    }

    // MARK: Text and bytes

    private func texts(_ column: Column, _ limit: Int?) throws(SluiceError) {
        guard let starts else { return }
        var used = 0
        try column.withBytes { (offsets, bytes) throws(SluiceError) in
            cells.reserve(max(2, Int(offsets[rows] - offsets[0]) * 2))
            starts.append(Int64(0))
            let out = cells.base
            guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                starts.append(repeating: 0, count: rows * 8)
                return
            }
            for row in 0..<rows {
                if !isNull(row) {
                    let start = Int(offsets[row])
                    let count = Int(offsets[row &+ 1]) &- start
                    let units = Int(
                        sluice_utf8_to_utf16(
                            base + start, Int64(count), (out + used).assumingMemoryBound(to: UInt16.self)))
                    if let limit, units > limit {
                        throw refuse(
                            row, "a text has \(units) characters, the column takes \(limit)",
                            "Widen the column in the database, or shorten the text in the query that reads it")
                    }
                    longest = max(longest, units &* 2)
                    used &+= units &* 2
                }
                starts.append(Int64(used))
            }
        }
        cells.count = used
    }

    private func packed(_ column: Column) {
        guard let starts else { return }
        starts.append(Int64(0))
        column.withBytes { offsets, bytes in
            for row in 0..<rows {
                if !isNull(row) {
                    let range = Int(offsets[row])..<Int(offsets[row &+ 1])
                    cells.append(UnsafeRawBufferPointer(rebasing: bytes[range]))
                    longest = max(longest, range.count)
                }
                starts.append(Int64(cells.count))
            }
        }
    }

    // MARK: Days and times

    /// The first and the last day that the server knows, since 1970: the years 1 to 9999.
    private static let days: ClosedRange<Int64> = -719_162...2_932_896

    private func dates(_ column: Column) throws(SluiceError) {
        try column.withValues(as: Int32.self) { (values) throws(SluiceError) in
            for row in 0..<rows where !isNull(row) {
                let day = Int64(values[row])
                guard Self.days.contains(day) else { throw outOfYears(row) }
                put(day, at: cells.base + row &* 6)
            }
        }
    }

    private func outOfYears(_ row: Int) -> SluiceError {
        refuse(row, "SQL Server knows the years 1 to 9999 only", "Make it null or text in the query that reads it")
    }

    /// Writes year, month and day.
    @inline(__always) private func put(_ day: Int64, at cell: UnsafeMutableRawPointer) {
        // Years that begin in March end with the leap day; 400 of them are 146,097 days.
        let shifted = day &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let part = (5 &* dayOfYear &+ 2) / 153
        let month = part < 10 ? part &+ 3 : part &- 9
        let year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)
        cell.storeBytes(of: Int16(truncatingIfNeeded: year), as: Int16.self)
        cell.storeBytes(of: UInt16(truncatingIfNeeded: month), toByteOffset: 2, as: UInt16.self)
        let dayOfMonth = dayOfYear &- (153 &* part &+ 2) / 5 &+ 1
        cell.storeBytes(of: UInt16(truncatingIfNeeded: dayOfMonth), toByteOffset: 4, as: UInt16.self)
    }

    private func times(_ column: Column) throws(SluiceError) {
        let unit: TimeUnit
        switch column.type {
        case .time(let ticks), .timestamp(let ticks, _): unit = ticks
        default: return
        }
        if case .fixed(4) = column.type.layout {
            try column.withValues(as: Int32.self) { (values) throws(SluiceError) in
                try times(unit) { Int64(values[$0]) }
            }
        } else {
            try column.withValues(as: Int64.self) { (values) throws(SluiceError) in try times(unit) { values[$0] } }
        }
    }

    @inline(__always) private func times(
        _ unit: TimeUnit, _ value: (Int) -> Int64
    ) throws(SluiceError) {
        let perSecond = unit.ticksPerSecond
        let nanoseconds = 1_000_000_000 / perSecond
        let step = type.step
        let isTime = if case .time = type { true } else { false }
        let clock = isTime ? 0 : 6
        for row in 0..<rows where !isNull(row) {
            let ticks = value(row)
            var seconds = ticks / perSecond
            var rest = ticks % perSecond
            if rest < 0 {
                rest &+= perSecond
                seconds &-= 1
            }
            var day = seconds / 86_400
            var second = seconds % 86_400
            if second < 0 {
                second &+= 86_400
                day &-= 1
            }
            let fraction = rest &* nanoseconds
            guard fraction % step == 0 else {
                throw refuse(
                    row, "the column keeps a time to \(step) ns, and a value has \(fraction) ns behind its second",
                    "Round it in the query that reads it, or declare the column as utf8")
            }
            guard isTime ? day == 0 : Self.days.contains(day) else {
                if isTime {
                    throw refuse(row, "a time of day is beyond a day", "Declare the column as utf8, or as a number")
                }
                throw outOfYears(row)
            }
            let cell = cells.base + row &* width
            if !isTime { put(day, at: cell) }
            cell.storeBytes(of: UInt16(truncatingIfNeeded: second / 3600), toByteOffset: clock, as: UInt16.self)
            cell.storeBytes(of: UInt16(truncatingIfNeeded: second / 60 % 60), toByteOffset: clock + 2, as: UInt16.self)
            cell.storeBytes(of: UInt16(truncatingIfNeeded: second % 60), toByteOffset: clock + 4, as: UInt16.self)
            // The offset behind it stays zero: UTC.
            let at = isTime ? 8 : 12
            cell.storeBytes(of: UInt32(truncatingIfNeeded: fraction), toByteOffset: at, as: UInt32.self)
        }
    }
}
