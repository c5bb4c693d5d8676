import Support

/// How physical values become a column's values.
enum Conversion: Sendable, Hashable {
    /// They are the same bytes.
    case none
    /// Of four bytes the lowest so many; the others must say the same.
    case narrow(bytes: Int, signed: Bool)
    /// Four signed bytes to sixteen.
    case widen32
    /// Eight signed bytes to sixteen.
    case widen64
    /// Big-endian two's complement of fixed or any length to sixteen bytes.
    case bigEndian
    /// Nanoseconds and a Julian day to ticks since 1970.
    case int96(ticksPerSecond: Int64)

    /// Converts `count` values of `width` bytes each, which lie one after the other before `end`.
    func apply(
        _ input: UnsafeRawPointer, end: UnsafeRawPointer, width: Int, count: Int, to output: UnsafeMutableRawPointer
    ) throws(SluiceError) {
        switch self {
        case .none: output.copyMemory(from: input, byteCount: count * width)
        case .narrow(1, true): try narrow(input, count, output, Int8.self)
        case .narrow(1, false): try narrow(input, count, output, UInt8.self)
        case .narrow(_, true): try narrow(input, count, output, Int16.self)
        case .narrow(_, false): try narrow(input, count, output, UInt16.self)
        case .widen32:
            let wide = output.assumingMemoryBound(to: Int128.self)
            for index in 0..<count {
                wide[index] = Int128(input.loadUnaligned(fromByteOffset: index &* 4, as: Int32.self))
            }
        case .widen64:
            let wide = output.assumingMemoryBound(to: Int128.self)
            for index in 0..<count {
                wide[index] = Int128(input.loadUnaligned(fromByteOffset: index &* 8, as: Int64.self))
            }
        case .bigEndian:
            let wide = output.assumingMemoryBound(to: Pair.self)
            if width == 16 {
                for index in 0..<count {
                    let place = input + index &* 16
                    wide[index] = Pair(
                        low: UInt64(bigEndian: place.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                        high: UInt64(bigEndian: place.loadUnaligned(as: UInt64.self)))
                }
            } else if width <= 8 {
                // Eight bytes are loaded where fewer are meant, as long as they are there.
                let shift = Int64(64 - 8 * width)
                var index = 0
                while index < count, end - (input + index &* width) >= 8 {
                    let raw = UInt64(bigEndian: (input + index &* width).loadUnaligned(as: UInt64.self))
                    let value = Int64(bitPattern: raw) &>> shift
                    wide[index] = Pair(low: UInt64(bitPattern: value), high: UInt64(bitPattern: value &>> 63))
                    index &+= 1
                }
                while index < count {
                    wide[index] = try Conversion.bigEndian(input + index &* width, width)
                    index &+= 1
                }
            } else {
                for index in 0..<count { wide[index] = try Conversion.bigEndian(input + index &* width, width) }
            }
        case .int96(let ticksPerSecond):
            let ticks = output.assumingMemoryBound(to: Int64.self)
            for index in 0..<count {
                ticks[index] = try Conversion.int96(input + index &* 12, ticksPerSecond)
            }
        }
    }

    private func narrow<T: FixedWidthInteger & BitwiseCopyable>(
        _ input: UnsafeRawPointer, _ count: Int, _ output: UnsafeMutableRawPointer, _: T.Type
    ) throws(SluiceError) {
        let narrow = output.assumingMemoryBound(to: T.self)
        var difference: Int32 = 0
        for index in 0..<count {
            let value = input.loadUnaligned(fromByteOffset: index &* 4, as: Int32.self)
            narrow[index] = T(truncatingIfNeeded: value)
            difference |= value ^ Int32(truncatingIfNeeded: narrow[index])
        }
        if difference != 0 {
            throw SluiceError(.invalidData, "a value does not fit the column's type, \(T.self)")
        }
    }

    /// A number of any length, high byte first.
    static func bigEndian(_ bytes: UnsafeRawPointer, _ count: Int) throws(SluiceError) -> Pair {
        guard count > 0 else { throw SluiceError(.invalidData, "a decimal has no bytes") }
        let negative = bytes.load(as: Int8.self) < 0
        var value: Int128 = negative ? -1 : 0
        let skipped = max(0, count - 16)
        for index in 0..<skipped where bytes.load(fromByteOffset: index, as: UInt8.self) != (negative ? 0xff : 0) {
            throw SluiceError(.invalidData, "a decimal of \(count) bytes does not fit 38 digits")
        }
        for index in skipped..<count {
            value = value << 8 | Int128(bytes.load(fromByteOffset: index, as: UInt8.self))
        }
        if skipped > 0, (value < 0) != negative {
            throw SluiceError(.invalidData, "a decimal of \(count) bytes does not fit 38 digits")
        }
        return Pair(low: UInt64(truncatingIfNeeded: value), high: UInt64(truncatingIfNeeded: value >> 64))
    }

    /// Ticks since 1970 of nanoseconds within a Julian day, and that day.
    static func int96(_ bytes: UnsafeRawPointer, _ ticksPerSecond: Int64) throws(SluiceError) -> Int64 {
        let nanoseconds = bytes.loadUnaligned(as: Int64.self)
        let day = Int64(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)) - 2_440_588
        let part = nanoseconds / (1_000_000_000 / ticksPerSecond)
        let (start, overflow) = day.multipliedReportingOverflow(by: 86_400 * ticksPerSecond)
        let (ticks, more) = start.addingReportingOverflow(part)
        guard !overflow, !more else {
            throw SluiceError(
                .conversion,
                "an INT96 timestamp \(day) days from 1970 does not fit 64 bits at \(ticksPerSecond) ticks a second",
                hint: "read INT96 timestamps as microseconds")
        }
        return ticks
    }
}
