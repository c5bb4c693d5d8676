/// A day of the proleptic Gregorian calendar, which ISO 8601 goes by.
public struct CalendarDay: Sendable, Equatable {
    /// Days since 1970-01-01.
    public let number: Int

    /// The day so many days after 1970-01-01.
    init(number: Int) { self.number = number }

    /// A day that exists.
    public init(year: Int, month: Int, day: Int) {
        // Years begin in March, so that the leap day is the last of one; four centuries always have 146,097 days.
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        number = era * 146_097 + dayOfEra - 719_468
    }

    /// The day that `2025-01-31` means; nil when there is no such day.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2] else { return nil }
        guard text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) }) else {
            return nil
        }
        guard let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]) else { return nil }
        guard year >= 1, 1...12 ~= month, 1...31 ~= day else { return nil }
        self.init(year: year, month: month, day: day)
        // The 30th of February is a day of March.
        if civil != (year, month, day) { return nil }
    }

    /// The last day that has a year of four digits.
    static let last = CalendarDay(year: 9999, month: 12, day: 31)

    /// Year, month and day of the month.
    @inline(__always) var civil: (year: Int, month: Int, day: Int) {
        let shifted = number &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let shiftedMonth = (5 &* dayOfYear &+ 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth &+ 3 : shiftedMonth &- 9
        let day = dayOfYear &- (153 &* shiftedMonth &+ 2) / 5 &+ 1
        return (yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0), month, day)
    }

    /// `2025-01-31`
    public var text: String {
        let (year, month, day) = civil
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

/// A moment in whole seconds, as text.
struct Timestamp {
    /// Seconds since 1970.
    let second: Int

    private var day: CalendarDay { CalendarDay(number: (second - secondOfDay) / 86_400) }
    private var secondOfDay: Int { (second % 86_400 + 86_400) % 86_400 }
    private var clock: [String] { [secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60].map { padded($0, 2) } }

    /// `2025-01-31T14:23:45Z`
    var text: String { "\(day.text)T\(clock.joined(separator: ":"))Z" }

    /// `20250131_142345`
    var stamp: String { day.text.filter { $0 != "-" } + "_" + clock.joined() }
}

private func padded(_ number: Int, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.count)) + text
}
