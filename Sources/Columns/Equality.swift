import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// When two floats are the same.
public enum FloatEquality: Sendable {
    /// When their bits are: NaN equals itself, 0 and -0 differ.
    case bitwise
    /// When IEEE 754 says so: NaN equals nothing, 0 and -0 are the same.
    case numeric
}

extension Column {
    /// Whether both columns have the same type and hold the same values in the same rows. What lies in memory under a
    /// null, or beyond a slice, does not count.
    public func equals(_ other: Column, floats: FloatEquality = .bitwise) -> Bool {
        guard type == other.type, count == other.count, nullCount == other.nullCount else { return false }
        if nullCount == count { return true }
        if nullCount > 0 {
            for row in 0..<count where isNull(at: row) != other.isNull(at: row) { return false }
        }
        switch type {
        case .float16 where floats == .numeric: return sameFloats(other, as: Float16.self)
        case .float32 where floats == .numeric: return sameFloats(other, as: Float.self)
        case .float64 where floats == .numeric: return sameFloats(other, as: Double.self)
        default: break
        }
        switch type.layout {
        case .null: return true
        case .bits: return (0..<count).allSatisfy { isNull(at: $0) || bit(at: $0) == other.bit(at: $0) }
        case .fixed(let width): return sameFixed(other, width)
        case .bytes: return sameBytes(other)
        case .list:
            return withOffsets { mine in
                other.withOffsets { theirs in
                    for row in 0..<count where !isNull(at: row) {
                        let (a, b) = (mine[row]..<mine[row + 1], theirs[row]..<theirs[row + 1])
                        guard a.count == b.count else { return false }
                        if a.isEmpty { continue }
                        let items = children[0].slice(Int(a.lowerBound)..<Int(a.upperBound))
                        let others = other.children[0].slice(Int(b.lowerBound)..<Int(b.upperBound))
                        if !items.equals(others, floats: floats) { return false }
                    }
                    return true
                }
            }
        case .structure:
            if nullCount == 0 { return zip(children, other.children).allSatisfy { $0.equals($1, floats: floats) } }
            // The fields of a row that is null do not count: compare run by run of rows that are not.
            var row = 0
            while row < count {
                if isNull(at: row) {
                    row += 1
                    continue
                }
                let start = row
                while row < count, !isNull(at: row) { row += 1 }
                for (mine, theirs) in zip(children, other.children)
                where !mine.slice(start..<row).equals(theirs.slice(start..<row), floats: floats) { return false }
            }
            return true
        }
    }

    private func sameFloats<T: BinaryFloatingPoint & BitwiseCopyable>(_ other: Column, as _: T.Type) -> Bool {
        withValues(as: T.self) { mine in
            other.withValues(as: T.self) { theirs in
                (0..<count).allSatisfy { mine[$0] == theirs[$0] || isNull(at: $0) }
            }
        }
    }

    private func sameFixed(_ other: Column, _ width: Int) -> Bool {
        guard let values, let others = other.values else { return count == 0 }
        return values.withUnsafeBytes { mine in
            others.withUnsafeBytes { theirs in
                guard let a = mine.baseAddress, let b = theirs.baseAddress else { return true }
                let (left, right) = (a + offset * width, b + other.offset * width)
                if memcmp(left, right, count * width) == 0 { return true }
                if nullCount == 0 { return false }
                return (0..<count).allSatisfy {
                    isNull(at: $0) || memcmp(left + $0 * width, right + $0 * width, width) == 0
                }
            }
        }
    }

    private func sameBytes(_ other: Column) -> Bool {
        withBytes { mine, bytes in
            other.withBytes { theirs, others in
                for row in 0..<count where !isNull(at: row) {
                    let (a, b) = (Int(mine[row])..<Int(mine[row + 1]), Int(theirs[row])..<Int(theirs[row + 1]))
                    guard a.count == b.count else { return false }
                    guard !a.isEmpty, let left = bytes.baseAddress, let right = others.baseAddress else { continue }
                    if memcmp(left + a.lowerBound, right + b.lowerBound, a.count) != 0 { return false }
                }
                return true
            }
        }
    }
}

extension RecordBatch {
    /// Whether both batches have the same columns by name and type, with the same values.
    public func equals(_ other: RecordBatch, floats: FloatEquality = .bitwise) -> Bool {
        schema.fields == other.schema.fields && rowCount == other.rowCount
            && zip(columns, other.columns).allSatisfy { $0.equals($1, floats: floats) }
    }
}
