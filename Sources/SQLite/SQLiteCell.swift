import CSQLite
import Support

/// A value of the current row of a statement, or of a `CellBuffer`; the bytes last as long as those do.
struct SQLiteCell {
    /// How SQLite keeps a value.
    enum Storage: UInt8 {
        case null = 0
        case integer = 1
        case real = 2
        case text = 4
        case blob = 8
    }

    let storage: Storage
    let integer: Int64
    let real: Double
    let bytes: UnsafeRawBufferPointer

    @inline(__always) init(
        _ storage: Storage, integer: Int64 = 0, real: Double = 0,
        bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        self.storage = storage
        self.integer = integer
        self.real = real
        self.bytes = bytes
    }

    /// The value of a column of the statement's current row.
    @inline(__always) init(_ statement: OpaquePointer, _ column: Int32) {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: self.init(.integer, integer: sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT: self.init(.real, real: sqlite3_column_double(statement, column))
        case SQLITE_TEXT:
            // First the text, since asking for it may convert it, and then its length.
            let start = sqlite3_column_text(statement, column)
            let count = Int(sqlite3_column_bytes(statement, column))
            self.init(.text, bytes: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
        case SQLITE_BLOB:
            let start = sqlite3_column_blob(statement, column)
            let count = Int(sqlite3_column_bytes(statement, column))
            self.init(.blob, bytes: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
        default: self.init(.null)
        }
    }
}

/// The values of one column, set aside until its type is known.
final class CellBuffer {
    private let storages = MutableBuffer()
    /// The number, or how many bytes there are.
    private let payloads = MutableBuffer()
    private let bytes = MutableBuffer()

    var byteCount: Int { storages.count &* 9 &+ bytes.count }

    func append(_ cell: SQLiteCell) {
        storages.append(cell.storage.rawValue)
        switch cell.storage {
        case .null: payloads.append(0 as Int64)
        case .integer: payloads.append(cell.integer)
        case .real: payloads.append(cell.real)
        case .text, .blob:
            payloads.append(Int64(cell.bytes.count))
            bytes.append(cell.bytes)
        }
    }

    /// Calls `body` with each value.
    func forEach(_ body: (SQLiteCell) -> Void) {
        var position = 0
        for row in 0..<storages.count {
            let storage = SQLiteCell.Storage(rawValue: storages.base.load(fromByteOffset: row, as: UInt8.self))
            switch storage ?? .null {
            case .null: body(SQLiteCell(.null))
            case .integer:
                body(SQLiteCell(.integer, integer: payloads.base.load(fromByteOffset: row * 8, as: Int64.self)))
            case .real: body(SQLiteCell(.real, real: payloads.base.load(fromByteOffset: row * 8, as: Double.self)))
            case .text, .blob:
                let count = Int(payloads.base.load(fromByteOffset: row * 8, as: Int64.self))
                body(
                    SQLiteCell(
                        storage ?? .null, bytes: UnsafeRawBufferPointer(start: bytes.base + position, count: count)))
                position += count
            }
        }
    }
}
