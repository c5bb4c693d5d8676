import Glibc
public import Support

/// A moment as the clock on the wall shows it, without a time zone: what Python calls a naive `datetime`.
public struct LocalTime: Sendable, Hashable {
    /// Microseconds since 1970-01-01T00:00:00 on that clock.
    public var microseconds: Int64

    /// The time so many microseconds after 1970 began on that clock.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// `moment` in the time zone of the process.
    public init(_ moment: Moment) {
        var time = time_t(moment.microseconds.flooredDivision(by: 1_000_000))
        var parts = tm()
        localtime_r(&time, &parts)
        microseconds = moment.microseconds + Int64(parts.tm_gmtoff) * 1_000_000
    }

    /// This very moment.
    public static var now: LocalTime { LocalTime(Moment.now) }

    /// `2025-01-17T14:35:22.123456Z`, as Python's `isoformat()` and a `Z`: microseconds that are 0 are left out.
    public var iso: String {
        let moment = Moment(microseconds: microseconds)
        return microseconds.isMultiple(of: 1_000_000) ? "\(moment.day)T\(moment.clock)Z" : moment.iso
    }

    /// `20250117_143522`, for the names of files.
    public var compact: String {
        let moment = Moment(microseconds: microseconds)
        return moment.day.filter { $0 != "-" } + "_" + moment.clock.filter { $0 != ":" }
    }

    /// How many seconds lie between two times, to two digits.
    func seconds(since start: LocalTime) -> PythonValue {
        .real(PythonFloat.round2(Double(microseconds - start.microseconds) / 1_000_000))
    }
}

extension Int64 {
    /// The quotient, rounded down also below zero.
    fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
