import Glibc
import Support

/// When a scheduled job runs: five fields (minute, hour, day, month, weekday), in UTC.
///
/// A day has to fit both its fields when one of them is `*`, and either of them when neither is, as in every cron.
struct CronSchedule: Sendable, Equatable {
    private let minutes, hours, days, months, weekdays: Set<Int>
    private let isAnyDay: Bool
    private let isAnyWeekday: Bool

    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    /// - throws: `SluiceError` with the field that cannot be read.
    init(_ text: String) throws(SluiceError) {
        let fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        guard fields.count == 5 else {
            throw SluiceError(
                .invalidConfiguration,
                "\"\(text)\" has \(fields.count) fields; expected five: minute, hour, day, month, weekday")
        }
        minutes = try Self.field(fields[0], 0...59, "minute")
        hours = try Self.field(fields[1], 0...23, "hour")
        days = try Self.field(fields[2], 1...31, "day")
        months = try Self.field(fields[3], 1...12, "month", names: Self.monthNames, first: 1)
        // Sunday is 0, and 7 as well.
        weekdays = Set(try Self.field(fields[4], 0...7, "weekday", names: Self.dayNames).map { $0 % 7 })
        isAnyDay = fields[2].hasPrefix("*") || fields[2] == "?"
        isAnyWeekday = fields[4].hasPrefix("*") || fields[4] == "?"
    }

    private static func field(
        _ text: String, _ range: ClosedRange<Int>, _ what: String, names: [String] = [], first: Int = 0
    ) throws(SluiceError) -> Set<Int> {
        let wrong = SluiceError(
            .invalidConfiguration,
            "the \(what) \"\(text)\" cannot be read; expected *, numbers from \(range.lowerBound) to \(range.upperBound), ranges (1-5), lists (1,2) or steps (*/5)"
        )
        func number(_ text: Substring) -> Int? {
            if let name = names.firstIndex(of: text.lowercased()) { return name + first }
            guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
                let number = Int(text), range.contains(number)
            else { return nil }
            return number
        }
        var all: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            var step = 1
            if halves.count == 2 {
                guard let number = Int(halves[1]), number > 0, number <= range.upperBound else { throw wrong }
                step = number
            }
            guard let span = halves.first else { throw wrong }
            var (low, high) = (range.lowerBound, range.upperBound)
            if span != "*", span != "?" {
                let ends = span.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
                guard let from = ends.first.flatMap({ number($0) }) else { throw wrong }
                low = from
                if ends.count == 2 {
                    guard let to = number(ends[1]), to >= from else { throw wrong }
                    high = to
                } else if halves.count == 1 {
                    high = from
                }
            }
            all.formUnion(stride(from: low, through: high, by: step))
        }
        return all
    }

    /// Whether it is due in the minute that a moment lies in.
    func isDue(_ moment: Moment) -> Bool {
        var time = time_t(moment.seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        guard minutes.contains(Int(parts.tm_min)), hours.contains(Int(parts.tm_hour)),
            months.contains(Int(parts.tm_mon) + 1)
        else { return false }
        let (day, weekday) = (days.contains(Int(parts.tm_mday)), weekdays.contains(Int(parts.tm_wday)))
        return isAnyDay || isAnyWeekday ? day && weekday : day || weekday
    }
}
