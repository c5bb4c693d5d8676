import CSimdjson
import Glibc
import Support

/// Cuts an input that can be read anywhere into pieces of whole records, block by block: workers read, hash and cut their
/// blocks side by side, and none waits for another.
///
/// The piece of a block begins behind the first end of a record that is in the block, and goes on to the first that is in a
/// later one. So each record is in one piece, and everybody finds the same boundaries without asking. That they are ones
/// is a guess that parsing proves, as with `Feed`.
final class BlockFeed: @unchecked Sendable {
    // `@unchecked Sendable` because nothing changes but what follows the records, which the worker with the last piece
    // alone comes to.

    private let feed: Feed
    private let direct: any DirectAccess
    private let separator: Feed.Separator
    /// Where the records begin, and in which block.
    private let first: Int
    private let firstBlock: Int
    /// How many blocks there are from that one on.
    let count: Int

    /// How far beyond its block a worker looks at once: most records end by then.
    private let ahead: Int

    init(_ feed: Feed, _ direct: any DirectAccess, _ separator: Feed.Separator, from first: Int) {
        self.feed = feed
        self.direct = direct
        self.separator = separator
        self.first = first
        firstBlock = first / Feed.pieceSize
        count = (direct.size + Feed.pieceSize - 1) / Feed.pieceSize - firstBlock
        ahead = max(8 << 10, separator.bytes.count * 2)
    }

    /// A piece with room for a block and what is beyond.
    func makePiece() -> Piece { Piece(room: Feed.pieceSize + ahead + SalesPlan.padding) }

    /// Reads the records of a block; false when none begins in it.
    func read(_ number: Int, into piece: Piece) throws(SluiceError) -> Bool {
        let start = (firstBlock + number) * Feed.pieceSize
        let end = min(start + Feed.pieceSize, direct.size)
        let buffer = piece.storage
        buffer.count = 0
        (piece.begin, piece.hasComma) = (0, false)
        try fill(buffer, from: start, upTo: end + ahead)
        if number == 0 {
            piece.begin = first - start
        } else {
            guard let at = find(buffer, from: 0, before: end - start) else { return false }
            piece.begin = at + separator.comma + 1
            piece.hasComma = feed.hasCommas
        }
        piece.offset = start + piece.begin
        var from = max(end - start, piece.begin)
        while true {
            if let at = find(buffer, from: from, before: buffer.count) {
                if feed.hasCommas { piece.hasComma = true }
                finish(piece, at + separator.comma)
                return true
            }
            if start + buffer.count >= direct.size { break }
            from = max(from, buffer.count - separator.bytes.count + 1)
            if buffer.count > Feed.mostRecord { throw feed.tooLarge(buffer.count, piece.offset) }
            try fill(buffer, from: start, upTo: start + buffer.count * 2)
        }
        finish(piece, feed.hasCommas ? try feed.finish(piece) : buffer.count)
        return true
    }

    private func finish(_ piece: Piece, _ end: Int) {
        piece.storage.count = end
        piece.storage.append(repeating: 0, count: SalesPlan.padding)
        piece.storage.count = end
    }

    /// Reads on in the input, whose byte at `start` is the buffer's first.
    private func fill(_ buffer: MutableBuffer, from start: Int, upTo end: Int) throws(SluiceError) {
        let wanted = min(end, direct.size) - start
        buffer.reserve(wanted - buffer.count + SalesPlan.padding)
        while buffer.count < wanted {
            let room = UnsafeMutableRawBufferPointer(start: buffer.base + buffer.count, count: wanted - buffer.count)
            let read = try direct.read(into: room, at: start + buffer.count)
            if read == 0 { break }
            buffer.count += read
        }
    }

    /// The first end of a record that begins at `from` or later, and before `limit`.
    private func find(_ buffer: MutableBuffer, from: Int, before limit: Int) -> Int? {
        let text = Bytes(UnsafePointer(buffer.base.assumingMemoryBound(to: UInt8.self)), buffer.count)
        return separator.bytes.withUnsafeBufferPointer { wanted -> Int? in
            guard let base = wanted.baseAddress else { return nil }
            let last = min(limit - 1, text.count - wanted.count)
            var at = from
            while at <= last {
                guard let found = memchr(text.start + at, Int32(base[0]), last - at + 1) else { return nil }
                at = UnsafeRawPointer(found) - UnsafeRawPointer(text.start)
                if memcmp(text.start + at, base, wanted.count) == 0 { return at }
                at += 1
            }
            return nil
        }
    }
}
