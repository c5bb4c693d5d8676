import CScan
import CSimdjson
import Support

/// A run of whole records out of a stream, followed by the zero bytes that the parser reads beyond the end.
final class JSONChunk: @unchecked Sendable {
    // `@unchecked Sendable` because the bytes do not change once the chunker has let go of the chunk.

    /// What is known about a chunk's end.
    enum End {
        /// More chunks may follow.
        case open
        /// The stream, or the array around the records, ends here.
        case whole
        /// The stream ends before the array around the records does.
        case unterminated
        /// A record goes on beyond the limit.
        case oversized
    }

    private let storage: MutableBuffer
    /// Where in the stream the first byte is.
    let offset: Int
    /// Whether commas stand between the records.
    let hasCommas: Bool
    /// Whether this is the stream's first.
    let isFirst: Bool
    /// What is known about the chunk's end.
    let end: End
    /// The line that the first byte is on, from 1; counted only where malformed lines are left out.
    let firstLine: Int

    init(
        _ storage: MutableBuffer, offset: Int, hasCommas: Bool, isFirst: Bool, end: End, firstLine: Int
    ) {
        self.firstLine = firstLine
        self.storage = storage
        self.offset = offset
        self.hasCommas = hasCommas
        self.isFirst = isFirst
        self.end = end
    }

    /// How many bytes of text there are.
    var count: Int { storage.count }
    /// The first byte.
    var start: UnsafePointer<UInt8> { UnsafePointer(storage.base.assumingMemoryBound(to: UInt8.self)) }

    /// The beginning of the value at `position`, for a message.
    func excerpt(at position: Int) -> String {
        guard position >= 0, position < count else {
            // The comma or bracket at which the chunk was cut.
            return end == .open && hasCommas ? "," : end == .whole && hasCommas ? "]" : ""
        }
        let bytes = UnsafeBufferPointer(start: start + position, count: min(count - position, 48))
        if let first = bytes.first, "{}[],:".utf8.contains(first) { return String(UnicodeScalar(first)) }
        var length = 0
        let isQuoted = bytes.first == UInt8(ascii: "\"")
        for (index, byte) in bytes.enumerated() {
            let endsWord =
                byte <= 0x20 || ",:}]".utf8.contains(byte)
            if !isQuoted, index > 0, endsWord { break }
            length += 1
            if isQuoted, index > 0, byte == UInt8(ascii: "\"") { break }
        }
        let text = String(decoding: bytes[..<length], as: UTF8.self).filter { !$0.isNewline }
        return length == bytes.count && count - position > length ? text + "…" : text
    }
}

/// Cuts a stream of JSON into chunks of whole records, without parsing them.
final class JSONChunker {
    private let stream: any ByteStream
    private let options: JSONOptions
    private var piece: Buffer?
    private var piecePosition = 0
    private var pending = MutableBuffer()
    private var pendingOffset = 0
    private var cut = -1
    private var cutter = sluice_json_cutter()
    private var hasCommas = false
    private var isStarted = false
    private var isFinished = false
    private var isFirst = true
    private var line = 1
    private static let padding = Int(sluice_json_padding())

    init(_ stream: any ByteStream, options: JSONOptions) {
        self.stream = stream
        self.options = options
    }

    /// The next run of records; nil at the end.
    func next() async throws(SluiceError) -> JSONChunk? {
        if isFinished { return nil }
        if !isStarted { try await begin() }
        while true {
            if cut >= 0, cutter.ended == 0, pending.count >= options.chunkBytes { return emit(cut, .open) }
            if cutter.ended != 0 {
                try await finishArray()
                return emit(cut, .whole)
            }
            if pending.count - max(cut, 0) > options.limits.maxRecordBytes {
                if cut > 0 { return emit(cut, .open) }
                isFinished = true
                return emit(pending.count, .oversized)
            }
            guard let bytes = try await more() else {
                isFinished = true
                if !hasCommas, pending.count == 0, !isFirst { return nil }
                return emit(pending.count, hasCommas ? .unterminated : .whole)
            }
            take(bytes)
        }
    }

    /// The part of the current piece that is looked at next.
    private func more() async throws(SluiceError) -> Buffer? {
        while true {
            if let piece, piecePosition < piece.count {
                // Small steps, so that a chunk is not much larger than was asked for.
                let step = min(piece.count - piecePosition, max(min(options.chunkBytes, 256 << 10), 1))
                defer { piecePosition += step }
                return piece[piecePosition..<piecePosition + step]
            }
            piecePosition = 0
            piece = try await stream.next()
            if piece == nil { return nil }
        }
    }

    private func take(_ bytes: Buffer) {
        let before = pending.count
        let found = bytes.withUnsafeBytes { raw -> Int in
            pending.append(raw)
            guard let base = raw.baseAddress else { return -1 }
            if options.collectsLines {
                // A line end is never inside a record, however broken its quotes and brackets are.
                var end = raw.count
                while end > 0, raw[end - 1] != 10 { end -= 1 }
                return end > 0 ? end : -1
            }
            return Int(sluice_json_cut(&cutter, base.assumingMemoryBound(to: UInt8.self), raw.count))
        }
        if found >= 0 { cut = before + found }
    }

    /// Hands out the first `length` bytes that are pending.
    private func emit(_ length: Int, _ end: JSONChunk.End) -> JSONChunk {
        let whole = pending
        let comma = hasCommas && end == .open ? 1 : 0
        let rest = MutableBuffer(capacity: max(whole.count - length, min(options.chunkBytes, 1 << 20)) + 4096)
        if end == .open, whole.count > length + comma {
            rest.append(
                UnsafeRawBufferPointer(
                    start: whole.base + length + comma, count: whole.count - length - comma))
        }
        whole.count = length
        whole.append(repeating: 0, count: JSONChunker.padding)
        whole.count = length
        defer {
            pending = rest
            pendingOffset += length + comma
            cut = -1
            isFirst = false
        }
        let firstLine = line
        if options.collectsLines {
            line += sluice_count_byte(whole.base.assumingMemoryBound(to: UInt8.self), length, 10)
        }
        return JSONChunk(
            whole, offset: pendingOffset, hasCommas: hasCommas, isFirst: isFirst, end: end, firstLine: firstLine)
    }

    /// Finds out how records lie, from the first byte that is not white space.
    private func begin() async throws(SluiceError) {
        isStarted = true
        let head = MutableBuffer()
        while head.count < 4 || firstByte(of: head) == nil {
            guard let bytes = try await more() else { break }
            head.append(bytes)
            if head.count > 1 << 20, firstByte(of: head) == nil {
                // White space without end needs not be kept.
                pendingOffset += head.count
                line += head.withUnsafeBytes { $0.count(where: { $0 == 10 }) }
                head.removeAll()
            }
        }
        var skipped = 0
        let bytes = UnsafeRawBufferPointer(start: head.base, count: head.count)
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { skipped = 3 }
        try rejectWideEncodings(bytes)
        var first = skipped
        while first < bytes.count, isSpace(bytes[first]) { first += 1 }
        let opensArray = first < bytes.count && bytes[first] == UInt8(ascii: "[")
        switch options.layout {
        case .array:
            guard opensArray else {
                throw SluiceError(
                    .invalidData, "an array was expected",
                    place: .init(file: stream.name, offset: pendingOffset + first),
                    hint: "records that are not in an array have the layout \"lines\"")
            }
            hasCommas = true
        case .auto: hasCommas = opensArray
        case .lines, .object: break
        }
        if hasCommas {
            skipped = first + 1
            cutter.depth = 1
            cutter.record_depth = 1
        }
        pendingOffset += skipped
        head.withUnsafeBytes { all in take(Buffer(copying: UnsafeRawBufferPointer(rebasing: all[skipped...]))) }
    }

    private func firstByte(of buffer: MutableBuffer) -> UInt8? {
        buffer.withUnsafeBytes { bytes in
            let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
            return bytes[start...].first { !isSpace($0) }
        }
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    private func rejectWideEncodings(_ bytes: UnsafeRawBufferPointer) throws(SluiceError) {
        guard bytes.count >= 2 else { return }
        let hasMark = bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff])
        if hasMark || bytes[0] == 0 || bytes[1] == 0 {
            throw SluiceError(
                .unsupported, "JSON is read as UTF-8, and this is UTF-16 or UTF-32", place: .init(file: stream.name),
                hint: "convert it first: iconv -f UTF-16 -t UTF-8")
        }
    }

    /// Makes sure that nothing but white space follows the array.
    private func finishArray() async throws(SluiceError) {
        isFinished = true
        // The cutter counts brackets without looking at which ones they are.
        if pending.withUnsafeBytes({ $0[cut] }) != UInt8(ascii: "]") {
            throw SluiceError(
                .invalidData, "the array ends in a brace", place: .init(file: stream.name, offset: pendingOffset + cut))
        }
        var position = cut + 1
        var offset = pendingOffset + position
        var bytes = pending.withUnsafeBytes { Buffer(copying: UnsafeRawBufferPointer(rebasing: $0[position...])) }
        while true {
            position = 0
            while position < bytes.count, isSpace(bytes[position]) { position += 1 }
            if position < bytes.count {
                throw SluiceError(
                    .invalidData, "text follows the end of the array",
                    place: .init(file: stream.name, offset: offset + position),
                    hint: "with --from ndjson, arrays on lines of their own are read as records")
            }
            offset += bytes.count
            guard let following = try await more() else { return }
            bytes = following
        }
    }
}
