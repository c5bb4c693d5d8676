import Support

/// The bytes of one column chunk, fetched in windows, handed out in order.
struct ChunkBytes {
    private let source: any RandomAccess
    /// Where the chunk is expected to end; windows do not reach beyond it unless a page does.
    private let expectedEnd: Int
    /// Where no page can lie any more.
    private let end: Int
    private let windowBytes: Int
    /// Where the next byte is taken, in the file.
    private(set) var position: Int
    private var window = Buffer.empty
    private var windowStart: Int

    init(_ source: any RandomAccess, from start: Int, expectedEnd: Int, end: Int, windowBytes: Int) {
        self.source = source
        self.expectedEnd = min(expectedEnd, end)
        self.end = end
        self.windowBytes = windowBytes
        position = start
        windowStart = start
    }

    /// How many bytes can still be taken.
    var remaining: Int { end - position }

    /// How many of them belong to the chunk by its own account.
    var expected: Int { max(0, expectedEnd - position) }

    /// Whether the bytes up to `count` from here are at hand.
    private func isAtHand(_ count: Int) -> Bool { position + count <= windowStart + window.count }

    /// At least `count` bytes from here on, or what there is; they stay where they are.
    mutating func peek(_ count: Int) async throws(SluiceError) -> Buffer {
        let count = min(count, remaining)
        if !isAtHand(count) { try await fetch(count) }
        return window[position - windowStart..<window.count]
    }

    /// Goes `count` bytes on, all of which were peeked at.
    mutating func advance(_ count: Int) { position += count }

    /// The next `count` bytes, of which there are enough.
    mutating func take(_ count: Int) async throws(SluiceError) -> Buffer {
        if !isAtHand(count) { try await fetch(count) }
        let start = position - windowStart
        position += count
        return window[start..<start + count]
    }

    /// Makes a new window that begins here: what is left of the old one, and what follows.
    private mutating func fetch(_ count: Int) async throws(SluiceError) {
        let known = windowStart + window.count
        let rest = window[position - windowStart..<window.count]
        let target = min(end, max(position + count, min(known + windowBytes, expectedEnd)))
        let fresh = try await source.read(known..<target)
        guard fresh.count == target - known else {
            throw SluiceError(
                .inputOutput, "\(target - known) bytes were asked for, \(fresh.count) came", place: .init(offset: known)
            )
        }
        if rest.count == 0 {
            window = fresh
        } else {
            let joined = MutableBuffer(capacity: rest.count + fresh.count)
            joined.append(rest)
            joined.append(fresh)
            window = joined.freeze()
        }
        windowStart = position
    }
}
