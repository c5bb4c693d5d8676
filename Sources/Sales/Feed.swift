import CSimdjson
import Glibc
import Support

/// A run of whole records, followed by the zero bytes that the parser reads beyond the end.
final class Piece: @unchecked Sendable {
    // `@unchecked Sendable` because the feed lets go of a piece before a worker takes it, and the other way round.

    let storage: MutableBuffer
    /// Where in the storage it begins; what is before is none of it.
    var begin = 0
    /// Where in the input it begins.
    var offset = 0
    /// Whether a comma stands before or behind it, so that it has a record even if there is nothing in it.
    var hasComma = false

    init(room: Int) { storage = MutableBuffer(capacity: room) }

    var text: Bytes {
        Bytes(UnsafePointer(storage.base.assumingMemoryBound(to: UInt8.self)) + begin, storage.count - begin)
    }
}

/// Cuts an input into pieces of whole records.
///
/// Finding for certain where a record ends takes a look at every byte, which would cost as much as a fourth of the whole
/// work. So the feed guesses: it remembers how one record ends and the next begins, and cuts where the same bytes stand.
/// Parsing a piece proves the guess: a piece that begins right and parses as whole records ends right. When one does not, the
/// reading begins again without guesses.
final class Feed: @unchecked Sendable {
    // `@unchecked Sendable` because the worker whose turn it is uses it alone.

    private let source: any StreamSource
    private let direct: (any DirectAccess)?
    private var stream: (any ByteStream)?
    private let isExact: Bool
    private(set) var envelope: Envelope
    /// Whether commas stand between records.
    private(set) var hasCommas = false
    private var isArray = false
    private var pending = Piece(room: Feed.pieceSize * 2)
    /// Where in the input the next bytes come from.
    private var position = 0
    private var isAtEnd = false
    private var isStarted = false
    private var isFinished = false
    private var separator: Separator?
    private var spare: [Piece] = []
    /// Where to stop, for a part of the input, and whether a comma is there.
    private var limit: Int?
    private var isLimitComma = false

    static let pieceSize = 512 << 10
    static let mostRecord = 256 << 20

    /// How one record ends and the next begins, and where in that the comma is.
    struct Separator {
        var bytes: [UInt8]
        var comma: Int
    }

    init(_ source: any StreamSource, layout: SalesLayout, isExact: Bool) {
        self.source = source
        self.isExact = isExact
        direct = source as? any DirectAccess
        envelope = Envelope(layout, name: source.name)
    }

    /// The same input block by block, for workers that need not wait for each other; nil when it cannot be read anywhere,
    /// or is read without guesses, or is small. Not for a feed that was used or confined.
    func blocks() async throws(SluiceError) -> BlockFeed? {
        guard let direct, !isExact, direct.size > Feed.pieceSize else { return nil }
        try await begin()
        let lines = Separator(bytes: [0x0a], comma: 0)
        guard let separator = hasCommas ? learn() : lines, !hasCommas || separator.bytes.count >= 8 else { return nil }
        return BlockFeed(self, direct, separator, from: pending.offset)
    }

    /// Takes a piece back whose records are done with.
    func reuse(_ piece: Piece) { spare.append(piece) }

    /// The next run of records; nil at the end, when what follows the records has been looked at, too.
    func next() async throws(SluiceError) -> Piece? {
        if isFinished { return nil }
        if !isStarted { try await begin() }
        while true {
            try await fill(Feed.pieceSize)
            if let piece = try await cut() { return piece }
            if isFinished { return nil }
        }
    }

    // MARK: Reading

    /// Reads until so many bytes are pending, or the input ends.
    private func fill(_ wanted: Int) async throws(SluiceError) {
        let buffer = pending.storage
        while buffer.count < wanted, !isAtEnd {
            if let direct {
                buffer.reserve(wanted - buffer.count + SalesPlan.padding)
                let room = UnsafeMutableRawBufferPointer(
                    start: buffer.base + buffer.count,
                    count: min(wanted, direct.size - position + buffer.count) - buffer.count)
                let read = room.isEmpty ? 0 : try direct.read(into: room, at: position)
                buffer.count += read
                position += read
                isAtEnd = read == 0
            } else {
                let stream: any ByteStream
                if let open = self.stream { stream = open } else { stream = try await source.stream() }
                self.stream = stream
                guard let bytes = try await stream.next() else {
                    isAtEnd = true
                    break
                }
                buffer.append(bytes)
                position += bytes.count
            }
        }
    }

    /// Finds out what kind of text it is, and where its records begin.
    private func begin() async throws(SluiceError) {
        isStarted = true
        // Small files are read at once.
        let isSmall = direct.map { $0.size <= Feed.pieceSize } ?? false
        var wanted = isSmall ? Feed.pieceSize : 64 << 10
        while true {
            try await fill(wanted)
            let bytes = UnsafeRawBufferPointer(start: pending.storage.base, count: pending.storage.count)
            try Feed.checkEncoding(bytes, source.name)
            if let shape = try envelope.begin(bytes, isWhole: isAtEnd) {
                switch shape {
                case .document(let start): (hasCommas, isArray) = (true, false); drop(start)
                case .array(let start): (hasCommas, isArray) = (true, true); drop(start)
                case .lines(let start): drop(start)
                }
                return
            }
            wanted = pending.storage.count * 2
            if wanted > Feed.mostRecord {
                throw SluiceError(
                    .invalidData, "no transactions within the first \(Quantities.describe(bytes: wanted / 2))",
                    place: .init(file: source.name), hint: "they should come before other large parts of the document")
            }
        }
    }

    private static func checkEncoding(_ bytes: UnsafeRawBufferPointer, _ name: String) throws(SluiceError) {
        guard bytes.count >= 2 else { return }
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) || bytes[0] == 0 || bytes[1] == 0 {
            throw SluiceError(
                .unsupported, "JSON is read as UTF-8, and this is UTF-16 or UTF-32", place: .init(file: name),
                hint: "convert it first: iconv -f UTF-16 -t UTF-8")
        }
    }

    /// Forgets the first so many pending bytes.
    private func drop(_ count: Int) {
        let buffer = pending.storage
        memmove(buffer.base, buffer.base + count, buffer.count - count)
        buffer.count -= count
        pending.offset += count
    }

    // MARK: Parts

    /// Confines the feed to one of several parts of the input, which together have each record once.
    func confine(to part: SalesPart) async throws(SluiceError) {
        if !isStarted { try await begin() }
        guard let size = source.streamSize else {
            throw SluiceError(
                .unsupported, "an input of unknown size cannot be divided into parts", place: .init(file: source.name),
                hint: "unpack it into a file first")
        }
        let first = pending.offset
        var divider = Divider(source, direct, from: first, hasCommas: hasCommas)
        func target(_ index: Int) -> Int {
            first + (size - first) / part.of * index + (size - first) % part.of * index / part.of
        }
        var start = first
        var isBehindComma = false
        if part.index > 0 {
            let boundary = try await divider.boundary(from: target(part.index))
            start = boundary.next
            isBehindComma = boundary.next > boundary.end
        }
        if part.index < part.of - 1 {
            let boundary = try await divider.boundary(from: target(part.index + 1))
            limit = boundary.end
            isLimitComma = boundary.next > boundary.end
        }
        if start == first { return }
        pending.storage.count = 0
        pending.offset = start
        pending.hasComma = isBehindComma
        isAtEnd = false
        position = start
        guard direct == nil else { return }
        let stream = try await source.stream()
        self.stream = stream
        position = 0
        while position < start {
            guard let bytes = try await stream.next() else { break }
            position += bytes.count
            if position > start { pending.storage.append(bytes[bytes.count - (position - start)..<bytes.count]) }
        }
    }

    // MARK: Cutting

    private func cut() async throws(SluiceError) -> Piece? {
        if let limit, pending.offset + pending.storage.count >= limit {
            isFinished = true
            return limit < pending.offset ? nil : emit(limit - pending.offset, skipping: 0, hasComma: isLimitComma)
        }
        if !hasCommas { return try await cutLines() }
        if !isExact, !isAtEnd, let at = guess() { return emit(at, skipping: 1, hasComma: true) }
        var cutter = sluice_json_cutter()
        cutter.depth = 1
        cutter.record_depth = 1
        let found = Int(sluice_json_cut(&cutter, pending.text.start, pending.storage.count))
        if cutter.ended != 0 { return try await finish(found) }
        if isAtEnd { throw cutShort(pending) }
        if found >= 0 { return emit(found, skipping: 1, hasComma: true) }
        try await grow()
        return nil
    }

    /// Where a record seems to end before another, as late as possible.
    private func guess() -> Int? {
        if separator == nil { separator = learn() }
        guard let separator else { return nil }
        let text = pending.text
        let length = separator.bytes.count
        guard length >= 8, text.count > length else { return nil }
        return separator.bytes.withUnsafeBufferPointer { wanted -> Int? in
            guard let base = wanted.baseAddress else { return nil }
            let head = Bytes.word(base)
            var at = text.count - length
            while at >= 0 {
                if Bytes.word(text.start + at) == head, memcmp(text.start + at, base, length) == 0 {
                    return at + separator.comma
                }
                at -= 1
            }
            return nil
        }
    }

    /// Looks at how the first record ends and the second begins.
    private func learn() -> Separator? {
        let text = UnsafeRawBufferPointer(start: pending.storage.base, count: pending.storage.count)
        var scanner = JSONScanner(text, isWhole: false)
        do {
            try scanner.space()
            guard scanner.peek == UInt8(ascii: "{") else { return nil }
            try scanner.skip()
            let start = scanner.at - 1
            try scanner.space()
            let comma = scanner.at - start
            guard scanner.take(",") else { return nil }
            try scanner.space()
            guard scanner.take("{") else { return nil }
            try scanner.space()
            _ = try scanner.string()
            return Separator(bytes: Array(text[start..<scanner.at]), comma: comma)
        } catch {
            return nil
        }
    }

    /// Hands out the first `length` bytes; `skipping` more are not part of any piece. `hasComma` tells that a comma follows.
    private func emit(_ length: Int, skipping: Int, hasComma: Bool = false) -> Piece {
        let whole = pending
        let rest = whole.storage.count - length - skipping
        let next = spare.popLast() ?? Piece(room: Feed.pieceSize * 2)
        next.storage.count = 0
        if rest > 0 {
            next.storage.append(UnsafeRawBufferPointer(start: whole.storage.base + length + skipping, count: rest))
        }
        next.offset = whole.offset + length + skipping
        next.hasComma = hasComma
        if hasComma { whole.hasComma = true }
        whole.storage.count = length
        whole.storage.append(repeating: 0, count: SalesPlan.padding)
        whole.storage.count = length
        pending = next
        return whole
    }

    private func grow() async throws(SluiceError) {
        let wanted = pending.storage.count * 2
        if wanted > Feed.mostRecord { throw tooLarge(wanted / 2, pending.offset) }
        try await fill(wanted)
    }

    func tooLarge(_ size: Int, _ offset: Int) -> SluiceError {
        SluiceError(
            .invalidData, "a record is larger than \(Quantities.describe(bytes: size))",
            place: .init(file: source.name, offset: offset), hint: "a transaction should be a few kilobytes")
    }

    private func cutLines() async throws(SluiceError) -> Piece? {
        let text = pending.text
        if isAtEnd {
            isFinished = true
            return text.count == 0 ? nil : emit(text.count, skipping: 0)
        }
        var end = text.count
        while end > 0, text.start[end - 1] != 0x0a { end -= 1 }
        if end > 0 { return emit(end, skipping: 0) }
        try await grow()
        return nil
    }

    private func cutShort(_ piece: Piece) -> SluiceError {
        SluiceError(
            .invalidData, "the input ends before its array of transactions does",
            place: .init(file: source.name, offset: piece.offset + piece.text.count),
            hint: "the file is cut short: get it again, whole")
    }

    private func checkBracket(_ piece: Piece, _ end: Int) throws(SluiceError) {
        guard piece.text.start[end] == UInt8(ascii: "]") else {
            throw SluiceError(
                .invalidData, "the array of transactions ends in a brace",
                place: .init(file: source.name, offset: piece.offset + end), hint: "check the file")
        }
    }

    /// Where in the storage of a piece, which reaches to the end of the input, the records end; looks at what follows.
    func finish(_ piece: Piece) throws(SluiceError) -> Int {
        var cutter = sluice_json_cutter()
        cutter.depth = 1
        cutter.record_depth = 1
        let end = Int(sluice_json_cut(&cutter, piece.text.start, piece.text.count))
        guard cutter.ended != 0 else { throw cutShort(piece) }
        try checkBracket(piece, end)
        let rest = UnsafeRawBufferPointer(start: piece.text.start + end + 1, count: piece.text.count - end - 1)
        try envelope.end(rest, offset: piece.offset + end + 1, isArray: isArray)
        return piece.begin + end
    }

    /// Hands out the last records, whose array ends at `end`, and looks at what follows.
    private func finish(_ end: Int) async throws(SluiceError) -> Piece? {
        try checkBracket(pending, end)
        let piece = emit(end, skipping: 1)
        while !isAtEnd {
            try await fill(max(pending.storage.count * 2, Feed.pieceSize))
            if pending.storage.count > Feed.mostRecord {
                throw SluiceError(
                    .invalidData, "too much follows the transactions", place: .init(file: source.name),
                    hint: "a batch document has little beside them")
            }
        }
        let rest = UnsafeRawBufferPointer(start: pending.storage.base, count: pending.storage.count)
        try envelope.end(rest, offset: pending.offset, isArray: isArray)
        isFinished = true
        return piece
    }
}
