import Support

extension Cast {
    /// From a date, time or timestamp; nil for a target that is neither of their kind nor an integer.
    func fromTime() throws(SluiceError) -> Column? {
        switch (source.type, target) {
        case (.date, .timestamp(let unit, _)):
            let ticks = 86400 * unit.ticksPerSecond
            return try mapFixed { (value: Int32) -> Int64? in
                let (product, overflow) = Int64(value).multipliedReportingOverflow(by: ticks)
                return overflow ? nil : product
            }
        case (.timestamp(let unit, _), .date):
            let ticks = 86400 * unit.ticksPerSecond
            let rounds = rounds
            return try mapFixed { (value: Int64) -> Int32? in
                let (day, rest) = value.flooredDivision(by: ticks)
                return rest == 0 || rounds ? Int32(exactly: day) : nil
            }
        case (.timestamp(let unit, _), .timestamp(let other, _)):
            if unit == other { return source.reinterpreted(as: target) }
            return try mapFixed { (value: Int64) in rescale(value, unit, other) }
        case (.time(let unit), .time(let other)):
            switch (source.type.layout, target.layout) {
            case (.fixed(4), .fixed(4)):
                return try mapFixed { (value: Int32) in
                    rescale(Int64(value), unit, other).flatMap { Int32(exactly: $0) }
                }
            case (.fixed(4), _): return try mapFixed { (value: Int32) in rescale(Int64(value), unit, other) }
            case (_, .fixed(4)):
                return try mapFixed { (value: Int64) in rescale(value, unit, other).flatMap { Int32(exactly: $0) } }
            default: return try mapFixed { (value: Int64) in rescale(value, unit, other) }
            }
        case (_, .date), (_, .time), (_, .timestamp): return nil
        default:
            // Days and ticks are numbers when asked for.
            guard target.isNumber else { return nil }
            let ticks = source.reinterpreted(as: source.type.layout == .fixed(4) ? .int32 : .int64)
            return try ticks.cast(to: target, mode: mode)
        }
    }

    /// Ticks of one unit as ticks of another; rounding goes down, so that no day or second is left early.
    @inline(__always) private func rescale(_ value: Int64, _ unit: TimeUnit, _ other: TimeUnit) -> Int64? {
        let (from, to) = (unit.ticksPerSecond, other.ticksPerSecond)
        if to >= from {
            let (product, overflow) = value.multipliedReportingOverflow(by: to / from)
            return overflow ? nil : product
        }
        let (quotient, rest) = value.flooredDivision(by: from / to)
        return rest == 0 || rounds ? quotient : nil
    }
}

extension DataType {
    /// Whether this is an integer, a float or a decimal.
    var isNumber: Bool {
        switch self {
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .decimal:
            true
        default: false
        }
    }
}
