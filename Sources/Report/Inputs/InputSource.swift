import Storage
import Support
import Synchronization

/// An input as it is read: unpacked when it is packed, and known by the hash of its bytes when it has been read.
struct InputSource: Sendable {
    /// What to read.
    let source: any StreamSource
    private let observed: ObservedFile
    private let blocks: BlockHashes

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
        let start: [UInt8]
        if let direct = file as? LocalFile {
            start = try await direct.read(0..<min(direct.size, 4)).bytes
        } else {
            let first = try await file.stream().next()
            start = first.map { Array($0[0..<min($0.count, 4)].bytes) } ?? []
        }
        // What the bytes say wins: a transfer may have unpacked a file and left its name as it was.
        let compression =
            FileCompression.detect(start) ?? (start.isEmpty ? FileCompression.split(place.name).compression : nil)
        observed = ObservedFile(base: file, isHashed: isHashed, count: count)
        let blocks = BlockHashes(isHashed: isHashed, count: count)
        self.blocks = blocks
        if let compression {
            source = Decompressed(observed, compression)
        } else if let direct = file as? LocalFile {
            source = ObservedLocalFile(base: direct, observed: observed, blocks: blocks)
        } else {
            source = observed
        }
    }

    /// The hash of the bytes as they are stored; what was not read yet is read now.
    func content() async throws(SluiceError) -> String {
        guard let file = source as? ObservedLocalFile else { return try await observed.content() }
        if let known = try blocks.hash(length: file.size) { return known }
        // It was not read block by block, but as a stream, or in some other way.
        return observed.isSeen ? try await observed.content() : try await ContentHash.hash(of: file.base)
    }
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
    func see(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(SluiceError) {
        let result = progress.state.withLock { state -> Result<Int, SluiceError> in
            if position == 0, state.hashed > 0 {
                state.hash = ContentHash()
                state.hashed = 0
            }
            guard state.hashed == position else { return .success(0) }
            do throws(SluiceError) { if isHashed { try state.hash.update(bytes) } } catch { return .failure(error) }
            state.hashed += bytes.count
            defer { state.counted = max(state.counted, state.hashed) }
            return .success(max(0, state.hashed - state.counted))
        }
        let new = try result.get()
        if new > 0 { count(new) }
    }

    /// Whether all bytes have passed.
    var isSeen: Bool { progress.state.withLock { $0.hashed } == base.streamSize }

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
                try rest.withUnsafeBytes { (bytes) throws(SluiceError) in
                    try see(bytes, at: max(position, seen))
                }
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
        try block.withUnsafeBytes { (bytes) throws(SluiceError) in try file.see(bytes, at: position) }
        position += block.count
        return block
    }
}

/// The same for a regular file, whose bytes readers take straight into their own memory, anywhere and side by side.
private struct ObservedLocalFile: StreamSource, DirectAccess {
    let base: LocalFile
    let observed: ObservedFile
    let blocks: BlockHashes

    var name: String { base.name }
    var size: Int { base.size }
    var streamSize: Int? { base.size }
    func stream() async throws(SluiceError) -> any ByteStream { try await observed.stream() }

    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) throws(SluiceError) -> Int {
        let read = try base.read(into: target, at: position)
        try blocks.see(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(target)[..<read]), at: position, of: size)
        return read
    }
}

/// The hashes of a file's blocks, by whoever reads a whole one; and how far the reading has come.
private final class BlockHashes: Sendable {
    private let isHashed: Bool
    private let count: @Sendable (Int) -> Void
    private let state = Mutex(State())

    private struct State {
        var blocks: [ContentHash.Block?] = []
        /// Up to where the file was read; blocks that were left out before count as read.
        var seen = 0
    }

    init(isHashed: Bool, count: @escaping @Sendable (Int) -> Void) {
        self.isHashed = isHashed
        self.count = count
    }

    /// Takes note of bytes that were read at `position`. The reader's thread hashes the blocks that lie whole in them.
    func see(_ bytes: UnsafeRawBufferPointer, at position: Int, of size: Int) throws(SluiceError) {
        let length = ContentHash.blockSize
        var found: [ContentHash.Block] = []
        let first = (position + length - 1) / length
        if isHashed {
            var start = first * length
            while start < size, min(start + length, size) <= position + bytes.count {
                let end = min(start + length, size)
                let block = UnsafeRawBufferPointer(rebasing: bytes[(start - position)..<(end - position)])
                found.append(try ContentHash.hash(block: block))
                start = end
            }
        }
        let new = state.withLock { state -> Int in
            if !found.isEmpty, state.blocks.isEmpty {
                state.blocks = Array(repeating: nil, count: (size + length - 1) / length)
            }
            for (index, block) in found.enumerated() { state.blocks[first + index] = block }
            defer { state.seen = max(state.seen, position + bytes.count) }
            return max(0, position + bytes.count - state.seen)
        }
        if new > 0 { count(new) }
    }

    /// The hash of the content, if all blocks were read.
    func hash(length: Int) throws(SluiceError) -> String? {
        let blocks = state.withLock { $0.blocks }
        let known = blocks.compactMap { $0 }
        guard !known.isEmpty, known.count == blocks.count else { return nil }
        return try ContentHash.hash(known, length: length)
    }
}
