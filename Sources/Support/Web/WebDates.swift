import Glibc

extension Moment {
    /// Whole seconds since 1970.
    public var seconds: Int { Int(microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000) }

    /// The moment so many seconds after 1970.
    public init(seconds: Int) {
        // What does not fit (a hostile server's date) stands still at the end of time.
        let (product, overflow) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000)
        self.init(microseconds: overflow ? (seconds < 0 ? .min : .max) : product)
    }

    /// `Sat, 21 Nov 2026 05:32:56 GMT`, as HTTP writes dates.
    public var httpDate: String {
        let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        let parts = day.split(separator: "-")
        let month = Int(parts[1]).map { Moment.months[$0 - 1] } ?? ""
        return "\(names[((days + 4) % 7 + 7) % 7]), \(parts[2]) \(month) \(parts[0]) \(clock) GMT"
    }

    /// `2026-11-21T05:32:56Z`
    public var isoSeconds: String { "\(day)T\(clock)Z" }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The moment of a date as HTTP writes it, of RFC 1123, 850 or asctime.
    public init?(httpDate text: String) {
        let words = text.split(whereSeparator: { " ,-".contains($0) }).map(String.init)
        guard words.count >= 5 else { return nil }
        // asctime has the month first and the year last; the others day, month, year, clock.
        let isAsctime = Moment.months.contains(words[1])
        guard let month = Moment.months.firstIndex(of: words[isAsctime ? 1 : 2]),
            let day = Int(words[isAsctime ? 2 : 1]), var year = Int(words[isAsctime ? 4 : 3]),
            let second = Moment.second(ofDay: words[isAsctime ? 3 : 4])
        else { return nil }
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        guard let days = Moment.days(year, month + 1, day) else { return nil }
        self.init(seconds: days * 86_400 + second)
    }

    /// The moment of an ISO 8601 date and time: with up to nine digits behind the second, and with `Z`, an offset or no
    /// zone, which means UTC.
    public init?(iso text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = Moment.number(bytes[0..<4]), let month = Moment.number(bytes[5..<7]),
            let day = Moment.number(bytes[8..<10]), let days = Moment.days(year, month, day)
        else { return nil }
        var rest = bytes[10...]
        var microseconds: Int64 = 0
        var second = 0
        if let separator = rest.first {
            guard separator == UInt8(ascii: "T") || separator == UInt8(ascii: "t") || separator == UInt8(ascii: " "),
                rest.count >= 9,
                let time = Moment.second(ofDay: String(decoding: rest.dropFirst().prefix(8), as: UTF8.self))
            else { return nil }
            second = time
            rest = rest.dropFirst(9)
            if rest.first == UInt8(ascii: ".") {
                let digits = rest.dropFirst().prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
                guard (1...9).contains(digits.count), let value = Moment.number(digits.prefix(6)) else { return nil }
                microseconds = Int64(value)
                for _ in digits.count..<max(6, digits.count) { microseconds *= 10 }
                rest = rest.dropFirst(1 + digits.count)
            }
            guard let offset = Moment.offset(String(decoding: rest, as: UTF8.self)) else { return nil }
            second -= offset
        }
        self.init(microseconds: Int64(days * 86_400 + second) * 1_000_000 + microseconds)
    }

    /// The seconds by which a zone is before UTC.
    private static func offset(_ zone: String) -> Int? {
        if zone.isEmpty || zone == "Z" || zone == "z" { return 0 }
        let digits = zone.dropFirst().filter { $0 != ":" }
        guard let sign = zone.first, sign == "+" || sign == "-", digits.count == 4 || digits.count == 2,
            let number = Moment.number(Array(digits.utf8)[...])
        else { return nil }
        let seconds = digits.count == 2 ? number * 3600 : number / 100 * 3600 + number % 100 * 60
        return sign == "-" ? -seconds : seconds
    }

    private static func second(ofDay clock: String) -> Int? {
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ $0.utf8.count == 2 }),
            let hour = number(Array(parts[0].utf8)[...]), let minute = number(Array(parts[1].utf8)[...]),
            let second = number(Array(parts[2].utf8)[...]), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    /// Days since 1970; nil for a day that the calendar does not have.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int? {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...9999).contains(year), (1...12).contains(month), (1...lengths[month - 1]).contains(day) else {
            return nil
        }
        let before = year - 1
        let leapDays = before / 4 - before / 100 + before / 400
        return before * 365 + leapDays + lengths[..<(month - 1)].reduce(0, +) + day - 1 - 719_162
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}
