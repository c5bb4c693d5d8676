import Columns
import Glibc
import Support

/// Finds the rows that lie in a stretch of a cursor, for sources that cannot do it themselves.
struct CursorFilter {
    let range: CursorRange
    let from: Column?
    let to: Column?
    /// What the column is cast to before it is compared; nil when it is compared as it is.
    let comparedType: DataType?

    /// A filter for values of `type`.
    ///
    /// - throws: `SluiceError` when the type has no order, or a bound is not a value of it.
    init(_ range: CursorRange, type: DataType) throws(SluiceError) {
        self.range = range
        switch type {
        case .bool, .json, .list, .structure, .map:
            throw SluiceError(
                .invalidConfiguration, "values of type \(type) have no order that a cursor could follow",
                place: .init(column: range.column), hint: "choose a column of numbers, moments or text")
        default: break
        }
        // A file may hold whole numbers or days where the files before had fractions or moments.
        let candidates: [DataType?] =
            switch type {
            case .date: [nil, .timestamp(.microsecond, zone: nil), .timestamp(.microsecond, zone: "UTC")]
            case .timestamp(let unit, .none): [nil, .timestamp(unit, zone: "UTC")]
            case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: [nil, .float64]
            default: [nil]
            }
        var failure: SluiceError?
        for candidate in candidates {
            do throws(SluiceError) {
                let bounds = (
                    try CursorFilter.bound(range.from, candidate ?? type),
                    try CursorFilter.bound(range.to, candidate ?? type)
                )
                (from, to) = bounds
                comparedType = candidate
                return
            } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? SluiceError(.conversion, "the cursor's bounds are no values of \(type)")
    }

    private static func bound(_ text: String?, _ type: DataType) throws(SluiceError) -> Column? {
        guard let text, type != .null else { return nil }
        let builder = BytesBuilder(.utf8)
        builder.append(text)
        do throws(SluiceError) {
            return try builder.finish().cast(to: type)
        } catch {
            throw SluiceError(
                .conversion, "the cursor's bound '\(text)' is not a value of type \(type), which the column has",
                hint: "give the column's type in the job, or start over with --full-refresh")
        }
    }

    /// Which rows lie in the stretch; nil when all do. Also whether a row lies at or beyond its end.
    func rows(of column: Column) throws(SluiceError) -> (kept: [Int32]?, cutsEnd: Bool) {
        var column = column
        if let comparedType { column = try column.cast(to: comparedType) }
        guard from != nil || to != nil else {
            guard !range.includesNulls, column.nullCount > 0 else { return (nil, false) }
            return ((0..<Int32(column.count)).filter { !column.isNull(at: Int($0)) }, false)
        }
        switch column.type {
        case .null: return (range.includesNulls ? nil : [], false)
        case .int8: return compare(column, Int8.self)
        case .int16: return compare(column, Int16.self)
        case .int32, .date, .time(.second), .time(.millisecond): return compare(column, Int32.self)
        case .int64, .time, .timestamp: return compare(column, Int64.self)
        case .uint8: return compare(column, UInt8.self)
        case .uint16: return compare(column, UInt16.self)
        case .uint32: return compare(column, UInt32.self)
        case .uint64: return compare(column, UInt64.self)
        case .float16: return compare(column, Float16.self)
        case .float32: return compare(column, Float.self)
        case .float64: return compare(column, Double.self)
        case .decimal: return compare(column, Int128.self)
        default: return compareBytes(column)
        }
    }

    private func compare<T: BitwiseCopyable & Comparable>(
        _ column: Column, _: T.Type
    ) -> (kept: [Int32]?, cutsEnd: Bool) {
        let low = from?.fixed(at: 0, as: T.self)
        let high = to?.fixed(at: 0, as: T.self)
        return column.withValues(as: T.self) { values in
            select(column) { row in
                let value = values[row]
                // A NaN has no place in the order and is treated as no value.
                if value != value { return range.includesNulls ? .inside : .before }
                if let low, value < low { return .before }
                if let high, value >= high { return .behind }
                return .inside
            }
        }
    }

    private func compareBytes(_ column: Column) -> (kept: [Int32]?, cutsEnd: Bool) {
        let low = from.map { CursorFilter.bytes($0, 0) }
        let high = to.map { CursorFilter.bytes($0, 0) }
        return select(column) { row in
            let value = CursorFilter.bytes(column, row)
            if let low, CursorFilter.isLess(value, low) { return .before }
            if let high, !CursorFilter.isLess(value, high) { return .behind }
            return .inside
        }
    }

    private enum Side { case before, inside, behind }

    @inline(__always) private func select(
        _ column: Column, _ side: (Int) -> Side
    ) -> (kept: [Int32]?, cutsEnd: Bool) {
        var kept: [Int32] = []
        kept.reserveCapacity(column.count)
        var cutsEnd = false
        let hasNulls = column.nullCount > 0
        for row in 0..<column.count {
            if hasNulls, column.isNull(at: row) {
                if range.includesNulls { kept.append(Int32(truncatingIfNeeded: row)) }
                continue
            }
            switch side(row) {
            case .inside: kept.append(Int32(truncatingIfNeeded: row))
            case .behind: cutsEnd = true
            case .before: break
            }
        }
        return (kept.count == column.count ? nil : kept, cutsEnd)
    }

    private static func bytes(_ column: Column, _ row: Int) -> Buffer {
        if case .fixed(let width) = column.type.layout, let values = column.values {
            let start = (column.offset + row) * width
            return values[start..<start + width]
        }
        return column.bytes(at: row)
    }

    private static func isLess(_ left: Buffer, _ right: Buffer) -> Bool {
        let order = left.withUnsafeBytes { a in
            right.withUnsafeBytes { b -> Int32 in
                guard let start = a.baseAddress, let other = b.baseAddress else { return 0 }
                return memcmp(start, other, min(a.count, b.count))
            }
        }
        return order == 0 ? left.count < right.count : order < 0
    }
}
