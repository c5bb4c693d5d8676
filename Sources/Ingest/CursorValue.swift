import Columns
import Support
import Warehouse

/// The arithmetic of cursors: the largest of many values, and how far behind it to begin.
enum CursorValue {
    /// `value` of `type` as text, as `ColumnFormatter` writes it plainly.
    static func text(_ value: Value, _ type: DataType) throws(SluiceError) -> String {
        let builder = makeBuilder(type)
        try builder.append(value)
        let out = MutableBuffer()
        ColumnFormatter(builder.finish()).append(row: 0, to: out)
        return String(decoding: out.freeze().bytes, as: UTF8.self)
    }

    /// The value that `text` stands for.
    static func value(_ text: String, _ type: DataType, column: String) throws(SluiceError) -> Value {
        let builder = BytesBuilder(.utf8)
        builder.append(text)
        do throws(SluiceError) {
            return try builder.finish().cast(to: type).value(at: 0)
        } catch {
            throw SluiceError(
                .invalidConfiguration, "\"\(text)\" is not a value of the cursor, which is \(type)",
                place: .init(column: column))
        }
    }

    /// Whether `left` comes before `right`, both as text of `type`.
    static func isBefore(_ left: String, _ right: String, _ type: DataType, column: String) throws(SluiceError) -> Bool
    {
        var range = ColumnRange()
        let builder = makeBuilder(type)
        try builder.append(try value(left, type, column: column))
        try builder.append(try value(right, type, column: column))
        let both = builder.finish()
        range.add(both)
        return both.value(at: 0) != both.value(at: 1) && range.maximum == both.value(at: 1)
    }

    /// Where reading begins: at the watermark, or as far behind it as rows may be late.
    static func start(_ mark: Watermark, late: String?) throws(SluiceError) -> String {
        guard let late else { return mark.value }
        let type = try DataType(parsing: mark.type)
        let value = try value(mark.value, type, column: mark.column)
        switch (type, value) {
        case (.timestamp(let unit, _), .ticks(let ticks)):
            let window = try duration(late, mark.column)
            let seconds = Int128(window.components.seconds) * Int128(unit.ticksPerSecond)
            let rest = Int128(window.components.attoseconds) * Int128(unit.ticksPerSecond)
            return try text(
                .ticks(ticks - seconds - (rest + 999_999_999_999_999_999) / 1_000_000_000_000_000_000), type)
        case (.date, .ticks(let days)):
            let window = try duration(late, mark.column)
            let extra: Int128 = window.components.seconds % 86_400 > 0 || window.components.attoseconds > 0 ? 1 : 0
            return try text(.ticks(days - Int128(window.components.seconds / 86_400) - extra), type)
        case (_, .int(let number)):
            return try text(.int(number - Int128(try wholeNumber(late, mark.column))), type)
        case (.decimal(_, let scale), .ticks(let digits)):
            var window = Int128(try wholeNumber(late, mark.column))
            for _ in 0..<max(0, scale) { window *= 10 }
            return try text(.ticks(digits - window), type)
        case (_, .float(let number)):
            return try text(.float(number - Double(try wholeNumber(late, mark.column))), type)
        default:
            throw SluiceError(
                .invalidConfiguration, "the cursor is \(type), of which nothing can be subtracted: late is \"\(late)\"",
                place: .init(column: mark.column), hint: "leave \"late\" out, or choose a cursor of times or numbers")
        }
    }

    private static func duration(_ text: String, _ column: String) throws(SluiceError) -> Duration {
        if let duration = Quantities.duration(text), duration >= .zero { return duration }
        throw SluiceError(
            .invalidConfiguration, "\"late\" is \"\(text)\", and the cursor is a time: a duration is expected",
            place: .init(column: column), hint: "write it as 30s, 10m, 2h or 1d")
    }

    private static func wholeNumber(_ text: String, _ column: String) throws(SluiceError) -> Int {
        if let number = Int(text), number >= 0 { return number }
        throw SluiceError(
            .invalidConfiguration, "\"late\" is \"\(text)\", and the cursor is a number: a whole number is expected",
            place: .init(column: column))
    }
}
