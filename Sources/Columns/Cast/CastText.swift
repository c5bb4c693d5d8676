import Support

extension Cast {
    /// Every value as `ColumnFormatter` writes it.
    func toText(_ style: ColumnFormatter.Style) throws(SluiceError) -> Column {
        let formatter = ColumnFormatter(source, style: style)
        let bytes = MutableBuffer(capacity: source.count * 8)
        let offsets = MutableBuffer(capacity: (source.count + 1) * 4)
        offsets.append(0 as Int32)
        for row in 0..<source.count {
            if !formatter.isNull(at: row) { formatter.append(row: row, to: bytes) }
            if bytes.count > Int(Int32.max) {
                throw SluiceError(
                    .limitExceeded, "the text of a column is more than the 2 GiB that one holds",
                    place: .init(row: row + 1), hint: "Use smaller batches")
            }
            offsets.append(Int32(truncatingIfNeeded: bytes.count))
        }
        return CastFailures(self).column(values: bytes.freeze(), offsets: offsets.freeze())
    }

    /// Text that is JSON becomes JSON as it is; everything else becomes the JSON that stands for it.
    func toJSON() throws(SluiceError) -> Column {
        guard source.type == .utf8 else { return try toText(.json) }
        var failures = CastFailures(self)
        try source.withBytes { (offsets, bytes) throws(SluiceError) in
            for row in 0..<source.count {
                let range = Int(offsets[row])..<Int(offsets[row + 1])
                if !JSONText.isValid(UnsafeRawBufferPointer(rebasing: bytes[range])) { try failures.add(row) }
            }
        }
        let (bits, nulls) = failures.validity()
        if nulls == source.nullCount { return source.reinterpreted(as: .json) }
        let offsets = source.withOffsets { Buffer(copying: UnsafeRawBufferPointer($0)) }
        return Column(
            type: .json, count: source.count, nullCount: nulls, validity: bits, values: source.values, offsets: offsets)
    }

    /// By way of text: a JSON string's content, a JSON null as no value, anything else as it is written.
    func fromJSON() throws(SluiceError) -> Column? {
        let builder = BytesBuilder(.utf8, capacity: source.count)
        let scratch = MutableBuffer()
        source.withBytes { offsets, bytes in
            for row in 0..<source.count {
                let range = Int(offsets[row])..<Int(offsets[row + 1])
                scratch.removeAll()
                if source.isNull(at: row)
                    || !JSONText.unwrap(UnsafeRawBufferPointer(rebasing: bytes[range]), into: scratch)
                {
                    builder.appendNull()
                } else {
                    scratch.withUnsafeBytes { builder.append($0) }
                }
            }
        }
        return try Cast(source: builder.finish(), target: target, mode: mode).fromText()
    }

    /// From text as `TextParser` reads it; nil for a target that text cannot become.
    func fromText() throws(SluiceError) -> Column? {
        let rounds = rounds
        switch target {
        case .bool: return try textToBool()
        case .int8: return try mapBytes { TextParser.int64($0).flatMap { Int8(exactly: $0) } }
        case .int16: return try mapBytes { TextParser.int64($0).flatMap { Int16(exactly: $0) } }
        case .int32: return try mapBytes { TextParser.int64($0).flatMap { Int32(exactly: $0) } }
        case .int64: return try mapBytes { TextParser.int64($0) }
        case .uint8: return try mapBytes { TextParser.uint64($0).flatMap { UInt8(exactly: $0) } }
        case .uint16: return try mapBytes { TextParser.uint64($0).flatMap { UInt16(exactly: $0) } }
        case .uint32: return try mapBytes { TextParser.uint64($0).flatMap { UInt32(exactly: $0) } }
        case .uint64: return try mapBytes { TextParser.uint64($0) }
        // Reading a float from text means the nearest float; too large a number is no float at all.
        case .float64: return try mapBytes { TextParser.float64($0) }
        case .float32:
            return try mapBytes { (text) -> Float? in
                guard let double = TextParser.float64(text) else { return nil }
                let value = Float(double)
                return value.isInfinite && !double.isInfinite ? nil : value
            }
        case .float16:
            return try mapBytes { (text) -> Float16? in
                guard let double = TextParser.float64(text) else { return nil }
                let value = Float16(double)
                return value.isInfinite && !double.isInfinite ? nil : value
            }
        case .decimal(let precision, let scale):
            return try mapBytes { decimal($0, precision: precision, scale: scale) }
        case .date: return try mapBytes { TextParser.date($0) ?? WideDay($0)?.wholeDay }
        case .time(let unit) where target.layout == .fixed(4):
            return try mapBytes { TextParser.time($0)?.ticks(unit).flatMap { Int32(exactly: $0) } }
        case .time(let unit): return try mapBytes { TextParser.time($0)?.ticks(unit) }
        case .timestamp(let unit, let zone):
            return try mapBytes { (text) -> Int64? in
                guard let literal = TextParser.timestamp(text) else {
                    return TextParser.date(text).flatMap { ticks(day: Int64($0), 0, unit) } ?? wideTimestamp(text, unit)
                }
                // An offset that the type cannot show would be lost.
                if literal.hasOffset, zone == nil, !rounds { return nil }
                return literal.ticks(unit)
            }
        case .uuid, .fixedBinary, .binary: return try textToBytes()
        default: return nil
        }
    }

    private func textToBool() throws(SluiceError) -> Column {
        var failures = CastFailures(self)
        let bits = BitmapBuilder(capacity: source.count)
        try source.withBytes { (offsets, bytes) throws(SluiceError) in
            for row in 0..<source.count {
                let range = Int(offsets[row])..<Int(offsets[row + 1])
                let bit = TextParser.bool(UnsafeRawBufferPointer(rebasing: bytes[range]))
                bits.append(bit ?? false)
                if bit == nil { try failures.add(row) }
            }
        }
        return failures.column(values: bits.freeze())
    }

    private func textToBytes() throws(SluiceError) -> Column {
        var failures = CastFailures(self)
        let out = MutableBuffer(capacity: source.count * 16)
        let ends = MutableBuffer(capacity: (source.count + 1) * 4)
        ends.append(0 as Int32)
        let width: Int? = if case .fixed(let size) = target.layout { size } else { nil }
        try source.withBytes { (offsets, bytes) throws(SluiceError) in
            for row in 0..<source.count {
                let text = UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])])
                let start = out.count
                var fits = false
                if target == .uuid {
                    out.reserve(16)
                    fits = TextParser.uuid(text, into: out.base + start)
                    out.count += fits ? 16 : 0
                } else {
                    fits = JSONText.append(base64: text, to: out) && (width == nil || out.count - start == width)
                }
                if !fits {
                    out.count = start
                    try failures.add(row)
                    out.append(repeating: 0, count: width ?? 0)
                }
                ends.append(Int32(truncatingIfNeeded: out.count))
            }
        }
        return failures.column(values: out.freeze(), offsets: width == nil ? ends.freeze() : nil)
    }

    /// A moment of a year that has more than four digits or a minus.
    private func wideTimestamp(_ text: UnsafeRawBufferPointer, _ unit: TimeUnit) -> Int64? {
        guard let day = WideDay(text) else { return nil }
        if day.length == text.count { return ticks(day: day.days, 0, unit) }
        var rest = text[(text.startIndex + day.length)...]
        guard let separator = rest.popFirst(), separator == UInt8(ascii: "T") || separator == UInt8(ascii: " ") else {
            return nil
        }
        if rest.last == UInt8(ascii: "Z") { rest.removeLast() }
        guard let time = TextParser.time(UnsafeRawBufferPointer(rebasing: rest)) else { return nil }
        return time.ticks(unit).flatMap { ticks(day: day.days, $0, unit) }
    }

    private func ticks(day: Int64, _ time: Int64, _ unit: TimeUnit) -> Int64? {
        // In 128 bits, because the first day that a timestamp reaches lies only partly within its range.
        Int64(exactly: Int128(day) * Int128(86400 * unit.ticksPerSecond) + Int128(time))
    }
}

/// A day written with a sign and at least four digits of year, as `ColumnFormatter` writes years that need them.
private struct WideDay {
    let days: Int64
    let length: Int

    init?(_ text: UnsafeRawBufferPointer) {
        guard text.count >= 11, text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+") else { return nil }
        var index = 1
        var year: Int64 = 0
        while index < text.count, text[index] &- 48 <= 9, index <= 12 {
            year = year * 10 + Int64(text[index] - 48)
            index += 1
        }
        guard index >= 5, text.count >= index + 6 else { return nil }
        if text[0] == UInt8(ascii: "-") { year = -year }
        // The calendar repeats every 400 years: read the day in a year of four digits that is like this one.
        let (cycles, like) = year.flooredDivision(by: 400)
        let scratch = MutableBuffer(capacity: 16)
        scratch.append(utf8: String(2000 + like))
        scratch.append(UnsafeRawBufferPointer(rebasing: text[index..<index + 6]))
        guard let day = scratch.withUnsafeBytes({ TextParser.date($0) }) else { return nil }
        days = Int64(day) + (cycles - 5) * 146_097
        length = index + 6
        wholeDay = length == text.count ? Int32(exactly: days) : nil
    }

    /// The day, if the text is nothing more and it is one that a date can hold.
    let wholeDay: Int32?
}
