/// Times as records write them.
enum Times {
    private static let second: Int64 = 1_000_000
    /// What the years 0001 to 9999 are, in microseconds since 1970.
    private static let range = -62_135_596_800 * second...253_402_300_800 * second - 1

    /// Microseconds since 1970; nil when it is no time.
    @inline(__always) static func parse(_ text: Bytes) -> Int64? {
        let p = text.start
        // 2025-01-15T14:23:45Z, as nearly all are.
        if text.count == 20, p[4] == 0x2d, p[7] == 0x2d, p[10] == 0x54, p[13] == 0x3a, p[16] == 0x3a, p[19] == 0x5a {
            let century = two(p)
            let years = two(p + 2)
            let month = two(p + 5)
            let day = two(p + 8)
            let hour = two(p + 11)
            let minute = two(p + 14)
            let seconds = two(p + 17)
            guard (century | years | month | day | hour | minute | seconds) >= 0 else { return nil }
            guard hour < 24, minute < 60, seconds < 60 else { return nil }
            guard let days = days(century &* 100 &+ years, month, day) else { return nil }
            return Int64(((days &* 24 &+ hour) &* 60 &+ minute) &* 60 &+ seconds) &* second
        }
        return parseAny(text)
    }

    /// Two digits; negative when they are none.
    @inline(__always) private static func two(_ p: UnsafePointer<UInt8>) -> Int {
        let high = p[0] &- 0x30
        let low = p[1] &- 0x30
        return high < 10 && low < 10 ? Int(high) &* 10 &+ Int(low) : -1
    }

    /// Days since 1970; nil when there is no such day.
    @inline(__always) static func days(_ year: Int, _ month: Int, _ day: Int) -> Int? {
        guard year >= 1, month >= 1, month <= 12, day >= 1 else { return nil }
        if day > 28 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let last = month == 2 ? (isLeap ? 29 : 28) : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
            if day > last { return nil }
        }
        // Years begin in March here, so that the leap day is a year's last.
        let shifted = month <= 2 ? year &- 1 : year
        let era = shifted / 400
        let yearOfEra = shifted &- era &* 400
        let dayOfYear = (153 &* (month > 2 ? month &- 3 : month &+ 9) &+ 2) / 5 &+ day &- 1
        return era &* 146_097 &+ yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear &- 719_468
    }

    @inline(never) private static func parseAny(_ text: Bytes) -> Int64? {
        let p = text.start
        let end = text.count
        guard end >= 10, p[4] == 0x2d, p[7] == 0x2d else { return nil }
        let parts = [two(p), two(p + 2), two(p + 5), two(p + 8)]
        guard parts.allSatisfy({ $0 >= 0 }), let days = days(parts[0] * 100 + parts[1], parts[2], parts[3]) else {
            return nil
        }
        if end == 10 { return Int64(days) * 86_400 * second }
        guard end >= 16, p[10] | 0x20 == 0x74 || p[10] == 0x20, p[13] == 0x3a else { return nil }
        let hour = two(p + 11)
        let minute = two(p + 14)
        guard hour >= 0, hour < 24, minute >= 0, minute < 60 else { return nil }
        var at = 16
        var seconds = 0
        var fraction: Int64 = 0
        if at < end, p[at] == 0x3a {
            guard end >= 19 else { return nil }
            seconds = two(p + 17)
            guard seconds >= 0, seconds < 60 else { return nil }
            at = 19
            if at < end, p[at] == 0x2e {
                at += 1
                let first = at
                var unit: Int64 = 100_000
                while at < end, p[at] &- 0x30 < 10 {
                    fraction += Int64(p[at] &- 0x30) * unit
                    unit /= 10
                    at += 1
                }
                if at == first { return nil }
            }
        }
        guard let offset = offset(Bytes(p + at, end - at)) else { return nil }
        let local = ((days * 24 + hour) * 60 + minute) * 60 + seconds
        let time = Int64(local - offset) * second + fraction
        return range.contains(time) ? time : nil
    }

    /// The seconds that local time is ahead of UTC.
    private static func offset(_ zone: Bytes) -> Int? {
        let p = zone.start
        if zone.count == 0 { return 0 }
        if zone.count == 1 { return p[0] | 0x20 == 0x7a ? 0 : nil }
        guard p[0] == 0x2b || p[0] == 0x2d, zone.count == 3 || zone.count == 5 || zone.count == 6 else { return nil }
        let hours = two(p + 1)
        var minutes = 0
        if zone.count == 5 { minutes = two(p + 3) }
        if zone.count == 6 {
            guard p[3] == 0x3a else { return nil }
            minutes = two(p + 4)
        }
        guard hours >= 0, hours < 24, minutes >= 0, minutes < 60 else { return nil }
        let seconds = (hours * 60 + minutes) * 60
        return p[0] == 0x2d ? -seconds : seconds
    }
}

/// Days since 1970 as keys of a table.
enum Day {
    static func number(_ key: Bytes) -> Int { UnsafeRawPointer(key.start).loadUnaligned(as: Int.self) }
}

/// E-mail addresses, as far as their form goes.
enum EmailAddress {
    /// One `@`, something before it, and behind it something that has a dot and neither begins nor ends with one; no white
    /// space or control characters.
    @inline(__always) static func isOne(_ text: Bytes) -> Bool {
        let p = text.start
        var at = -1
        var dot = -1
        for index in 0..<text.count {
            let byte = p[index]
            if byte <= 0x20 || byte == 0x7f { return false }
            if byte == 0x40 {
                if at >= 0 { return false }
                at = index
            } else if byte == 0x2e, at >= 0, index > at &+ 1, index < text.count &- 1 {
                dot = index
            }
        }
        return at > 0 && dot > 0 && p[at &+ 1] != 0x2e && p[text.count &- 1] != 0x2e
    }
}
