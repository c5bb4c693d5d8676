public import Support

extension ValueText {
    /// Appends a day as ISO 8601: `2024-02-29`. Years beyond four digits carry a sign, as the standard demands:
    /// `+10000-01-01`, `-0044-03-15`.
    public static func append(days: Int, to out: MutableBuffer) {
        out.reserve(32)
        let place = (out.base + out.count).assumingMemoryBound(to: UInt8.self)
        out.count &+= writeDay(days, to: place)
    }

    /// Appends a time of day: `13:07:09`, with 3, 6 or 9 places of fraction where there is one.
    ///
    /// Ticks beyond a day, which a hostile file may hold, show as more hours or with a minus.
    public static func append(time ticks: Int64, unit: TimeUnit, to out: MutableBuffer) {
        out.reserve(48)
        var place = (out.base + out.count).assumingMemoryBound(to: UInt8.self)
        let start = place
        if ticks < 0 {
            place.pointee = UInt8(ascii: "-")
            place += 1
        }
        let perSecond = UInt64(unit.ticksPerSecond)
        let (seconds, fraction) = ticks.magnitude.quotientAndRemainder(dividingBy: perSecond)
        let hours = seconds / 3600
        if hours < 100 {
            writeDigits(hours, count: 2, to: place)
            place += 2
        } else {
            place += writeDigits(hours, to: place)
        }
        place = writeMinutes(seconds % 3600, to: place)
        out.count &+= writeFraction(fraction, unit: unit, to: place) - start
    }

    /// Appends a moment as ISO 8601: `2024-02-29T13:07:09.123`, with a `Z` when it `isUTC`.
    public static func append(timestamp ticks: Int64, unit: TimeUnit, isUTC: Bool, to out: MutableBuffer) {
        out.reserve(64)
        var place = (out.base + out.count).assumingMemoryBound(to: UInt8.self)
        let start = place
        let (seconds, fraction) = ticks.flooredDivision(by: unit.ticksPerSecond)
        let (days, second) = seconds.flooredDivision(by: 86400)
        place += writeDay(Int(days), to: place)
        place.pointee = UInt8(ascii: "T")
        writeDigits(UInt64(second) / 3600, count: 2, to: place + 1)
        place = writeMinutes(UInt64(second) % 3600, to: place + 3)
        place = writeFraction(UInt64(fraction), unit: unit, to: place)
        if isUTC {
            place.pointee = UInt8(ascii: "Z")
            place += 1
        }
        out.count &+= place - start
    }
}

/// Writes `:mm:ss`.
@inline(__always) private func writeMinutes(
    _ seconds: UInt64, to place: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
    place[0] = UInt8(ascii: ":")
    writeDigits(seconds / 60, count: 2, to: place + 1)
    place[3] = UInt8(ascii: ":")
    writeDigits(seconds % 60, count: 2, to: place + 4)
    return place + 6
}

/// Writes a point and 3, 6 or 9 places, the fewest that hold `ticks`; nothing when there are none.
@inline(__always) private func writeFraction(
    _ ticks: UInt64, unit: TimeUnit, to place: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
    if ticks == 0 { return place }
    var ticks = ticks
    var places =
        switch unit {
        case .second: 0
        case .millisecond: 3
        case .microsecond: 6
        case .nanosecond: 9
        }
    while places > 3, ticks % 1000 == 0 {
        ticks /= 1000
        places &-= 3
    }
    place.pointee = UInt8(ascii: ".")
    writeDigits(ticks, count: places, to: place + 1)
    return place + (1 + places)
}

/// Writes a day since 1970-01-01 of the proleptic Gregorian calendar; returns how many bytes.
@inline(__always) private func writeDay(_ days: Int, to start: UnsafeMutablePointer<UInt8>) -> Int {
    let (year, month, day) = civilDay(days)
    var place = start
    if year >= 0, year <= 9999 {
        writeDigits(UInt64(year), count: 4, to: place)
        place += 4
    } else {
        place.pointee = year < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
        let digits = max(4, digitCount(UInt64(year.magnitude)))
        writeDigits(UInt64(year.magnitude), count: digits, to: place + 1)
        place += 1 + digits
    }
    place[0] = UInt8(ascii: "-")
    writeDigits(UInt64(month), count: 2, to: place + 1)
    place[3] = UInt8(ascii: "-")
    writeDigits(UInt64(day), count: 2, to: place + 4)
    return place + 6 - start
}

/// The year, month and day that lie `days` after 1970-01-01.
///
/// Counts from 0000-03-01 in eras of 400 years, so that leap days end a year and an era.
@inline(__always) func civilDay(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days &+ 719_468
    let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
    let dayOfEra = UInt32(truncatingIfNeeded: shifted &- era &* 146_097)
    let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36524 &- dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
    let shiftedMonth = (5 &* dayOfYear &+ 2) / 153
    let day = dayOfYear &- (153 &* shiftedMonth &+ 2) / 5 &+ 1
    let month = shiftedMonth < 10 ? shiftedMonth &+ 3 : shiftedMonth &- 9
    return (Int(yearOfEra) &+ era &* 400 &+ (month <= 2 ? 1 : 0), Int(month), Int(day))
}

extension Int64 {
    /// The quotient rounded down, and what is left, which is never negative; `divisor` is positive.
    @inline(__always) func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let quotient = self / divisor
        let remainder = self &- quotient &* divisor
        return remainder < 0 ? (quotient &- 1, remainder &+ divisor) : (quotient, remainder)
    }
}
