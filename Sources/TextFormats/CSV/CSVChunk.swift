import CScan
import Support

/// A run of whole records with the places where their fields end.
final class CSVChunk: @unchecked Sendable {
    // `@unchecked Sendable` because the chunker fills a chunk before it is handed on, and one task at a time has it.

    /// The records, and at least 64 bytes that may be read behind them.
    let text: MutableBuffer
    /// How many bytes of `text` are whole records.
    var count = 0
    /// How many fields there are.
    var fieldCount = 0
    /// How many records there are.
    var recordCount = 0
    /// How many lines the records take.
    var lineCount = 0
    /// The line that the first byte is on, from 1.
    var firstLine = 1
    /// How many bytes of text come before.
    var offset = 0
    /// The number of fields at the start that are not data: the header's.
    var skippedFields = 0
    private var room = 0
    private var boundaries: UnsafeMutablePointer<UInt32>

    /// The bit of a boundary that says that a record ends there.
    static let recordEnd: UInt32 = 1 << 31
    /// What may be read behind the text.
    static let padding = 64

    init(capacity: Int) {
        text = MutableBuffer(capacity: capacity + CSVChunk.padding)
        boundaries = .allocate(capacity: 1)
    }

    deinit { boundaries.deallocate() }

    /// Where each field ends: the position behind its delimiter, with `recordEnd` at the last field of a record. The field
    /// with index `i` begins at `ends[i - 1]`, the first at 0, which stands at index -1.
    var ends: UnsafeMutablePointer<UInt32> { boundaries + 1 }

    /// Finds the fields in the first `size` bytes of `text`.
    func scan(_ dialect: CSVDialect, size: Int) {
        text.reserve(size - text.count + CSVChunk.padding)
        if room < size + 65 {
            boundaries.deallocate()
            room = max(size + 65, room * 2)
            boundaries = .allocate(capacity: room)
        }
        boundaries[0] = 0
        var found = sluice_csv_scan()
        var raw = sluice_csv_dialect(
            delimiter: dialect.delimiter, newline: dialect.newline, quote: dialect.quote ?? 0,
            escape: dialect.escape ?? 0, comment: dialect.comment ?? 0, has_quote: dialect.quote == nil ? 0 : 1,
            has_escape: dialect.escape == nil ? 0 : 1, has_comment: dialect.comment == nil ? 0 : 1)
        sluice_csv_find_fields(text.base.assumingMemoryBound(to: UInt8.self), size, &raw, ends, &found)
        fieldCount = found.fields
        recordCount = found.records
        count = found.consumed
        lineCount = found.lines
        skippedFields = 0
    }

    /// The line, from 1, of the byte at `position`.
    func line(at position: Int, newline: UInt8) -> Int {
        firstLine + sluice_count_byte(text.base.assumingMemoryBound(to: UInt8.self), min(position, count), newline)
    }
}

/// Cuts a stream of text into chunks of whole records.
final class CSVChunker: @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`.

    private let stream: any ByteStream
    private let options: CSVOptions
    private let dialect: CSVDialect
    /// Bytes that have been read and belong to the next chunk: the rest of one chunk, and the rest of one buffer.
    private var carry = MutableBuffer()
    private var buffer: Buffer?
    private(set) var isAtEnd = false
    private var line: Int
    private var offset: Int
    private var spare: [CSVChunk] = []

    /// A chunker for `stream`, of which `first` has been read; `first` begins at a record, at `line` and byte `offset`.
    init(
        _ stream: any ByteStream, first: Buffer, dialect: CSVDialect, options: CSVOptions, line: Int, offset: Int
    ) {
        self.stream = stream
        self.options = options
        self.dialect = dialect
        self.line = line
        self.offset = offset
        buffer = first
    }

    /// The next records; nil at the end.
    func next() async throws(SluiceError) -> CSVChunk? {
        let wanted = max(1, options.chunkBytes)
        var target = carry.count + wanted
        let chunk = spare.popLast() ?? CSVChunk(capacity: target)
        chunk.text.removeAll()
        carry.withUnsafeBytes { chunk.text.append($0) }
        carry.removeAll()
        while true {
            try await fill(chunk.text, to: target)
            if chunk.text.count == 0 { return nil }
            var size = chunk.text.count
            chunk.scan(dialect, size: size)
            if isAtEnd, chunk.count < size {
                // The last record may lack its newline; with one it is whole, unless a quote is open.
                chunk.text.append(dialect.newline)
                chunk.scan(dialect, size: size + 1)
                if chunk.count == size + 1 {
                    chunk.lineCount -= 1
                } else if size - chunk.count > options.maxRecordBytes {
                    throw tooLong(chunk)
                } else {
                    throw unclosed(chunk)
                }
                size += 1
            }
            if chunk.count > 0 {
                let rest = size - chunk.count
                if rest > 0 { carry.append(UnsafeRawBufferPointer(start: chunk.text.base + chunk.count, count: rest)) }
                chunk.firstLine = line
                chunk.offset = offset
                line += chunk.lineCount
                offset += chunk.count
                return chunk
            }
            if size > options.maxRecordBytes { throw tooLong(chunk) }
            target = min(target * 2, options.maxRecordBytes + wanted + 1)
        }
    }

    /// Takes a chunk back whose records come once more, at the front of the next chunk.
    func putBack(_ chunk: CSVChunk) {
        let all = MutableBuffer(capacity: chunk.count + carry.count)
        all.append(UnsafeRawBufferPointer(start: chunk.text.base, count: chunk.count))
        carry.withUnsafeBytes { all.append($0) }
        carry = all
        line = chunk.firstLine
        offset = chunk.offset
        recycle(chunk)
    }

    /// Gives back a chunk that is done with, so that its memory can be used again.
    func recycle(_ chunk: CSVChunk) {
        if spare.count < 4 { spare.append(chunk) }
    }

    /// Reads until `text` has `target` bytes or the stream ends.
    private func fill(_ text: MutableBuffer, to target: Int) async throws(SluiceError) {
        text.reserve(max(0, target - text.count) + CSVChunk.padding)
        while text.count < target, !isAtEnd {
            if buffer == nil {
                buffer = try await stream.next()
                if buffer == nil { isAtEnd = true }
            }
            guard let bytes = buffer else { break }
            let taken = min(bytes.count, target - text.count)
            text.append(bytes[0..<taken])
            buffer = taken < bytes.count ? bytes[taken..<bytes.count] : nil
        }
        // Whether these were the last bytes is known only by asking for more.
        while !isAtEnd, buffer == nil || buffer?.count == 0 {
            buffer = try await stream.next()
            if buffer == nil { isAtEnd = true }
        }
    }

    private func place(_ chunk: CSVChunk) -> SluiceError.Place {
        .init(file: stream.name, offset: offset + chunk.count, line: line + chunk.lineCount)
    }

    private func tooLong(_ chunk: CSVChunk) -> SluiceError {
        SluiceError(
            .limitExceeded, "the record that begins here is longer than \(options.maxRecordBytes) bytes",
            place: place(chunk), hint: "a quote may be open; otherwise raise the limit on record length")
    }

    private func unclosed(_ chunk: CSVChunk) -> SluiceError {
        SluiceError(
            .invalidData, "a quoted field in the record that begins here is still open at the end of the file",
            place: place(chunk), hint: "close the quote, or set another quote character, or none")
    }
}
