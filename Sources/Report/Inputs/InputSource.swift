import Storage
import Support
import Synchronization

/// An input as it is read: unpacked when it is packed, and known by the hash of its bytes when it has been read.
struct InputSource: Sendable {
    /// What to read.
    let source: any StreamSource
    private let observed: ObservedFile

    /// The file at `place`; standard input is what `input` opens.
    ///
    /// - parameter isHashed: Whether `content` will be asked for.
    /// - parameter count: Told how many bytes were read since it was told before.
    init(
        _ place: FilePlace, isHashed: Bool = true, input: @Sendable () throws(SluiceError) -> any InputFile,
        count: @escaping @Sendable (Int) -> Void
    ) async throws(SluiceError) {
        let isStandardInput = if case .local(Storage.standardName) = place { true } else { false }
        let file = isStandardInput ? try input() : try await place.open()
        let first = try await file.stream().next()
        let start = first.map { Array($0[0..<min($0.count, 4)].bytes) } ?? []
        // What the bytes say wins: a transfer may have unpacked a file and left its name as it was.
        let compression =
            FileCompression.detect(start) ?? (start.isEmpty ? FileCompression.split(place.name).compression : nil)
        observed = ObservedFile(base: file, isHashed: isHashed, count: count)
        if let compression {
            source = Decompressed(observed, compression)
        } else if let direct = file as? LocalFile {
            source = ObservedLocalFile(base: direct, observed: observed)
        } else {
            source = observed
        }
    }

    /// The hash of the bytes as they are stored; what was not read yet is read now.
    func content() async throws(SluiceError) -> String { try await observed.content() }
}

/// A file whose bytes are hashed and counted as they pass, from the first on; whoever begins again begins the hash again.
private struct ObservedFile: InputFile {
    let base: any InputFile
    let isHashed: Bool
    let count: @Sendable (Int) -> Void
    let progress = Progress()

    var name: String { base.name }
    var identity: FileIdentity? { base.identity }
    var streamSize: Int? { base.streamSize }
    func randomAccess() async throws(SluiceError) -> any RandomAccess { try await base.randomAccess() }

    func stream() async throws(SluiceError) -> any ByteStream {
        ObservedStream(try await base.stream(), file: self)
    }

    /// Takes note of bytes that were read at `position`.
    func see(_ bytes: UnsafeRawBufferPointer, at position: Int) {
        let new = progress.state.withLock { state -> Int in
            if position == 0, state.hashed > 0 {
                state.hash = ContentHash()
                state.hashed = 0
            }
            guard state.hashed == position else { return 0 }
            if isHashed { state.hash.update(bytes) }
            state.hashed += bytes.count
            defer { state.counted = max(state.counted, state.hashed) }
            return max(0, state.hashed - state.counted)
        }
        if new > 0 { count(new) }
    }

    func content() async throws(SluiceError) -> String {
        let seen = progress.state.withLock { $0.hashed }
        var position = 0
        let stream = try await base.stream()
        if let size = base.streamSize, seen == size { return try finish() }
        // What a reader left, because it knew enough, belongs to the content too.
        while let bytes = try await stream.next() {
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: name)) }
            let end = position + bytes.count
            if end > seen {
                let rest = bytes[max(0, seen - position)..<bytes.count]
                rest.withUnsafeBytes { see($0, at: max(position, seen)) }
            }
            position = end
        }
        return try finish()
    }

    private func finish() throws(SluiceError) -> String {
        let result = progress.state.withLock { state -> Result<String, SluiceError> in
            do throws(SluiceError) { return .success(try state.hash.finish()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    final class Progress: Sendable {
        struct State: ~Copyable {
            var hash = ContentHash()
            var hashed = 0
            var counted = 0
        }
        let state = Mutex(State())
    }
}

private final class ObservedStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    private let base: any ByteStream
    private let file: ObservedFile
    private var position = 0

    init(_ base: any ByteStream, file: ObservedFile) {
        self.base = base
        self.file = file
    }

    var name: String { base.name }

    func next() async throws(SluiceError) -> Buffer? {
        guard let block = try await base.next() else { return nil }
        block.withUnsafeBytes { file.see($0, at: position) }
        position += block.count
        return block
    }
}

/// The same for a regular file, whose bytes a reader takes straight into its own memory.
private struct ObservedLocalFile: StreamSource, DirectAccess {
    let base: LocalFile
    let observed: ObservedFile

    var name: String { base.name }
    var size: Int { base.size }
    var streamSize: Int? { base.size }
    func stream() async throws(SluiceError) -> any ByteStream { try await observed.stream() }

    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) throws(SluiceError) -> Int {
        let read = try base.read(into: target, at: position)
        observed.see(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(target)[..<read]), at: position)
        return read
    }
}
