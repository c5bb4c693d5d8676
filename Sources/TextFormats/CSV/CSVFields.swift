import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The texts that stand for no value.
struct CSVNulls: Sendable {
    /// Whether an empty field is one.
    let emptyIsNull: Bool
    private let others: [[UInt8]]

    init(_ texts: [String]) {
        emptyIsNull = texts.contains("")
        others = texts.filter { !$0.isEmpty }.map { Array($0.utf8) }
    }

    /// Whether an unquoted field of this text is null.
    @inline(__always) func contains(_ text: UnsafeRawBufferPointer) -> Bool {
        if text.count == 0 { return emptyIsNull }
        return others.isEmpty ? false : othersContain(text)
    }

    @inline(never) private func othersContain(_ text: UnsafeRawBufferPointer) -> Bool {
        others.contains { $0.count == text.count && text.elementsEqual($0) }
    }
}

/// The fields of a chunk as a table: `rows` records of `width` fields each.
struct CSVFields {
    let text: UnsafeRawPointer
    /// The end of each field; see `CSVChunk.ends`.
    let ends: UnsafePointer<UInt32>
    let width: Int
    let rows: Int
    let nulls: CSVNulls
    /// The quote, or 256 for none.
    private let quote: UInt16
    private let escape: UInt8?
    /// Whether a `\r` before a record's end belongs to the line end.
    private let trimsReturn: Bool

    init(
        text: UnsafeRawPointer, ends: UnsafePointer<UInt32>, width: Int, rows: Int, dialect: CSVDialect, nulls: CSVNulls
    ) {
        self.text = text
        self.ends = ends
        self.width = width
        self.rows = rows
        self.nulls = nulls
        quote = dialect.quote.map { UInt16($0) } ?? 256
        escape = dialect.escape
        trimsReturn = dialect.newline == UInt8(ascii: "\n")
    }

    /// A field as it is written, quotes included. The 16 bytes behind it can be read.
    @inline(__always) func raw(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        raw(at: row &* width &+ column, isLast: column &+ 1 == width)
    }

    /// The field with that index.
    @inline(__always) func raw(at index: Int, isLast: Bool) -> UnsafeRawBufferPointer {
        let start = Int(ends[index &- 1] & ~CSVChunk.recordEnd)
        var end = Int(ends[index] & ~CSVChunk.recordEnd) &- 1
        if isLast, trimsReturn, end > start, text.load(fromByteOffset: end &- 1, as: UInt8.self) == 13 { end &-= 1 }
        return UnsafeRawBufferPointer(start: text + start, count: end &- start)
    }

    /// Whether the field begins with a quote.
    @inline(__always) func isQuoted(_ raw: UnsafeRawBufferPointer) -> Bool {
        guard let start = raw.baseAddress else { return false }
        return raw.count > 0 && UInt16(start.load(as: UInt8.self)) == quote
    }

    /// Whether a field that is not quoted may hold something else than its text.
    @inline(__always) var hasEscapes: Bool { escape != nil }

    /// What a field says, its quotes and escapes undone. `scratch` may be used to hold it; 16 bytes behind it can be read.
    @inline(__always) func content(
        _ raw: UnsafeRawBufferPointer, _ scratch: MutableBuffer
    ) -> UnsafeRawBufferPointer {
        if let inner = simpleContent(raw) { return inner }
        scratch.removeAll()
        scratch.reserve(raw.count &+ 32)
        scratch.count = decode(raw, into: scratch.base)
        return UnsafeRawBufferPointer(start: scratch.base, count: scratch.count)
    }

    /// What lies between two quotes that have nothing special between them.
    @inline(__always) func simpleContent(_ raw: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard escape == nil, raw.count >= 2, let start = raw.baseAddress else { return nil }
        let inside = raw.count &- 2
        guard UInt16(start.load(fromByteOffset: inside &+ 1, as: UInt8.self)) == quote,
            memchr(start + 1, Int32(quote), inside) == nil
        else { return nil }
        return UnsafeRawBufferPointer(start: start + 1, count: inside)
    }

    /// Undoes quotes and escapes; `out` has room for all of `raw`.
    func decode(_ raw: UnsafeRawBufferPointer, into out: UnsafeMutableRawPointer) -> Int {
        var length = 0
        func put(_ byte: UInt8) {
            out.storeBytes(of: byte, toByteOffset: length, as: UInt8.self)
            length &+= 1
        }
        let quote = isQuoted(raw) ? UInt8(truncatingIfNeeded: self.quote) : nil
        var inside = quote != nil
        var index = inside ? 1 : 0
        while index < raw.count {
            let byte = raw[index]
            index &+= 1
            if let escape, byte == escape, escape != quote {
                // A lone escape at the end stands for itself.
                if index < raw.count {
                    put(raw[index])
                    index &+= 1
                } else {
                    put(byte)
                }
            } else if inside, byte == quote {
                if index < raw.count, raw[index] == quote {
                    put(byte)
                    index &+= 1
                } else {
                    inside = false
                }
            } else {
                put(byte)
            }
        }
        return length
    }
}
