public import Columns
import Support

/// What a column means, as newer writers say it.
public enum LogicalType: Sendable, Hashable {
    /// UTF-8 text.
    case string
    /// Keys with values.
    case map
    /// A list.
    case list
    /// Text out of a closed set.
    case enumeration
    /// An exact number.
    case decimal(scale: Int32, precision: Int32)
    /// A calendar day.
    case date
    /// A time of day.
    case time(TimeUnit, utc: Bool)
    /// A moment; wall-clock time when not UTC.
    case timestamp(TimeUnit, utc: Bool)
    /// An integer of another width than its physical type.
    case integer(bitWidth: Int8, signed: Bool)
    /// Nothing but nulls.
    case unknown
    /// JSON text.
    case json
    /// BSON bytes.
    case bson
    /// A UUID.
    case uuid
    /// A half-precision float.
    case float16
    /// Something newer than this reader; its values are read as their physical type.
    case other(Int16)
}

extension LogicalType: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        var found: LogicalType?
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: found = try reader.empty(field, .string)
            case 2: found = try reader.empty(field, .map)
            case 3: found = try reader.empty(field, .list)
            case 4: found = try reader.empty(field, .enumeration)
            case 5:
                let type: DecimalType = try reader.structure(field)
                found = .decimal(scale: type.scale, precision: type.precision)
            case 6: found = try reader.empty(field, .date)
            case 7:
                let type: ClockType = try reader.structure(field)
                found = .time(type.unit, utc: type.utc)
            case 8:
                let type: ClockType = try reader.structure(field)
                found = .timestamp(type.unit, utc: type.utc)
            case 10:
                let type: IntegerType = try reader.structure(field)
                found = .integer(bitWidth: type.bitWidth, signed: type.signed)
            case 11: found = try reader.empty(field, .unknown)
            case 12: found = try reader.empty(field, .json)
            case 13: found = try reader.empty(field, .bson)
            case 14: found = try reader.empty(field, .uuid)
            case 15: found = try reader.empty(field, .float16)
            default: found = try reader.empty(field, .other(field.id))
            }
        }
        reader.endStruct(outer)
        guard let found else { throw reader.failure("a logical type is empty") }
        self = found
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        switch self {
        case .string: writer.emptyStruct(1)
        case .map: writer.emptyStruct(2)
        case .list: writer.emptyStruct(3)
        case .enumeration: writer.emptyStruct(4)
        case .decimal(let scale, let precision):
            writer.field(5, struct: DecimalType(scale: scale, precision: precision))
        case .date: writer.emptyStruct(6)
        case .time(let unit, let utc): writer.field(7, struct: ClockType(utc: utc, unit: unit))
        case .timestamp(let unit, let utc): writer.field(8, struct: ClockType(utc: utc, unit: unit))
        case .integer(let bitWidth, let signed):
            writer.field(10, struct: IntegerType(bitWidth: bitWidth, signed: signed))
        case .unknown: writer.emptyStruct(11)
        case .json: writer.emptyStruct(12)
        case .bson: writer.emptyStruct(13)
        case .uuid: writer.emptyStruct(14)
        case .float16: writer.emptyStruct(15)
        case .other(let id): writer.emptyStruct(id)
        }
        writer.endStruct()
    }
}

extension ThriftReader {
    /// Passes over a structure whose presence is all that it says.
    fileprivate mutating func empty<T>(_ field: Field, _ value: T) throws(SluiceError) -> T {
        try skip(field)
        return value
    }
}

private struct DecimalType: ThriftStruct {
    var scale: Int32 = 0
    var precision: Int32 = 0

    init(scale: Int32, precision: Int32) {
        self.scale = scale
        self.precision = precision
    }

    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: scale = try reader.int32(field)
            case 2: precision = try reader.int32(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: scale)
        writer.field(2, int32: precision)
        writer.endStruct()
    }
}

private struct ClockType: ThriftStruct {
    var utc = false
    var unit = TimeUnit.microsecond

    init(utc: Bool, unit: TimeUnit) {
        self.utc = utc
        self.unit = unit
    }

    init(from reader: inout ThriftReader) throws(SluiceError) {
        var known: TimeUnit?
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: utc = try reader.bool(field)
            case 2:
                guard field.type == .structure else { throw reader.failure("a time unit is not a structure") }
                let outer = try reader.beginStruct()
                while let field = try reader.nextField() {
                    switch field.id {
                    case 1: known = .millisecond
                    case 2: known = .microsecond
                    case 3: known = .nanosecond
                    default: break
                    }
                    try reader.skip(field)
                }
                reader.endStruct(outer)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
        guard let known else { throw reader.failure("a time or timestamp has a unit that is not known") }
        unit = known
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, bool: utc)
        writer.field(2, struct: UnitCase(id: unit == .millisecond ? 1 : unit == .microsecond ? 2 : 3))
        writer.endStruct()
    }
}

/// A union of which only the case matters.
private struct UnitCase: ThriftStruct {
    let id: Int16

    init(id: Int16) { self.id = id }

    init(from reader: inout ThriftReader) throws(SluiceError) { throw reader.failure("a unit is read in place") }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.emptyStruct(id)
        writer.endStruct()
    }
}

private struct IntegerType: ThriftStruct {
    var bitWidth: Int8 = 0
    var signed = true

    init(bitWidth: Int8, signed: Bool) {
        self.bitWidth = bitWidth
        self.signed = signed
    }

    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: bitWidth = Int8(truncatingIfNeeded: try reader.int32(field))
            case 2: signed = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, byte: bitWidth)
        writer.field(2, bool: signed)
        writer.endStruct()
    }
}
