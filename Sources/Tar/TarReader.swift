public import Support

/// Reads an archive from its first byte on: an entry, then as much of its contents as is wanted, then the next.
///
///     let reader = TarReader(stream)
///     while let entry = try await reader.next() {
///         while let bytes = try await reader.contents() { … }
///     }
public final class TarReader: @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time reads, as the stream below demands.

    private let stream: any ByteStream
    private var blocks = TarBlocks()
    private var piece = Buffer.empty
    private var position = 0
    /// How much of the entry's contents is still to come, and of the blanks behind them.
    private var left = 0
    private var padding = 0
    private var isAtEnd = false

    /// A reader of `stream`, which is not compressed.
    public init(_ stream: any ByteStream) { self.stream = stream }

    /// The next entry; nil at the end of the archive. What was not read of the last one is passed over.
    public func next() async throws(SluiceError) -> TarEntry? {
        if isAtEnd { return nil }
        try await skip(left + padding)
        (left, padding) = (0, 0)
        while true {
            let offset = position
            let block = try await exactly(TarFormat.block)
            switch try blocks.header(block, at: offset, in: stream.name) {
            case .end:
                isAtEnd = true
                return nil
            case .more(let size):
                let contents = try await exactly(size)
                try await skip(TarFormat.padding(size))
                try blocks.take(contents, in: stream.name)
            case .entry(let entry):
                left = entry.size
                padding = TarFormat.padding(entry.size)
                return entry
            }
        }
    }

    /// The next bytes of the entry; nil at its end.
    public func contents() async throws(SluiceError) -> Buffer? {
        if left == 0 { return nil }
        let bytes = try await some(left)
        left -= bytes.count
        return bytes
    }

    /// The whole contents of a small entry.
    public func collect(limit: Int) async throws(SluiceError) -> Buffer {
        guard left <= limit else {
            throw SluiceError(
                .limitExceeded, "an entry has \(left) bytes, the limit for it is \(limit)",
                place: .init(file: stream.name, offset: position))
        }
        let bytes = try await exactly(left)
        left = 0
        return Buffer(bytes)
    }

    private func some(_ most: Int) async throws(SluiceError) -> Buffer {
        while piece.count == 0 {
            guard let more = try await stream.next() else {
                throw SluiceError(
                    .invalidData, "the archive ends in the middle of an entry",
                    place: .init(file: stream.name, offset: position), hint: "It was cut short.")
            }
            piece = more
        }
        let count = min(most, piece.count)
        defer {
            piece = piece[count..<piece.count]
            position += count
        }
        return piece[0..<count]
    }

    private func exactly(_ count: Int) async throws(SluiceError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += try await some(count - bytes.count).bytes }
        return bytes
    }

    private func skip(_ count: Int) async throws(SluiceError) {
        var count = count
        while count > 0 { count -= try await some(count).count }
    }
}

/// Where the files of an uncompressed archive lie in it, so that each can be read by itself.
public struct TarIndex: Sendable {
    /// The files by path, with where their bytes are.
    public let files: [String: Range<Int>]

    /// More entries than any image or package has.
    private static let mostEntries = 100_000

    /// Looks through `source`, reading headers alone.
    public init(_ source: any RandomAccess) async throws(SluiceError) {
        var files: [String: Range<Int>] = [:]
        var blocks = TarBlocks()
        var position = 0
        var count = 0
        reading: while true {
            guard position + TarFormat.block <= source.size else {
                throw SluiceError(
                    .invalidData, "the archive has no end", place: .init(file: source.name, offset: position),
                    hint: "It was cut short.")
            }
            let block = try await source.read(position..<position + TarFormat.block).bytes
            let step = try blocks.header(block, at: position, in: source.name)
            position += TarFormat.block
            let size: Int
            switch step {
            case .end: break reading
            case .more(let count): size = count
            case .entry(let entry): size = entry.size
            }
            guard size <= source.size - position else {
                throw SluiceError(
                    .invalidData, "an entry of \(size) bytes is not all there",
                    place: .init(file: source.name, offset: position), hint: "It was cut short.")
            }
            switch step {
            case .more: try blocks.take(try await source.read(position..<position + size).bytes, in: source.name)
            case .entry(let entry):
                var path = entry.path
                while path.hasPrefix("./") { path.removeFirst(2) }
                if entry.kind == .file { files[path] = position..<position + size }
            case .end: break
            }
            position += size + TarFormat.padding(size)
            count += 1
            if count > TarIndex.mostEntries {
                throw SluiceError(
                    .limitExceeded, "has more than \(TarIndex.mostEntries) entries", place: .init(file: source.name))
            }
        }
        self.files = files
    }
}
