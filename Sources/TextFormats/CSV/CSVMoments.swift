import Columns

/// Days.
struct CSVDate: CSVConversion {
    private var earliest = Int32.max
    private var latest = Int32.min
    static var empty: Int32 { 0 }

    @inline(__always) mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Int32? {
        guard let day = TextParser.date(text) else { return nil }
        earliest = min(earliest, day)
        latest = max(latest, day)
        return day
    }

    func finish(_ found: inout TypeInference) {
        if earliest > latest { return }
        found.observe(day: earliest)
        found.observe(day: latest)
    }
}

/// Moments, in ticks of the column's unit. Days are midnights, on the wall clock or in UTC like the column; moments with
/// an offset go only with a zone.
struct CSVTimestamp: CSVConversion {
    let hasZone: Bool
    let unit: TimeUnit
    private var earliest = Int64.max
    private var latest = Int64.min
    private var mostDigits = 0
    private var hasLocal = false
    private var hasOffsets = false
    static var empty: Int64 { 0 }

    init(_ unit: TimeUnit, hasZone: Bool) {
        self.unit = unit
        self.hasZone = hasZone
    }

    @inline(__always) mutating func value(
        _ text: UnsafeRawBufferPointer, _ found: inout TypeInference
    ) -> Int64? {
        guard let literal = TextParser.timestamp(text) else { return midnight(text, &found) }
        earliest = min(earliest, literal.seconds)
        latest = max(latest, literal.seconds)
        mostDigits = max(mostDigits, literal.fractionDigits)
        if literal.hasOffset {
            hasOffsets = true
            if !hasZone { return nil }
        } else {
            hasLocal = true
        }
        return literal.ticks(unit)
    }

    func finish(_ found: inout TypeInference) {
        for seconds in [earliest, latest] where earliest <= latest {
            for isZoned in [false, true] where isZoned ? hasOffsets : hasLocal {
                found.observe(
                    TimestampLiteral(
                        seconds: seconds, nanoseconds: 0, fractionDigits: mostDigits, hasOffset: isZoned
                    ).traits)
            }
        }
    }

    @inline(never) private mutating func midnight(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference)
        -> Int64?
    {
        guard let day = TextParser.date(text) else { return nil }
        found.observe(day: day)
        return TimestampLiteral(
            seconds: Int64(day) * 86_400, nanoseconds: 0, fractionDigits: 0, hasOffset: false
        ).ticks(unit)
    }
}

/// Times of day, in ticks of the column's unit.
struct CSVTime<Value: FixedWidthInteger & BitwiseCopyable>: CSVConversion {
    let unit: TimeUnit
    private var mostDigits = -1
    static var empty: Value { 0 }

    init(_ unit: TimeUnit) { self.unit = unit }

    @inline(__always) mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Value? {
        guard let literal = TextParser.time(text) else { return nil }
        mostDigits = max(mostDigits, literal.fractionDigits)
        return literal.ticks(unit).flatMap { Value(exactly: $0) }
    }

    func finish(_ found: inout TypeInference) {
        if mostDigits >= 0 { found.observe(mostDigits > 6 ? [.time, .nanoseconds] : .time) }
    }
}
