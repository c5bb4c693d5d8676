public import Columns
import Support

/// The Arrow schema that Parquet files carry in their metadata, so that types which Parquet does not have survive.
///
/// It is Arrow's IPC schema message in Base64 under the key `ARROW:schema`.
public enum ArrowSchema {
    /// The metadata key under which files carry it.
    public static let key = "ARROW:schema"
    /// The field metadata that says which unit an `int64` counts as a length of time: `s`, `ms`, `us` or `ns`.
    ///
    /// Arrow has a type for durations; here they are integers that remember.
    public static let durationKey = "sluice.duration"

    static let extensionName = "ARROW:extension:name"
    static let extensionMetadata = "ARROW:extension:metadata"
    static let uuidExtension = "arrow.uuid"
    static let jsonExtension = "arrow.json"

    /// The numbers that Arrow's `Type` union gives to its cases.
    enum TypeNumber {
        static let null: UInt8 = 1
        static let int: UInt8 = 2
        static let floatingPoint: UInt8 = 3
        static let binary: UInt8 = 4
        static let utf8: UInt8 = 5
        static let bool: UInt8 = 6
        static let decimal: UInt8 = 7
        static let date: UInt8 = 8
        static let time: UInt8 = 9
        static let timestamp: UInt8 = 10
        static let list: UInt8 = 12
        static let structure: UInt8 = 13
        static let fixedSizeBinary: UInt8 = 15
        static let fixedSizeList: UInt8 = 16
        static let map: UInt8 = 17
        static let duration: UInt8 = 18
        static let largeBinary: UInt8 = 19
        static let largeUtf8: UInt8 = 20
        static let largeList: UInt8 = 21
        static let runEndEncoded: UInt8 = 22
        static let binaryView: UInt8 = 23
        static let utf8View: UInt8 = 24
        static let listView: UInt8 = 25
        static let largeListView: UInt8 = 26
    }

    /// The message for `schema`, in Base64.
    public static func encode(_ schema: Schema) -> String {
        var fields: [(slot: Int, value: FlatValue)] = [(1, .tables(schema.fields.map { field($0) }))]
        if !schema.metadata.isEmpty { fields.append((2, .tables(keyValues(schema.metadata)))) }
        // Version 5 of the format; header number 1 is a schema; the message has no body.
        let message = FlatTable([
            (0, .short(4)), (1, .byte(1)), (2, .table(FlatTable(fields))), (3, .long(0)),
        ])
        let buffer = FlatBufferWriter.buffer(root: message)
        let framed: [UInt8] = [0xff, 0xff, 0xff, 0xff] + littleEndian(UInt32(buffer.count)) + buffer.bytes
        return Base64.encode(framed)
    }

    private static func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }

    private static func keyValues(_ metadata: [String: String]) -> [FlatTable] {
        metadata.sorted { $0.key < $1.key }.map { FlatTable([(0, .string($0.key)), (1, .string($0.value))]) }
    }

    private static func field(_ field: Field) -> FlatTable {
        var metadata = field.metadata
        var (number, type) = type(field.type)
        switch field.type {
        case .uuid:
            metadata[extensionName] = uuidExtension
            metadata[extensionMetadata] = ""
        case .json:
            metadata[extensionName] = jsonExtension
            metadata[extensionMetadata] = ""
        case .int64:
            if let unit = metadata[durationKey].flatMap({ TimeUnit(rawValue: $0) }) {
                metadata[durationKey] = nil
                (number, type) = (TypeNumber.duration, FlatTable([(0, .short(self.number(unit)))]))
            }
        default: break
        }
        var fields: [(slot: Int, value: FlatValue)] = [
            (0, .string(field.name)), (1, .byte(field.isNullable ? 1 : 0)), (2, .byte(number)), (3, .table(type)),
            (5, .tables(field.type.childFields.map { self.field($0) })),
        ]
        if !metadata.isEmpty { fields.append((6, .tables(keyValues(metadata)))) }
        return FlatTable(fields)
    }

    private static func type(_ type: DataType) -> (UInt8, FlatTable) {
        switch type {
        case .null: (TypeNumber.null, FlatTable())
        case .bool: (TypeNumber.bool, FlatTable())
        case .int8: integer(8, signed: true)
        case .int16: integer(16, signed: true)
        case .int32: integer(32, signed: true)
        case .int64: integer(64, signed: true)
        case .uint8: integer(8, signed: false)
        case .uint16: integer(16, signed: false)
        case .uint32: integer(32, signed: false)
        case .uint64: integer(64, signed: false)
        case .float16: (TypeNumber.floatingPoint, FlatTable([(0, .short(0))]))
        case .float32: (TypeNumber.floatingPoint, FlatTable([(0, .short(1))]))
        case .float64: (TypeNumber.floatingPoint, FlatTable([(0, .short(2))]))
        case .decimal(let precision, let scale):
            (
                TypeNumber.decimal,
                FlatTable([(0, .int(Int32(precision))), (1, .int(Int32(scale))), (2, .int(128))])
            )
        case .utf8, .json: (TypeNumber.utf8, FlatTable())
        case .binary: (TypeNumber.binary, FlatTable())
        case .fixedBinary(let width): (TypeNumber.fixedSizeBinary, FlatTable([(0, .int(Int32(width)))]))
        case .uuid: (TypeNumber.fixedSizeBinary, FlatTable([(0, .int(16))]))
        case .date: (TypeNumber.date, FlatTable([(0, .short(0))]))
        case .time(let unit):
            (
                TypeNumber.time,
                FlatTable([(0, .short(number(unit))), (1, .int(unit == .second || unit == .millisecond ? 32 : 64))])
            )
        case .timestamp(let unit, let zone):
            (
                TypeNumber.timestamp,
                FlatTable([(0, .short(number(unit)))] + (zone.map { [(1, .string($0))] } ?? []))
            )
        case .list: (TypeNumber.list, FlatTable())
        case .structure: (TypeNumber.structure, FlatTable())
        case .map: (TypeNumber.map, FlatTable([(0, .byte(0))]))
        }
    }

    private static func integer(_ width: Int32, signed: Bool) -> (UInt8, FlatTable) {
        (TypeNumber.int, FlatTable([(0, .int(width)), (1, .byte(signed ? 1 : 0))]))
    }

    private static func number(_ unit: TimeUnit) -> Int16 {
        switch unit {
        case .second: 0
        case .millisecond: 1
        case .microsecond: 2
        case .nanosecond: 3
        }
    }
}
