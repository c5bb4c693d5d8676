import Azure
import Support
import Transport

/// An object of one version, as a service hands it out.
protocol RangeSource: Sendable {
    /// Asks for a range, checked on its way or not, and has its bytes received with their places in the object. Answers their
    /// CRC64.
    func read(
        _ range: Range<Int>, isChecked: Bool, into receiver: any BodyReceiver
    ) async throws(SluiceError) -> UInt64
}

/// Reads ranges of an object of one version.
struct RangeReader: Sendable {
    /// No range that is asked for is longer.
    let size: Int
    let source: any RangeSource

    /// Has the bytes of a range received, and all of them again when they arrived damaged. Answers their CRC64.
    func read(
        _ range: Range<Int>, isChecked: Bool, into receiver: any BodyReceiver
    ) async throws(SluiceError) -> UInt64 {
        for _ in 0..<2 {
            do throws(SluiceError) {
                return try await source.read(range, isChecked: isChecked, into: receiver)
            } catch {
                if !TransferDigest.isDamage(error) { throw error }
            }
        }
        return try await source.read(range, isChecked: isChecked, into: receiver)
    }

    /// The bytes of a range, and their CRC64.
    func read(_ range: Range<Int>) async throws(SluiceError) -> CheckedBytes {
        let collected = CollectedRange(range)
        let crc = try await read(range, isChecked: true, into: collected)
        return CheckedBytes(bytes: collected.bytes.freeze(), crc: crc)
    }

    /// The bytes in `range`, in pieces that are read side by side.
    func whole(_ range: Range<Int>) async throws(SluiceError) -> Buffer {
        if range.isEmpty { return .empty }
        if range.count <= size { return try await read(range).bytes }
        let bytes = MutableBuffer(capacity: range.count)
        let starts = Array(stride(from: range.lowerBound, to: range.upperBound, by: size))
        // In rounds, so that no more than a round is there besides the result.
        for round in stride(from: 0, to: starts.count, by: 8) {
            var pieces: [Int: Buffer] = [:]
            let numbers = round..<min(round + 8, starts.count)
            try await sideBySide(numbers, width: 8) { number throws(SluiceError) in
                try await read(starts[number]..<min(starts[number] + size, range.upperBound)).bytes
            } take: {
                pieces[$0] = $1
            }
            for number in numbers { if let piece = pieces[number] { bytes.append(piece) } }
        }
        return bytes.freeze()
    }
}

/// Collects a range in memory.
private final class CollectedRange: BodyReceiver, @unchecked Sendable {
    // `@unchecked Sendable` because one transfer at a time calls it, and it is looked at when that has ended.

    private let range: Range<Int>
    let bytes: MutableBuffer

    init(_ range: Range<Int>) {
        self.range = range
        bytes = MutableBuffer(capacity: range.count)
    }

    func take(_ next: UnsafeRawBufferPointer, at place: Int) {
        bytes.count = place - range.lowerBound
        bytes.append(next)
    }
}

/// Bytes, and their CRC64.
struct CheckedBytes: Sendable {
    let bytes: Buffer
    let crc: UInt64
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
            crc = CRC64.combined(crc, piece.crc, secondCount: piece.bytes.count)
            if isLast, CRC64.bytes(of: crc) != wanted { throw ReadAhead.damaged("CRC64", name) }
        case .md5(let wanted):
            md5?.update(piece.bytes)
            if isLast, let found = md5?.finish(), found != wanted { throw ReadAhead.damaged("MD5", name) }
        }
    }

    /// What was read is not what its writer wrote.
    static func damaged(_ what: String, _ name: String) -> SluiceError {
        SluiceError(
            .invalidData, "the bytes do not have the \(what) that their writer left with them",
            place: .init(file: name),
            hint: "Read it again; if it stays so, it was written damaged, or with a wrong checksum.")
    }
}
