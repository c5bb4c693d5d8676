import Azure
import Support

/// Reads ranges of an object of one version.
struct RangeReader: Sendable {
    private let fetch: @Sendable (Range<Int>) async throws(SluiceError) -> CheckedBytes

    /// No range that is asked for is longer.
    let size: Int

    /// A reader that asks the service for ranges of up to `size` bytes with `fetch`.
    init(size: Int, _ fetch: @escaping @Sendable (Range<Int>) async throws(SluiceError) -> CheckedBytes) {
        self.size = size
        self.fetch = fetch
    }

    /// The bytes of a range, and their checksum where it is known anyway. What arrived damaged is asked for again.
    func read(_ range: Range<Int>) async throws(SluiceError) -> CheckedBytes {
        for _ in 0..<2 {
            do throws(SluiceError) {
                return try await fetch(range)
            } catch {
                if !TransferDigest.isDamage(error) { throw error }
            }
        }
        return try await fetch(range)
    }

    /// The bytes in `range`, in pieces that are read side by side.
    func whole(_ range: Range<Int>) async throws(SluiceError) -> Buffer {
        if range.isEmpty { return .empty }
        if range.count <= size { return try await read(range).bytes }
        let pieces = stride(from: range.lowerBound, to: range.upperBound, by: size).map {
            $0..<min($0 + size, range.upperBound)
        }
        let bytes = MutableBuffer(capacity: range.count)
        // In rounds, so that no more than a round is there besides the result.
        for start in stride(from: 0, to: pieces.count, by: 8) {
            let round = Array(pieces[start..<min(start + 8, pieces.count)])
            for piece in try await readSideBySide(round) { bytes.append(piece) }
        }
        return bytes.freeze()
    }

    private func readSideBySide(_ ranges: [Range<Int>]) async throws(SluiceError) -> [Buffer] {
        let slots = Slots<Buffer>()
        var results: [Int: Result<Buffer, SluiceError>] = [:]
        await withTaskGroup(of: Int.self) { group in
            for (index, range) in ranges.enumerated() {
                group.addTask {
                    await slots.fill(index) { () async throws(SluiceError) in try await read(range).bytes }
                }
            }
            for await index in group {
                let result = slots.take(index)
                results[index] = result
                if case .failure? = result { group.cancelAll() }
            }
        }
        // The first failure that is no consequence of another.
        let failures = results.values.compactMap { if case .failure(let error) = $0 { error } else { nil } }
        if let failure = failures.first(where: { $0.code != .cancelled }) ?? failures.first { throw failure }
        var buffers: [Buffer] = []
        for index in ranges.indices { if let result = results[index] { buffers.append(try result.get()) } }
        return buffers
    }
}

/// Bytes, and their CRC64 where somebody computed it already.
struct CheckedBytes: Sendable {
    let bytes: Buffer
    var crc: UInt64?
}

/// What the bytes of a whole object must come to.
enum WholeCheck: Sendable {
    /// A CRC64 of our own.
    case crc64([UInt8])
    /// An MD5 that its writer left.
    case md5([UInt8])
    /// Nobody left anything.
    case none

    init(metadata: [String: String], md5: String?) {
        if let crc = metadata[ObjectMark.checksum].flatMap({ Base64.decode($0) }), crc.count == 8 {
            self = .crc64(crc)
        } else if let digest = md5.flatMap({ Base64.decode($0) }), digest.count == 16 {
            self = .md5(digest)
        } else {
            self = .none
        }
    }
}

/// The bytes of an object in order, with ranges ahead asked for side by side.
final class ReadAhead: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    let name: String
    private let size: Int
    private let reader: RangeReader
    private let check: WholeCheck
    private let most: Int
    private var crc: UInt64 = 0
    private var md5: Digest?
    private var asked = 0
    private var read = 0
    /// How many ranges may be on their way: one at first, since many look at the beginning only.
    private var depth = 1
    private var waiting: [Task<Result<CheckedBytes, SluiceError>, Never>] = []

    init(name: String, size: Int, reader: RangeReader, check: WholeCheck, memory: Int) throws(SluiceError) {
        self.name = name
        self.size = size
        self.reader = reader
        self.check = check
        most = max(1, memory / reader.size)
        if case .md5 = check { md5 = try Digest(.md5) }
    }

    deinit { for task in waiting { task.cancel() } }

    func next() async throws(SluiceError) -> Buffer? {
        if read >= size { return nil }
        ask()
        guard let first = waiting.first else { return nil }
        let result = await withTaskCancellationHandler {
            await first.value
        } onCancel: {
            first.cancel()
        }
        waiting.removeFirst()
        let piece = try result.get()
        read += piece.bytes.count
        depth = min(depth * 2, most)
        ask()
        try verify(piece)
        return piece.bytes
    }

    private func ask() {
        while waiting.count < depth, asked < size {
            let range = asked..<min(asked + reader.size, size)
            asked = range.upperBound
            waiting.append(
                Task { [reader] in
                    do throws(SluiceError) {
                        return .success(try await reader.read(range))
                    } catch {
                        return .failure(error)
                    }
                })
        }
    }

    /// Takes a piece into the checksum of all, and looks at that at the end.
    private func verify(_ piece: CheckedBytes) throws(SluiceError) {
        let isLast = read >= size
        switch check {
        case .none: return
        case .crc64(let wanted):
            let part = piece.crc ?? CRC64.of(piece.bytes).value
            crc = CRC64.combined(crc, part, secondCount: piece.bytes.count)
            if isLast, CRC64.bytes(of: crc) != wanted { throw damaged("CRC64") }
        case .md5(let wanted):
            md5?.update(piece.bytes)
            if isLast, let found = md5?.finish(), found != wanted { throw damaged("MD5") }
        }
    }

    private func damaged(_ what: String) -> SluiceError {
        SluiceError(
            .invalidData, "the bytes do not have the \(what) that their writer left with them",
            place: .init(file: name),
            hint: "Read it again; if it stays so, it was written damaged, or with a wrong checksum.")
    }
}
