public import Support
import Synchronization

/// Bytes that come by once – standard input, a pipe, a decompressed file – kept on disk while they are read, so that they
/// can be streamed again and read at any position.
///
/// The file lies unlinked in `$TMPDIR`, or else in `/var/tmp`, so nothing of it outlives the process. A second stream may
/// begin before the first has come to its end: it reads what is kept, then goes on where the first left off.
public final class Spool: InputFile {
    /// What to call this in a message.
    public let name: String
    private let state: Mutex<State>
    private let keepsForRereading: Bool

    private struct State: Sendable {
        let source: any ByteStream
        var file: Descriptor?
        var size = 0
        var isComplete = false
        var isStarted = false
    }

    /// Keeps what `source` hands out.
    ///
    /// - parameter keepsForRereading: When false nothing is kept, and only the first stream can be had.
    public init(_ source: any ByteStream, keepsForRereading: Bool = true) {
        name = source.name
        state = Mutex(State(source: source))
        self.keepsForRereading = keepsForRereading
    }

    /// Nothing: a pipe is not a place in the file system.
    public var identity: FileIdentity? { nil }
    /// The number of bytes, once all of them have come by.
    public var streamSize: Int? { state.withLock { $0.isComplete ? $0.size : nil } }

    /// A stream from the first byte.
    public func stream() async throws(SluiceError) -> any ByteStream {
        if keepsForRereading { return SpoolStream(self) }
        let (source, isFirst) = state.withLock { state in
            defer { state.isStarted = true }
            return (state.source, !state.isStarted)
        }
        guard isFirst else {
            throw SluiceError(.inputOutput, "can be read only once", place: .init(file: name))
        }
        return source
    }

    /// Reads to the end, and then offers what was kept.
    public func randomAccess() async throws(SluiceError) -> any RandomAccess {
        while try await pull() != nil {}
        guard let file = state.withLock({ $0.file }) else { return MemorySource(.empty, name: name) }
        return LocalFile(file, name: name, status: try file.status(name: name))
    }

    /// Takes the next bytes from the source and keeps them. One caller at a time.
    fileprivate func pull() async throws(SluiceError) -> Buffer? {
        let source = state.withLock { $0.isComplete ? nil : $0.source }
        guard let bytes = try await source?.next() else {
            state.withLock { $0.isComplete = true }
            return nil
        }
        var file = state.withLock { $0.file }
        if file == nil {
            file = try TemporaryFile.make()
            state.withLock { [file] in $0.file = file }
        }
        if let file {
            do throws(SluiceError) {
                try bytes.withUnsafeBytes { (bytes) throws(SluiceError) in
                    try file.write(bytes, name: TemporaryFile.folder)
                }
            } catch {
                throw TemporaryFile.explained(error, "\(name) is kept on disk while it is read")
            }
        }
        state.withLock { $0.size += bytes.count }
        return bytes
    }

    /// Up to a block of what is kept from `position` on; nil when nothing is.
    fileprivate func kept(from position: Int) throws(SluiceError) -> Buffer? {
        let (file, size) = state.withLock { ($0.file, $0.size) }
        guard let file, position < size else { return nil }
        let bytes = MutableBuffer(capacity: min(1 << 20, size - position))
        bytes.count = try file.read(
            into: bytes.base, count: min(1 << 20, size - position), at: position, name: name)
        return bytes.count == 0 ? nil : bytes.freeze()
    }
}

/// One pass over what a spool keeps and what it has yet to take in.
private final class SpoolStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    private let spool: Spool
    private var position = 0

    init(_ spool: Spool) { self.spool = spool }

    var name: String { spool.name }

    func next() async throws(SluiceError) -> Buffer? {
        if let bytes = try spool.kept(from: position) {
            position += bytes.count
            return bytes
        }
        guard let bytes = try await spool.pull() else { return nil }
        position += bytes.count
        return bytes
    }
}
