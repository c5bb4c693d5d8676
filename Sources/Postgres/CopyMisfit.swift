import Glibc
import Support

extension CopySource {
    /// Why a value cannot be written, if there is one: the server's days, times and timestamps have limits, and
    /// microseconds, and its text has no zero bytes. Looked for before anything is written, so that writing itself has nothing to check.
    func misfit() -> String? {
        // From 4714-11-24 BC, in days and microseconds from 2000-01-01; the upper limits are the server's as well.
        switch kind {
        case .bytes, .jsonb:
            return holdsText ? textMisfit(isJSONB: kind == .jsonb) : nil
        case .date:
            return firstMisfit { row in
                let days = Int64(load(row, Int32.self)) - 10_957
                return (-2_451_545..<2_145_031_949).contains(days) ? nil : "a day lies outside what the server holds"
            }
        case .time:
            return firstMisfit { row in
                let ticks = narrowTime ? Int64(load(row, Int32.self)) : load(row, Int64.self)
                if divides, ticks % 1000 != 0 { return "nanoseconds do not fit the server's microseconds" }
                let (micros, overflow) = microseconds(ticks)
                return !overflow && (0...86_400_000_000).contains(micros)
                    ? nil : "a time lies outside of the day, which the server does not hold"
            }
        case .timestamp:
            return firstMisfit { row in
                let ticks = load(row, Int64.self)
                if divides, ticks % 1000 != 0 { return "nanoseconds do not fit the server's microseconds" }
                let (micros, overflow) = microseconds(ticks)
                let (moved, beyond) = micros.subtractingReportingOverflow(946_684_800_000_000)
                let held: Range<Int64> = -211_813_488_000_000_000..<9_223_371_331_200_000_000
                return !overflow && !beyond && held.contains(moved)
                    ? nil : "a moment lies outside what the server holds"
            }
        default: return nil
        }
    }

    private func microseconds(_ ticks: Int64) -> (value: Int64, overflow: Bool) {
        if divides { return (ticks / 1000, false) }
        let (value, overflow) = ticks.multipliedReportingOverflow(by: Int64(parameter))
        return (value, overflow)
    }

    @inline(__always) private func firstMisfit(_ reason: (Int) -> String?) -> String? {
        for row in 0..<count {
            if let validity {
                let bit = offset &+ row
                let byte = validity.load(fromByteOffset: bit >> 3, as: UInt8.self)
                if byte & (1 << UInt8(truncatingIfNeeded: bit & 7)) == 0 { continue }
            }
            if let reason = reason(row) { return reason }
        }
        return nil
    }

    /// The server keeps text without zero bytes, and in jsonb none that is written as an escape either, nor half of a
    /// surrogate pair.
    private func textMisfit(isJSONB: Bool) -> String? {
        let first = Int(offsets.loadUnaligned(fromByteOffset: offset &* 4, as: Int32.self))
        let last = Int(offsets.loadUnaligned(fromByteOffset: (offset &+ count) &* 4, as: Int32.self))
        guard last > first else { return nil }
        if memchr(values + first, 0, last - first) != nil {
            return "a text has a zero byte in it, which the server does not hold"
        }
        guard isJSONB else { return nil }
        let bytes = UnsafeRawBufferPointer(start: values + first, count: last - first)
        var position = 0
        while let found = memchr(values + first + position, Int32(UInt8(ascii: "\\")), bytes.count - position) {
            position = UnsafeRawPointer(found) - (values + first)
            guard position + 5 < bytes.count, bytes[position + 1] == UInt8(ascii: "u") else {
                // Any other escape takes its next byte with it, a second backslash above all.
                position += 2
                if position >= bytes.count { break }
                continue
            }
            let unit = Self.hexadecimal(bytes, at: position + 2)
            position += 6
            switch unit {
            case 0: return "a JSON text has an escaped zero character in it, which the server's jsonb does not hold"
            case 0xd800..<0xdc00:
                let isPair =
                    position + 5 < bytes.count && bytes[position] == UInt8(ascii: "\\")
                    && bytes[position + 1] == UInt8(ascii: "u")
                    && (0xdc00..<0xe000).contains(Self.hexadecimal(bytes, at: position + 2))
                if !isPair {
                    return "a JSON text has half of a surrogate pair in it, which the server's jsonb does not hold"
                }
                position += 6
            case 0xdc00..<0xe000:
                return "a JSON text has half of a surrogate pair in it, which the server's jsonb does not hold"
            default: break
            }
            if position >= bytes.count { break }
        }
        return nil
    }

    private static func hexadecimal(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
        var value = 0
        for index in start..<start + 4 {
            value = value << 4 | (Character(UnicodeScalar(bytes[index])).hexDigitValue ?? 0)
        }
        return value
    }
}
