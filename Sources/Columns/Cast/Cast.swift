public import Support

/// What a cast does with a value that the new type cannot hold.
public enum CastMode: Sendable {
    /// It is an error that names the row and the value.
    case strict
    /// It becomes null.
    case nullOnFailure
    /// The nearest value is taken where only digits are lost (floats, fractions, ticks); what is out of range is an
    /// error.
    case rounding
}

extension Column {
    /// The same values as another type, exactly.
    ///
    /// Numbers of any kind become each other, where a float stands for the shortest decimal that reads back as it. Dates
    /// and timestamps become each other (a timestamp without a zone is read as UTC when it gets one, and keeps its UTC
    /// wall clock when it loses one), integers become days and ticks and back. Everything becomes text, as
    /// `ColumnFormatter` writes it, and text becomes anything but lists, structures and maps, as `TextParser` reads it;
    /// bytes are base64 in text. Lists and maps are cast item by item, structures field by field, matched by name. Nulls
    /// become anything.
    ///
    /// - throws: `SluiceError` with code `conversion` for a value that does not fit (naming the row from 1, and the value)
    ///   and for types that cannot become each other.
    public func cast(to target: DataType, mode: CastMode = .strict) throws(SluiceError) -> Column {
        if type == target { return self }
        if nullCount == count, type == .null || !target.isNested { return .nulls(target, count: count) }
        let cast = Cast(source: self, target: target, mode: mode)
        let result: Column? =
            switch target {
            case .null: try cast.toNull()
            case .utf8: type == .json ? reinterpreted(as: .utf8) : try cast.toText(.plain)
            case .json: try cast.toJSON()
            case .list, .map, .structure: try cast.toNested()
            default:
                switch type {
                case .utf8: try cast.fromText()
                case .json: try cast.fromJSON()
                case .binary, .fixedBinary, .uuid: try cast.betweenBytes()
                case .date, .time, .timestamp: try cast.fromTime()
                default: try cast.fromNumber()
                }
            }
        guard let result else {
            throw SluiceError(
                .conversion, "values of type \(type) cannot become \(target)",
                hint: "Choose a type that the values fit, such as utf8")
        }
        return result
    }
}

/// One cast under way.
struct Cast {
    let source: Column
    let target: DataType
    let mode: CastMode

    var rounds: Bool { mode == .rounding }

    /// Only nulls become null.
    func toNull() throws(SluiceError) -> Column {
        var failures = CastFailures(self)
        for row in 0..<source.count { try failures.add(row) }
        return .nulls(.null, count: source.count)
    }

    /// Maps each fixed-width value. What lies under a null is mapped too, for speed, and may fail without harm.
    @inline(__always) func mapFixed<S: BitwiseCopyable, T: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _ body: (S) -> T?
    ) throws(SluiceError) -> Column {
        var failures = CastFailures(self)
        let out = MutableBuffer(capacity: source.count * MemoryLayout<T>.stride)
        let place = out.base.assumingMemoryBound(to: T.self)
        try source.withValues(as: S.self) { (values) throws(SluiceError) in
            for row in 0..<values.count {
                if let value = body(values[row]) {
                    place[row] = value
                } else {
                    place[row] = 0
                    try failures.add(row)
                }
            }
        }
        out.count = source.count * MemoryLayout<T>.stride
        return failures.column(values: out.freeze())
    }

    /// Maps each text or run of bytes to a fixed-width value.
    @inline(__always) func mapBytes<T: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _ body: (UnsafeRawBufferPointer) -> T?
    ) throws(SluiceError) -> Column {
        var failures = CastFailures(self)
        let out = MutableBuffer(capacity: source.count * MemoryLayout<T>.stride)
        let place = out.base.assumingMemoryBound(to: T.self)
        try source.withBytes { (offsets, bytes) throws(SluiceError) in
            for row in 0..<source.count {
                let range = Int(offsets[row])..<Int(offsets[row &+ 1])
                if let value = body(UnsafeRawBufferPointer(rebasing: bytes[range])) {
                    place[row] = value
                } else {
                    place[row] = 0
                    try failures.add(row)
                }
            }
        }
        out.count = source.count * MemoryLayout<T>.stride
        return failures.column(values: out.freeze())
    }
}

/// Which rows did not fit, and what to do about them.
struct CastFailures {
    private let cast: Cast
    private var rows: [Int] = []

    init(_ cast: Cast) { self.cast = cast }

    /// Notes that the value of `row` does not fit, unless there is none.
    @inline(never) mutating func add(_ row: Int) throws(SluiceError) {
        if cast.source.isNull(at: row) { return }
        if cast.mode == .nullOnFailure { return rows.append(row) }
        throw SluiceError(
            .conversion, "\(cast.source.shownValue(at: row)) does not fit \(cast.target)", place: .init(row: row + 1),
            hint: "Choose a type that every value fits, such as utf8")
    }

    /// The validity of the result, which begins at its first bit.
    func validity() -> (validity: Buffer?, nullCount: Int) {
        let source = cast.source
        if rows.isEmpty {
            guard let validity = source.validity, source.nullCount > 0 else { return (nil, 0) }
            if source.offset == 0 { return (validity, source.nullCount) }
            return (Bitmap.copy(validity, from: source.offset, count: source.count), source.nullCount)
        }
        let builder = ValidityBuilder()
        var next = 0
        for row in rows {
            builder.append(source, from: next, count: row - next)
            builder.appendNull()
            next = row + 1
        }
        builder.append(source, from: next, count: source.count - next)
        return builder.finish()
    }

    /// The result over `values` and the rest.
    func column(values: Buffer? = nil, offsets: Buffer? = nil) -> Column {
        let (bits, nulls) = validity()
        return Column(
            type: cast.target, count: cast.source.count, nullCount: nulls, validity: bits, values: values,
            offsets: offsets)
    }
}

extension Column {
    /// A row's value in quotes for a message, cut to a length that can be read.
    func shownValue(at row: Int) -> String {
        let out = MutableBuffer()
        ColumnFormatter(slice(row..<row + 1)).append(row: 0, to: out)
        let text = out.withUnsafeBytes { String(decoding: $0.prefix(80), as: UTF8.self) }
        return out.count > 80 ? "'\(text)…'" : "'\(text)'"
    }
}
