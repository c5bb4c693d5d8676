/// A moment as it is written.
public struct TimestampLiteral: Sendable, Hashable {
    /// Seconds since 1970-01-01T00:00:00: in UTC when an offset was written, on the wall clock when not.
    public var seconds: Int64
    /// What comes on top of `seconds`.
    public var nanoseconds: Int32
    /// How many digits of fraction were written.
    public var fractionDigits: Int
    /// Whether an offset from UTC, or a `Z`, was written.
    public var hasOffset: Bool

    /// A moment from its parts.
    @inline(__always) public init(seconds: Int64, nanoseconds: Int32, fractionDigits: Int, hasOffset: Bool) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.fractionDigits = fractionDigits
        self.hasOffset = hasOffset
    }

    /// The moment in ticks of `unit`; nil when it does not come out even, or is too far away.
    @inline(__always) public func ticks(_ unit: TimeUnit) -> Int64? {
        let perSecond = unit.ticksPerSecond
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: perSecond)
        if overflow { return nil }
        if nanoseconds == 0 { return whole }
        let tick = Int32(truncatingIfNeeded: 1_000_000_000 / perSecond)
        let (fraction, rest) = nanoseconds.quotientAndRemainder(dividingBy: tick)
        if rest != 0 { return nil }
        let (sum, carry) = whole.addingReportingOverflow(Int64(fraction))
        return carry ? nil : sum
    }
}

/// A time of day as it is written.
public struct TimeLiteral: Sendable, Hashable {
    /// Nanoseconds since midnight.
    public var nanoseconds: Int64
    /// How many digits of fraction were written.
    public var fractionDigits: Int

    /// The time in ticks of `unit`; nil when it does not come out even.
    public func ticks(_ unit: TimeUnit) -> Int64? {
        let (ticks, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000 / unit.ticksPerSecond)
        return rest == 0 ? ticks : nil
    }
}

extension TextParser {
    /// A calendar day written `YYYY-MM-DD`, as days since 1970-01-01.
    public static func date(_ text: UnsafeRawBufferPointer) -> Int32? {
        guard let start = text.baseAddress, text.count == 10 else { return nil }
        return date(at: start)
    }

    /// A time of day written `HH:MM:SS`, with up to nine digits of fraction; from 00:00:00 to 23:59:59.999999999.
    public static func time(_ text: UnsafeRawBufferPointer) -> TimeLiteral? {
        guard let start = text.baseAddress, text.count >= 8, text.count <= 18 else { return nil }
        var cursor = start
        let end = start + text.count
        guard let literal = clock(&cursor, end, needsSeconds: true), cursor == end else { return nil }
        return TimeLiteral(
            nanoseconds: Int64(literal.seconds) * 1_000_000_000 + Int64(literal.nanoseconds),
            fractionDigits: literal.fractionDigits)
    }

    /// A moment written as ISO 8601 says: `YYYY-MM-DD`, then `T` or a space, `HH:MM`, optionally `:SS` and up to nine
    /// digits of fraction, and optionally `Z`, `±hh`, `±hhmm` or `±hh:mm`.
    public static func timestamp(_ text: UnsafeRawBufferPointer) -> TimestampLiteral? {
        guard let start = text.baseAddress, text.count >= 16, text.count <= 35 else { return nil }
        let separator = start.load(fromByteOffset: 10, as: UInt8.self)
        guard separator == UInt8(ascii: "T") || separator == UInt8(ascii: " ") || separator == UInt8(ascii: "t"),
            let day = date(at: start)
        else { return nil }
        var cursor = start + 11
        let end = start + text.count
        guard let time = clock(&cursor, end, needsSeconds: false) else { return nil }
        var literal = TimestampLiteral(
            seconds: Int64(day) &* 86_400 &+ Int64(time.seconds), nanoseconds: time.nanoseconds,
            fractionDigits: time.fractionDigits, hasOffset: false)
        if cursor < end {
            guard let offset = offset(cursor, end) else { return nil }
            literal.seconds &-= Int64(offset)
            literal.hasOffset = true
        }
        return literal
    }

    /// Ten bytes `YYYY-MM-DD`.
    @inline(__always) static func date(at start: UnsafeRawPointer) -> Int32? {
        guard start.load(fromByteOffset: 4, as: UInt8.self) == UInt8(ascii: "-"),
            start.load(fromByteOffset: 7, as: UInt8.self) == UInt8(ascii: "-")
        else { return nil }
        let century = pair(start)
        let decade = pair(start + 2)
        let month = pair(start + 5)
        let day = pair(start + 8)
        guard century < 100, decade < 100, month &- 1 < 12, day &- 1 < 31 else { return nil }
        let year = Int32(truncatingIfNeeded: century &* 100 &+ decade)
        if day > 28, day > daysInMonth(month, year: year) { return nil }
        return daysSinceEpoch(year: year, month: Int32(truncatingIfNeeded: month), day: Int32(truncatingIfNeeded: day))
    }

    /// Two digits' number, or more than 99 when they are not digits.
    @inline(__always) private static func pair(_ start: UnsafeRawPointer) -> UInt {
        let tens = UInt(start.load(as: UInt8.self) &- 48)
        let ones = UInt(start.load(fromByteOffset: 1, as: UInt8.self) &- 48)
        return tens > 9 || ones > 9 ? 1000 : tens &* 10 &+ ones
    }

    private static func daysInMonth(_ month: UInt, year: Int32) -> UInt {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Days since 1970-01-01 of a day in the Gregorian calendar, carried back before its introduction; years from 0 on.
    @inline(__always) static func daysSinceEpoch(year: Int32, month: Int32, day: Int32) -> Int32 {
        // The year is taken to begin in March, so that the leap day is its last.
        let shifted = month <= 2 ? year &- 1 &+ 400 : year &+ 400
        let era = shifted / 400
        let yearOfEra = shifted &- era &* 400
        let dayOfYear = (153 &* (month > 2 ? month &- 3 : month &+ 9) &+ 2) / 5 &+ day &- 1
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return (era &- 1) &* 146_097 &+ dayOfEra &- 719_468
    }

    private struct Clock {
        var seconds: Int32
        var nanoseconds: Int32 = 0
        var fractionDigits = 0
    }

    /// `HH:MM`, `:SS` (which may be missing unless `needsSeconds`), and a fraction; leaves `cursor` behind them.
    @inline(__always) private static func clock(
        _ cursor: inout UnsafeRawPointer, _ end: UnsafeRawPointer, needsSeconds: Bool
    ) -> Clock? {
        guard end - cursor >= 5, cursor.load(fromByteOffset: 2, as: UInt8.self) == UInt8(ascii: ":") else { return nil }
        let hour = pair(cursor)
        let minute = pair(cursor + 3)
        guard hour < 24, minute < 60 else { return nil }
        var clock = Clock(seconds: Int32(truncatingIfNeeded: hour &* 3600 &+ minute &* 60))
        cursor += 5
        guard end - cursor >= 3, cursor.load(as: UInt8.self) == UInt8(ascii: ":") else {
            return needsSeconds ? nil : clock
        }
        let second = pair(cursor + 1)
        guard second < 60 else { return nil }
        clock.seconds &+= Int32(truncatingIfNeeded: second)
        cursor += 3
        guard cursor < end, cursor.load(as: UInt8.self) == UInt8(ascii: ".") else { return clock }
        cursor += 1
        var value: Int32 = 0
        var digits = 0
        while cursor < end, digits < 9 {
            let digit = cursor.load(as: UInt8.self) &- 48
            if digit > 9 { break }
            value = value &* 10 &+ Int32(digit)
            digits &+= 1
            cursor += 1
        }
        if digits == 0 { return nil }
        clock.fractionDigits = digits
        while digits < 9 {
            value = value &* 10
            digits &+= 1
        }
        clock.nanoseconds = value
        return clock
    }

    /// `Z`, `±hh`, `±hhmm` or `±hh:mm`, in seconds.
    private static func offset(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Int? {
        let sign = start.load(as: UInt8.self)
        let count = end - start
        if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return count == 1 ? 0 : nil }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), count >= 3 else { return nil }
        let hours = pair(start + 1)
        var minutes: UInt = 0
        switch count {
        case 3: break
        case 5: minutes = pair(start + 3)
        case 6 where start.load(fromByteOffset: 3, as: UInt8.self) == UInt8(ascii: ":"): minutes = pair(start + 4)
        default: return nil
        }
        guard hours < 24, minutes < 60 else { return nil }
        let seconds = Int(hours * 3600 + minutes * 60)
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }
}
