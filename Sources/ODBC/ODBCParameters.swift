import CODBC
import Support

/// A value for a `?` of a statement. Its type is said by us and never asked of the driver, which would cost a round trip
/// and is missing in some.
public enum ODBCParameter: Sendable, Hashable {
    /// No value.
    case null
    /// A whole number.
    case integer(Int64)
    /// A number as floating point.
    case real(Double)
    /// An exact number as it is written, with so many digits in all and behind the point.
    case decimal(String, precision: Int, scale: Int)
    /// Text.
    case text(String)
    /// Bytes.
    case bytes([UInt8])
    /// A calendar day.
    case date(year: Int, month: Int, day: Int)
    /// A moment on the wall clock.
    case timestamp(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, nanosecond: Int, digits: Int)
}

/// The memory of bound values, which has to stay where it is until the statement has run.
final class ODBCParameterBlock {
    private var allocations: [UnsafeMutableRawPointer] = []

    deinit { for allocation in allocations { allocation.deallocate() } }

    private func room(_ bytes: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 16), alignment: 16)
        allocations.append(memory)
        return memory
    }

    private func indicator(_ length: Int) -> UnsafeMutablePointer<SQLLEN> {
        let memory = room(8).assumingMemoryBound(to: SQLLEN.self)
        memory.initialize(to: SQLLEN(length))
        return memory
    }

    /// Binds `values` to the places of `statement`.
    func bind(_ values: [ODBCParameter], to statement: SQLHANDLE, in database: ODBCDatabase) -> SQLRETURN {
        for (index, value) in values.enumerated() {
            let code = bind(value, to: statement, place: SQLUSMALLINT(truncatingIfNeeded: index + 1), in: database)
            if !ODBCEnvironment.isGood(code) { return code }
        }
        return SQLRETURN(SQL_SUCCESS)
    }

    private func bind(
        _ value: ODBCParameter, to statement: SQLHANDLE, place: SQLUSMALLINT, in database: ODBCDatabase
    ) -> SQLRETURN {
        func bind(
            _ cType: some BinaryInteger, _ sqlType: some BinaryInteger, _ size: Int, _ digits: Int,
            _ memory: UnsafeMutableRawPointer, _ length: Int, isNull: Bool = false
        ) -> SQLRETURN {
            odbcBindParameter(
                statement, place, SQLSMALLINT(SQL_PARAM_INPUT), SQLSMALLINT(truncatingIfNeeded: cType),
                SQLSMALLINT(truncatingIfNeeded: sqlType), SQLULEN(size), SQLSMALLINT(digits), memory, SQLLEN(length),
                indicator(isNull ? Int(SQL_NULL_DATA) : length))
        }
        switch value {
        case .null: return bind(SQL_C_WCHAR, SQL_WVARCHAR, 1, 0, room(2), 0, isNull: true)
        case .integer(let number):
            let memory = room(8)
            memory.storeBytes(of: number, as: Int64.self)
            return bind(SQL_C_SBIGINT, SQL_BIGINT, 19, 0, memory, 8)
        case .real(let number):
            let memory = room(8)
            memory.storeBytes(of: number, as: Double.self)
            return bind(SQL_C_DOUBLE, SQL_DOUBLE, 15, 0, memory, 8)
        case .decimal(let text, let precision, let scale):
            let bytes = Array(text.utf8)
            let memory = room(bytes.count + 1)
            memory.copyMemory(from: bytes, byteCount: bytes.count)
            memory.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
            return bind(SQL_C_CHAR, SQL_DECIMAL, precision, scale, memory, bytes.count)
        case .text(let text):
            let units = Array(text.utf16)
            let memory = room(units.count * 2 + 2)
            units.withUnsafeBytes {
                if let start = $0.baseAddress { memory.copyMemory(from: start, byteCount: $0.count) }
            }
            memory.storeBytes(of: 0, toByteOffset: units.count * 2, as: UInt16.self)
            // Beyond 4000, SQL Server knows text without a limit only, whose size is 0.
            let isLong = units.count > 4000
            let size = isLong && database == .sqlServer ? 0 : max(1, units.count)
            let type = isLong && database != .sqlServer ? SQL_WLONGVARCHAR : SQL_WVARCHAR
            return bind(SQL_C_WCHAR, type, size, 0, memory, units.count * 2)
        case .bytes(let bytes):
            let memory = room(bytes.count)
            bytes.withUnsafeBytes {
                if let start = $0.baseAddress { memory.copyMemory(from: start, byteCount: $0.count) }
            }
            let isLong = bytes.count > 8000
            let size = isLong && database == .sqlServer ? 0 : max(1, bytes.count)
            let type = isLong && database != .sqlServer ? SQL_LONGVARBINARY : SQL_VARBINARY
            return bind(SQL_C_BINARY, type, size, 0, memory, bytes.count)
        case .date(let year, let month, let day):
            let memory = room(6)
            memory.storeBytes(
                of: SQL_DATE_STRUCT(
                    year: Int16(truncatingIfNeeded: year), month: UInt16(truncatingIfNeeded: month),
                    day: UInt16(truncatingIfNeeded: day)), as: SQL_DATE_STRUCT.self)
            return bind(SQL_C_TYPE_DATE, SQL_TYPE_DATE, 10, 0, memory, 6)
        case .timestamp(let year, let month, let day, let hour, let minute, let second, let nanosecond, let digits):
            let memory = room(16)
            memory.storeBytes(
                of: SQL_TIMESTAMP_STRUCT(
                    year: Int16(truncatingIfNeeded: year), month: UInt16(truncatingIfNeeded: month),
                    day: UInt16(truncatingIfNeeded: day), hour: UInt16(truncatingIfNeeded: hour),
                    minute: UInt16(truncatingIfNeeded: minute), second: UInt16(truncatingIfNeeded: second),
                    fraction: UInt32(truncatingIfNeeded: nanosecond)), as: SQL_TIMESTAMP_STRUCT.self)
            return bind(
                SQL_C_TYPE_TIMESTAMP, SQL_TYPE_TIMESTAMP, digits == 0 ? 19 : 20 + digits, digits, memory,
                16)
        }
    }
}
