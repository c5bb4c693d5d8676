import CODBC
import Columns
import Support

/// Single values as drivers write them, turned into what lies in a column.
enum FetchParsing {
    /// Stores the value of `cell` at `out`; false when the column's type cannot hold it.
    @inline(__always) static func store(
        _ cell: UnsafeRawPointer, _ length: Int, _ kind: ODBCType, _ out: UnsafeMutableRawPointer
    ) -> Bool {
        switch kind.form {
        case .decimalText:
            guard case .decimal(let precision, let scale) = kind.type,
                let value = decimal(UnsafeRawBufferPointer(start: cell, count: length), precision, scale)
            else { return false }
            out.storeBytes(of: value, as: Int128.self)
        case .double: out.storeBytes(of: Float(cell.load(as: Double.self)), as: Float.self)
        case .date:
            let date = cell.load(as: SQL_DATE_STRUCT.self)
            guard isDay(Int(date.year), Int(date.month), Int(date.day)) else { return false }
            let days = days(Int(date.year), Int(date.month), Int(date.day))
            out.storeBytes(of: Int32(truncatingIfNeeded: days), as: Int32.self)
        case .timestamp:
            let moment = cell.load(as: SQL_TIMESTAMP_STRUCT.self)
            guard
                let ticks = ticks(
                    year: moment.year, month: moment.month, day: moment.day, hour: moment.hour, minute: moment.minute,
                    second: moment.second, fraction: moment.fraction, offset: 0, kind.type)
            else { return false }
            out.storeBytes(of: ticks, as: Int64.self)
        case .timestampOffset:
            let moment = cell.load(as: SQL_SS_TIMESTAMPOFFSET_STRUCT.self)
            let offset = Int(moment.timezone_hour) * 60 + Int(moment.timezone_minute)
            guard
                let ticks = ticks(
                    year: moment.year, month: moment.month, day: moment.day, hour: moment.hour, minute: moment.minute,
                    second: moment.second, fraction: moment.fraction, offset: offset, kind.type)
            else { return false }
            out.storeBytes(of: ticks, as: Int64.self)
        case .time2:
            let time = cell.load(as: SQL_SS_TIME2_STRUCT.self)
            guard time.hour < 24, time.minute < 60, time.second < 60, time.fraction < 1_000_000_000,
                case .time(let unit) = kind.type
            else { return false }
            let seconds = Int64(time.hour) * 3600 + Int64(time.minute) * 60 + Int64(time.second)
            let nanoseconds = seconds * 1_000_000_000 + Int64(time.fraction)
            let (ticks, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000 / unit.ticksPerSecond)
            guard rest == 0 else { return false }
            out.storeBytes(of: ticks, as: Int64.self)
        case .timeText:
            guard case .time(let unit) = kind.type,
                let ticks = TextParser.time(UnsafeRawBufferPointer(start: cell, count: length))?.ticks(unit)
            else { return false }
            out.storeBytes(of: ticks, as: Int64.self)
        case .guid:
            // The first three parts come as numbers of the machine, the column has the bytes as they are written.
            let first = cell.loadUnaligned(as: UInt32.self).bigEndian
            let second = cell.loadUnaligned(fromByteOffset: 4, as: UInt16.self).bigEndian
            let third = cell.loadUnaligned(fromByteOffset: 6, as: UInt16.self).bigEndian
            out.storeBytes(of: first, as: UInt32.self)
            out.storeBytes(of: second, toByteOffset: 4, as: UInt16.self)
            out.storeBytes(of: third, toByteOffset: 6, as: UInt16.self)
            (out + 8).copyMemory(from: cell + 8, byteCount: 8)
        case .fixed, .bit, .text, .bytes: return false
        }
        return true
    }

    // MARK: Numbers

    /// 10⁰ to 10³⁸, which is the largest that 128 bits hold.
    private static let powersOfTen: [Int128] = {
        var powers: [Int128] = [1]
        for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    /// `[-+]digits[.digits]` as a decimal, exactly; nil when it is none or does not fit.
    @inline(__always) static func decimal(_ text: UnsafeRawBufferPointer, _ precision: Int, _ scale: Int) -> Int128? {
        var position = 0
        let end = text.count
        guard let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self), end > 0 else { return nil }
        let isNegative = start[0] == UInt8(ascii: "-")
        if isNegative || start[0] == UInt8(ascii: "+") { position = 1 }
        // Eighteen digits fit 64 bits; most numbers end before that.
        var value: UInt64 = 0
        var digits = 0
        var behind = -1
        while position < end, digits < 18 {
            let byte = start[position]
            let digit = byte &- 48
            if digit < 10 {
                value = value &* 10 &+ UInt64(digit)
                digits &+= 1
                if behind >= 0 { behind &+= 1 }
            } else if byte == UInt8(ascii: "."), behind < 0 {
                behind = 0
            } else {
                return TextParser.decimal(text, precision: precision, scale: scale)
            }
            position &+= 1
        }
        behind = max(0, behind)
        guard position == end, digits > 0, behind <= scale else {
            return TextParser.decimal(text, precision: precision, scale: scale)
                ?? decimalWithoutZero(text, precision, scale)
        }
        let scaled = Int128(value) * powersOfTen[scale - behind]
        guard scaled < powersOfTen[precision] else { return nil }
        return isNegative ? -scaled : scaled
    }

    /// SQL Server writes `.5` for 0.5, which is no number elsewhere.
    private static func decimalWithoutZero(_ text: UnsafeRawBufferPointer, _ precision: Int, _ scale: Int) -> Int128? {
        var bytes = Array(text)
        let sign = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") ? 1 : 0
        guard bytes.count > sign, bytes[sign] == UInt8(ascii: ".") else { return nil }
        bytes.insert(UInt8(ascii: "0"), at: sign)
        return bytes.withUnsafeBytes { TextParser.decimal($0, precision: precision, scale: scale) }
    }

    // MARK: Times

    private static func isDay(_ year: Int, _ month: Int, _ day: Int) -> Bool {
        guard (1...12).contains(month), day >= 1 else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let last = month == 2 ? (isLeap ? 29 : 28) : (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31)
        return day <= last
    }

    /// Days since 1970-01-01 of a day of the Gregorian calendar.
    @inline(__always) static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    @inline(__always) private static func ticks(
        year: Int16, month: UInt16, day: UInt16, hour: UInt16, minute: UInt16, second: UInt16, fraction: UInt32,
        offset: Int, _ type: DataType
    ) -> Int64? {
        guard isDay(Int(year), Int(month), Int(day)), hour < 24, minute < 60, second < 60, fraction < 1_000_000_000,
            case .timestamp(let unit, _) = type
        else { return nil }
        let clock = Int(hour) * 3600 + Int(minute) * 60 + Int(second) - offset * 60
        let seconds = Int64(days(Int(year), Int(month), Int(day)) * 86_400 + clock)
        return TimestampLiteral(
            seconds: seconds, nanoseconds: Int32(fraction), fractionDigits: 9, hasOffset: false
        ).ticks(unit)
    }

    /// A value that does not fit, for a message.
    static func shown(_ cell: UnsafeRawPointer, _ length: Int, _ kind: ODBCType) -> String {
        func two(_ number: some BinaryInteger) -> String { (number < 10 ? "0" : "") + "\(number)" }
        func fraction(_ nanoseconds: UInt32) -> String {
            if nanoseconds == 0 { return "" }
            let digits = String(nanoseconds)
            return "." + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
        }
        switch kind.form {
        case .date:
            let date = cell.load(as: SQL_DATE_STRUCT.self)
            return "\(date.year)-\(two(date.month))-\(two(date.day))"
        case .timestamp:
            let at = cell.load(as: SQL_TIMESTAMP_STRUCT.self)
            return "\(at.year)-\(two(at.month))-\(two(at.day)) \(two(at.hour)):\(two(at.minute)):\(two(at.second))"
                + fraction(at.fraction)
        case .timestampOffset:
            let at = cell.load(as: SQL_SS_TIMESTAMPOFFSET_STRUCT.self)
            return "\(at.year)-\(two(at.month))-\(two(at.day)) \(two(at.hour)):\(two(at.minute)):\(two(at.second))"
                + fraction(at.fraction) + " offset \(at.timezone_hour):\(at.timezone_minute)"
        case .time2:
            let at = cell.load(as: SQL_SS_TIME2_STRUCT.self)
            return "\(two(at.hour)):\(two(at.minute)):\(two(at.second))" + fraction(at.fraction)
        default:
            return String(decoding: UnsafeRawBufferPointer(start: cell, count: max(0, length)), as: UTF8.self)
        }
    }
}
