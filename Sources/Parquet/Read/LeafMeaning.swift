import Columns

extension SchemaElement {
    /// What a leaf's values become. What an annotation says that does not fit the physical type is passed over, as the
    /// format demands.
    func meaning(_ physical: PhysicalType, _ length: Int, int96Unit: TimeUnit) -> (DataType, Conversion) {
        switch logicalType ?? legacyLogicalType {
        case .unknown: return (.null, .none)
        case .decimal(let scale, let precision):
            let (scale, precision) = (Int(scale), Int(precision))
            guard precision > 0, precision <= 38, scale >= 0, scale <= precision else { break }
            let type = DataType.decimal(precision: precision, scale: scale)
            switch physical {
            case .int32: return (type, .widen32)
            case .int64: return (type, .widen64)
            case .fixedLengthByteArray, .byteArray: return (type, .bigEndian)
            default: break
            }
        case .integer(let width, let signed):
            switch (physical, width, signed) {
            case (.int32, 8, true): return (.int8, .narrow(bytes: 1, signed: true))
            case (.int32, 16, true): return (.int16, .narrow(bytes: 2, signed: true))
            case (.int32, 8, false): return (.uint8, .narrow(bytes: 1, signed: false))
            case (.int32, 16, false): return (.uint16, .narrow(bytes: 2, signed: false))
            case (.int32, 32, false): return (.uint32, .none)
            case (.int64, 64, false): return (.uint64, .none)
            default: break
            }
        case .date where physical == .int32: return (.date, .none)
        case .time(.millisecond, _) where physical == .int32: return (.time(.millisecond), .none)
        case .time(let unit, _) where physical == .int64 && unit != .millisecond: return (.time(unit), .none)
        case .timestamp(let unit, let utc) where physical == .int64:
            return (.timestamp(unit, zone: utc ? "UTC" : nil), .none)
        case .string where physical == .byteArray, .enumeration where physical == .byteArray: return (.utf8, .none)
        case .json where physical == .byteArray: return (.json, .none)
        case .uuid where physical == .fixedLengthByteArray && length == 16: return (.uuid, .none)
        case .float16 where physical == .fixedLengthByteArray && length == 2: return (.float16, .none)
        default: break
        }
        switch physical {
        case .boolean: return (.bool, .none)
        case .int32: return (.int32, .none)
        case .int64: return (.int64, .none)
        case .int96:
            return (.timestamp(int96Unit, zone: nil), .int96(ticksPerSecond: int96Unit.ticksPerSecond))
        case .float: return (.float32, .none)
        case .double: return (.float64, .none)
        case .byteArray: return (.binary, .none)
        case .fixedLengthByteArray: return (.fixedBinary(length), .none)
        }
    }

    /// What an old annotation says in today's words.
    var legacyLogicalType: LogicalType? {
        switch convertedType {
        case .utf8: .string
        case .map, .mapKeyValue: .map
        case .list: .list
        case .enumeration: .enumeration
        case .decimal: .decimal(scale: scale ?? 0, precision: precision ?? 0)
        case .date: .date
        case .timeMillis: .time(.millisecond, utc: true)
        case .timeMicros: .time(.microsecond, utc: true)
        case .timestampMillis: .timestamp(.millisecond, utc: true)
        case .timestampMicros: .timestamp(.microsecond, utc: true)
        case .uint8: .integer(bitWidth: 8, signed: false)
        case .uint16: .integer(bitWidth: 16, signed: false)
        case .uint32: .integer(bitWidth: 32, signed: false)
        case .uint64: .integer(bitWidth: 64, signed: false)
        case .int8: .integer(bitWidth: 8, signed: true)
        case .int16: .integer(bitWidth: 16, signed: true)
        case .int32: .integer(bitWidth: 32, signed: true)
        case .int64: .integer(bitWidth: 64, signed: true)
        case .json: .json
        case .bson: .bson
        case .interval, nil: nil
        }
    }
}
