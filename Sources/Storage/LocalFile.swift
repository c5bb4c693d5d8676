import Glibc
public import Support

/// A regular file on this machine, read at any position or from the start.
///
/// It is the file that was opened, of the size it had then: a file that is renamed over it meanwhile does not mix in,
/// and one that is cut short meanwhile is an error.
public struct LocalFile: InputFile, RandomAccess, DirectAccess {
    /// The path as the user gave it.
    public let name: String
    /// The number of bytes.
    public let size: Int
    /// What tells this file from every other.
    public let identity: FileIdentity?
    private let descriptor: Descriptor

    init(_ descriptor: Descriptor, name: String, status: FileStatus) {
        self.descriptor = descriptor
        self.name = name
        size = status.size
        identity = status.identity
    }

    /// Opens the regular file at `path`.
    ///
    /// - throws: `SluiceError` when it is not there, may not be read, or is not a regular file.
    public init(_ path: String) throws(SluiceError) {
        let descriptor = try Descriptor.open(path)
        let status = try descriptor.status(name: path)
        guard status.isRegular else {
            throw SluiceError(.notFound, "is not a regular file", place: .init(file: path))
        }
        self.init(descriptor, name: path, status: status)
    }

    /// The file of the operating system.
    var number: Int32 { descriptor.number }

    /// The number of bytes of a whole stream.
    public var streamSize: Int? { size }

    /// The bytes in `range`.
    public func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer {
        guard range.lowerBound >= 0, range.upperBound <= size else {
            throw SluiceError(
                .invalidData, "bytes \(range.lowerBound)–\(range.upperBound) were asked for, the file has \(size)",
                place: .init(file: name, offset: range.lowerBound))
        }
        let bytes = MutableBuffer(capacity: range.count)
        while bytes.count < range.count {
            let position = range.lowerBound + bytes.count
            let read = try descriptor.read(
                into: bytes.base + bytes.count, count: range.count - bytes.count, at: position, name: name)
            if read == 0 { throw LocalFile.cutShort(name: name, at: position, size: size) }
            bytes.count += read
        }
        return bytes.freeze()
    }

    /// Reads at most as many bytes as `target` has room for; none only at the end.
    public func read(into target: UnsafeMutableRawBufferPointer, at position: Int) throws(SluiceError) -> Int {
        let count = min(target.count, size - position)
        guard count > 0, let start = target.baseAddress else { return 0 }
        let read = try descriptor.read(into: start, count: count, at: position, name: name)
        if read == 0 { throw LocalFile.cutShort(name: name, at: position, size: size) }
        return read
    }

    /// A stream from the first byte.
    public func stream() async throws(SluiceError) -> any ByteStream {
        LocalFileStream(descriptor, name: name, size: size)
    }

    /// This file.
    public func randomAccess() async throws(SluiceError) -> any RandomAccess { self }

    fileprivate static func cutShort(name: String, at position: Int, size: Int) -> SluiceError {
        SluiceError(
            .inputOutput, "the file was \(size) bytes long when it was opened and now ends here",
            place: .init(file: name, offset: position),
            hint: "Something cut it short while it was being read; wait until it is written, then run again.")
    }
}

/// The bytes of a regular file in order, a block at a time, with the kernel reading ahead.
final class LocalFileStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    let name: String
    private let descriptor: Descriptor
    private let size: Int
    private var position = 0

    private static let blockSize = 1 << 20
    /// How far the kernel is asked to read ahead of the block that is being read.
    private static let readAhead = 4 << 20

    init(_ descriptor: Descriptor, name: String, size: Int) {
        self.descriptor = descriptor
        self.name = name
        self.size = size
        posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    func next() async throws(SluiceError) -> Buffer? {
        let count = min(Self.blockSize, size - position)
        if count == 0 { return nil }
        let ahead = position + count
        if ahead < size {
            posix_fadvise(descriptor.number, off_t(ahead), off_t(Self.readAhead), POSIX_FADV_WILLNEED)
        }
        let bytes = MutableBuffer(capacity: count)
        let read = try descriptor.read(into: bytes.base, count: count, at: position, name: name)
        if read == 0 { throw LocalFile.cutShort(name: name, at: position, size: size) }
        bytes.count = read
        position += read
        return bytes.freeze()
    }
}
