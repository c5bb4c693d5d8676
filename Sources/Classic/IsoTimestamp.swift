/// Says which texts `datetime.fromisoformat` of Python 3.11 takes, once every `Z` has become `+00:00`.
///
/// It takes more than its documentation says, and this follows it: any one character between date and time, seconds
/// that run into their fraction, a blank before the zone. Behind the text stand zeros, which end it as in C.
struct IsoTimestamp {
    private var text: [UInt8] = []
    /// How many bytes of `text` count.
    private var count = 0

    /// Whether `source` is a timestamp.
    mutating func accepts(_ source: UnsafeBufferPointer<UInt8>) -> Bool {
        if IsoTimestamp.isUsual(source) { return true }
        guard replace(source) else { return false }
        guard let separator = separator(), let date = date(upTo: separator), isReal(date) else { return false }
        if count <= separator { return true }
        let lead = text[separator]
        let time = separator + (lead & 0x80 == 0 ? 1 : lead & 0xf0 == 0xe0 ? 3 : lead & 0xf0 == 0xf0 ? 4 : 2)
        return acceptsTime(from: time)
    }

    /// Whether `text` has the form that nearly all have, `2025-01-15T14:23:45Z`, and a day that every month has.
    private static func isUsual(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count == 20, let base = text.baseAddress else { return false }
        func number(_ place: Int) -> Int {
            let tens = base[place] &- 0x30
            let ones = base[place + 1] &- 0x30
            return tens > 9 || ones > 9 ? 100 : Int(tens) * 10 + Int(ones)
        }
        guard base[4] == 0x2d, base[7] == 0x2d, base[10] == 0x54, base[13] == 0x3a, base[16] == 0x3a, base[19] == 0x5a
        else { return false }
        let month = number(5)
        let day = number(8)
        return (1...99).contains(number(0)) && number(2) < 100 && (1...12).contains(month) && (1...28).contains(day)
            && number(11) < 24 && number(14) < 60 && number(17) < 60
    }

    /// Puts the text with its zones spelt out into `text`; false when it cannot be a timestamp.
    private mutating func replace(_ source: UnsafeBufferPointer<UInt8>) -> Bool {
        text.removeAll(keepingCapacity: true)
        var characters = 0
        var hasSurrogate = false
        var index = 0
        while index < source.count {
            let byte = source[index]
            index += 1
            if byte == UInt8(ascii: "Z") {
                text.append(contentsOf: "+00:00".utf8)
                characters += 6
            } else if byte == 0xed, index < source.count, source[index] >= 0xa0 {
                // A lone surrogate may stand where date and time meet, and nowhere else.
                if hasSurrogate || !(characters == 7 || characters == 8 || characters == 10) { return false }
                hasSurrogate = true
                text.append(UInt8(ascii: "T"))
                characters += 1
                index += 2
            } else {
                text.append(byte)
                if byte & 0xc0 != 0x80 { characters += 1 }
            }
        }
        count = text.count
        text.append(contentsOf: repeatElement(0, count: 16))
        return characters >= 7
    }

    // MARK: - The date

    /// Where the date ends.
    private func separator() -> Int? {
        if count == 7 { return 7 }
        if text[4] == UInt8(ascii: "-") {
            guard text[5] == UInt8(ascii: "W") else { return 10 }
            guard count > 8, text[8] == UInt8(ascii: "-") else { return 8 }
            if count == 9 { return nil }
            // A digit of the hour, unless it is that of the weekday.
            return count > 10 && isDigit(10) ? 8 : 10
        }
        guard text[4] == UInt8(ascii: "W") else { return 8 }
        var end = 7
        while end < count, isDigit(end) { end += 1 }
        return end < 9 ? end : end.isMultiple(of: 2) ? 7 : 8
    }

    private func date(upTo end: Int) -> (year: Int, month: Int, day: Int)? {
        guard let year = number(0, 4) else { return nil }
        let hasDashes = text[4] == UInt8(ascii: "-")
        var at = hasDashes ? 5 : 4
        if text[at] == UInt8(ascii: "W") {
            guard let week = number(at + 1, 2) else { return nil }
            at += 3
            var day = 1
            if at < end {
                if hasDashes {
                    guard text[at] == UInt8(ascii: "-") else { return nil }
                    at += 1
                }
                guard let weekday = number(at, 1) else { return nil }
                day = weekday
            }
            return IsoTimestamp.date(year: year, week: week, weekday: day)
        }
        guard let month = number(at, 2) else { return nil }
        at += 2
        if hasDashes {
            guard text[at] == UInt8(ascii: "-") else { return nil }
            at += 1
        }
        guard let day = number(at, 2) else { return nil }
        return (year, month, day)
    }

    private static func date(year: Int, week: Int, weekday: Int) -> (year: Int, month: Int, day: Int)? {
        guard (1...9999).contains(year), (1...7).contains(weekday), (1...53).contains(week) else { return nil }
        let first = daysBefore(year: year)
        // Day 1 of year 1 was a Monday.
        let firstWeekday = first % 7
        if week == 53, !(firstWeekday == 3 || (firstWeekday == 2 && isLeap(year))) { return nil }
        let monday = first - firstWeekday + (firstWeekday > 3 ? 7 : 0)
        let day = monday + (week - 1) * 7 + weekday - 1
        // Which day it is matters only as far as the calendar ends.
        return day < daysBefore(year: 10_000) && day >= 0 ? (year, 1, 1) : nil
    }

    private static func daysBefore(year: Int) -> Int {
        let years = year - 1
        return years * 365 + years / 4 - years / 100 + years / 400
    }

    private static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private func isReal(_ date: (year: Int, month: Int, day: Int)) -> Bool {
        guard (1...9999).contains(date.year), (1...12).contains(date.month) else { return false }
        let lengths = [31, IsoTimestamp.isLeap(date.year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return date.day >= 1 && date.day <= lengths[date.month - 1]
    }

    // MARK: - The time

    private struct Clock {
        var parts = (hour: 0, minute: 0, second: 0)
        var microsecond = 0
        /// Whether something stands behind it.
        var hasMore = false
    }

    private func acceptsTime(from begin: Int) -> Bool {
        var zone = begin
        while zone < count, !(text[zone] == UInt8(ascii: "+") || text[zone] == UInt8(ascii: "-")) { zone += 1 }
        guard let time = clock(begin, upTo: zone) else { return false }
        guard time.parts.hour < 24, time.parts.minute < 60, time.parts.second < 60 else { return false }
        if zone >= count { return !time.hasMore }
        guard let offset = clock(zone + 1, upTo: count), !offset.hasMore else { return false }
        let seconds = offset.parts.hour * 3600 + offset.parts.minute * 60 + offset.parts.second
        return seconds < 86400
    }

    /// Reads `14`, `14:23`, `14:23:45` or `14:23:45.678901`, with or without colons.
    private func clock(_ begin: Int, upTo end: Int) -> Clock? {
        var clock = Clock()
        var at = begin
        var hasColons = true
        steps: for step in 0..<3 {
            guard let value = number(at, 2) else { return nil }
            switch step {
            case 0: clock.parts.hour = value
            case 1: clock.parts.minute = value
            default: clock.parts.second = value
            }
            let mark = text[at + 2]
            at += 3
            if step == 0 { hasColons = mark == UInt8(ascii: ":") }
            if at >= end {
                clock.hasMore = mark != 0
                return clock
            }
            switch mark {
            case UInt8(ascii: ":") where hasColons: continue
            case UInt8(ascii: "."), UInt8(ascii: ","): break steps
            default:
                if hasColons { return nil }
                at -= 1
            }
        }
        let digits = min(end - at, 6)
        guard let fraction = number(at, digits) else { return nil }
        clock.microsecond = fraction
        at += digits
        while isDigit(at) { at += 1 }
        clock.hasMore = text[at] != 0
        return clock
    }

    // MARK: - Digits

    private func isDigit(_ place: Int) -> Bool { text[place] &- UInt8(ascii: "0") <= 9 }

    private func number(_ place: Int, _ digits: Int) -> Int? {
        var number = 0
        for index in place..<place + digits {
            guard index < text.count, isDigit(index) else { return nil }
            number = number * 10 + Int(text[index] - UInt8(ascii: "0"))
        }
        return number
    }
}
