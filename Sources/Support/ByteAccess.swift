/// Bytes that can be read at any position: a local file, a blob read by ranges, or memory.
///
/// A reader asks for exactly the ranges it needs, so that opening a remote file costs its footer and no more.
public protocol RandomAccess: Sendable {
    /// What to call this in a message: a path or URL without secrets.
    var name: String { get }
    /// The number of bytes.
    var size: Int { get }
    /// The bytes in `range`, which lies within `0..<size`.
    ///
    /// - throws: `SluiceError` when fewer bytes are there than asked for.
    func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer
}

/// Bytes that arrive in order, once: a file, standard input, a decompressed stream.
public protocol ByteStream: AnyObject, Sendable {
    /// What to call this in a message.
    var name: String { get }
    /// The next run of bytes, of whatever size suits the source; nil at the end.
    func next() async throws(SluiceError) -> Buffer?
}

/// Bytes that can be streamed from the start as often as needed, decompressed if they were compressed.
///
/// Readers that infer a schema start again when they learn late that a type must be wider; a source that cannot be read
/// twice (standard input) is spooled by whoever offers it as one of these.
public protocol StreamSource: Sendable {
    /// What to call this in a message.
    var name: String { get }
    /// The number of bytes of a whole stream, when that is known beforehand.
    var streamSize: Int? { get }
    /// A stream that begins at the first byte.
    func stream() async throws(SluiceError) -> any ByteStream
}

/// Bytes that can be read at any position straight into memory that the reader has, without waiting for somebody else.
public protocol DirectAccess: Sendable {
    /// The number of bytes.
    var size: Int { get }
    /// Reads at most as many bytes as `target` has room for; none only at the end.
    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) throws(SluiceError) -> Int
}

/// Somewhere that bytes are written in order. What was written becomes visible with `finish`, whole, or not at all.
public protocol ByteSink: AnyObject, Sendable {
    /// What to call this in a message.
    var name: String { get }
    /// Appends bytes.
    func write(_ bytes: Buffer) async throws(SluiceError)
    /// Publishes what was written.
    func finish() async throws(SluiceError)
    /// Throws away what was written. Safe to call more than once, and after `finish`, where it does nothing.
    func abandon() async
}

/// Bytes in memory, as a file.
public struct MemorySource: RandomAccess, StreamSource {
    /// What to call this in a message.
    public let name: String
    private let contents: Buffer

    /// A source over `contents`.
    public init(_ contents: Buffer, name: String = "memory") {
        self.contents = contents
        self.name = name
    }

    /// The number of bytes.
    public var size: Int { contents.count }

    /// The number of bytes of a whole stream.
    public var streamSize: Int? { size }

    /// A stream over the contents.
    public func stream() async throws(SluiceError) -> any ByteStream { MemoryStream(contents, name: name) }

    /// The bytes in `range`.
    public func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer {
        guard range.lowerBound >= 0, range.upperBound <= size else {
            throw SluiceError(
                .invalidData, "bytes \(range.lowerBound)–\(range.upperBound) were asked for, the file has \(size)",
                place: .init(file: name, offset: range.lowerBound))
        }
        return contents[range]
    }
}

/// A stream over bytes in memory.
public final class MemoryStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    /// What to call this in a message.
    public let name: String
    private var chunks: ArraySlice<Buffer>

    /// A stream that hands out `contents` in pieces of `chunkSize` bytes.
    public init(_ contents: Buffer, chunkSize: Int = 1 << 20, name: String = "memory") {
        self.name = name
        chunks =
            stride(from: 0, to: contents.count, by: chunkSize).map {
                contents[$0..<min($0 + chunkSize, contents.count)]
            }[...]
    }

    /// The next piece.
    public func next() async throws(SluiceError) -> Buffer? { chunks.popFirst() }
}

/// A sink that collects what is written, for tests and for small results.
public final class MemorySink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    /// What to call this in a message.
    public let name: String
    private let collected = MutableBuffer()
    /// What was written, once finished.
    public private(set) var contents: Buffer?

    /// An empty sink.
    public init(name: String = "memory") { self.name = name }

    /// Appends bytes.
    public func write(_ bytes: Buffer) async throws(SluiceError) { collected.append(bytes) }
    /// Publishes what was written as `contents`.
    public func finish() async throws(SluiceError) { contents = collected.freeze() }
    /// Throws away what was written.
    public func abandon() async { if contents == nil { collected.removeAll() } }
}
