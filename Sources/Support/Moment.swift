import Glibc

/// A moment in microseconds since 1970, UTC: what run records, logs and names of staged files are made of.
public struct Moment: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var microseconds: Int64

    /// The moment so many microseconds after 1970.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// This very moment.
    public static var now: Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Moment(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Whether `left` is earlier.
    public static func < (left: Moment, right: Moment) -> Bool { left.microseconds < right.microseconds }

    /// `2026-11-21`
    public var day: String {
        let parts = civil
        return "\(Moment.digits(parts.year, 4))-\(Moment.digits(parts.month, 2))-\(Moment.digits(parts.day, 2))"
    }

    /// `05:32:56`
    public var clock: String {
        let second = civil.second
        return [second / 3600, second / 60 % 60, second % 60].map { Moment.digits($0, 2) }.joined(separator: ":")
    }

    /// `2026-11-21T05:32:56.123456Z`
    public var iso: String { "\(day)T\(clock).\(Moment.digits(civil.microsecond, 6))Z" }

    /// `20261121T053256123456Z`, which is safe in a file's name.
    public var compact: String {
        let parts = civil
        let date = Moment.digits(parts.year, 4) + Moment.digits(parts.month, 2) + Moment.digits(parts.day, 2)
        return date + "T" + clock.filter { $0 != ":" } + Moment.digits(parts.microsecond, 6) + "Z"
    }

    /// The parts of the calendar and the clock.
    private var civil: (year: Int, month: Int, day: Int, second: Int, microsecond: Int) {
        let seconds = Int(microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000)
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        return (
            Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday),
            Int(parts.tm_hour) * 3600 + Int(parts.tm_min) * 60 + Int(parts.tm_sec),
            Int(microseconds) - seconds * 1_000_000
        )
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
