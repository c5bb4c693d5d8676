public import Support

/// A packed file as the bytes that are packed in it.
public struct Decompressed: InputFile {
    private let base: any InputFile
    private let compression: FileCompression
    private let limits: DecompressionLimits

    /// What `base` holds, unpacked while it is read.
    public init(_ base: any InputFile, _ compression: FileCompression, limits: DecompressionLimits = .init()) {
        self.base = base
        self.compression = compression
        self.limits = limits
    }

    /// The packed file's name.
    public var name: String { base.name }
    /// What tells the packed file from every other.
    public var identity: FileIdentity? { base.identity }
    /// Not known before it is unpacked.
    public var streamSize: Int? { nil }

    /// The unpacked bytes from the first one on.
    public func stream() async throws(SluiceError) -> any ByteStream {
        let packed = try await base.stream()
        let decoder: any Decoder = try compression == .gzip ? GzipDecoder() : ZstdDecoder()
        return DecompressedStream(packed, decoder, limits: limits)
    }

    /// The unpacked bytes, kept on disk.
    public func randomAccess() async throws(SluiceError) -> any RandomAccess {
        try await Spool(try await stream()).randomAccess()
    }
}

/// Unpacks a run of bytes that arrives piece by piece.
protocol Decoder: AnyObject {
    /// Whether the input may end here: nothing was begun that is not finished.
    var isAtEnd: Bool { get }
    /// Takes some of `input` and fills some of `output`.
    ///
    /// - throws: What is wrong with the data, as words for a message.
    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(DecoderFailure) -> (taken: Int, made: Int)
}

/// What is wrong with packed data.
struct DecoderFailure: Error {
    var message: String
    var hint: String?
}

/// Unpacked bytes in order.
final class DecompressedStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    let name: String
    private let packed: any ByteStream
    private let decoder: any Decoder
    private let limits: DecompressionLimits
    /// The piece that is being unpacked, and how much of it is done.
    private var piece = Buffer.empty
    private var done = 0
    private var totalTaken = 0
    private var totalMade = 0
    private var outputIsFull = false

    private static let blockSize = 1 << 20

    init(_ packed: any ByteStream, _ decoder: any Decoder, limits: DecompressionLimits) {
        name = packed.name
        self.packed = packed
        self.decoder = decoder
        self.limits = limits
    }

    func next() async throws(SluiceError) -> Buffer? {
        let output = MutableBuffer(capacity: Self.blockSize)
        while output.count < Self.blockSize {
            // What filled the last block may have more behind it that needs no further input.
            if done == piece.count, !outputIsFull {
                guard let more = try await packed.next() else {
                    if !decoder.isAtEnd {
                        throw failure("the file ends in the middle of the compressed data", hint: "It was cut short.")
                    }
                    break
                }
                piece = more
                done = 0
            }
            try unpack(into: output)
        }
        return output.count == 0 ? nil : output.freeze()
    }

    private func unpack(into output: MutableBuffer) throws(SluiceError) {
        let room = UnsafeMutableRawBufferPointer(
            start: output.base + output.count, count: Self.blockSize - output.count)
        let taken: Int, made: Int
        do throws(DecoderFailure) {
            (taken, made) = try piece[done..<piece.count].withUnsafeBytes {
                (bytes) throws(DecoderFailure) in try decoder.decode(bytes, into: room)
            }
        } catch {
            throw failure(error.message, hint: error.hint)
        }
        if taken == 0, made == 0, done < piece.count {
            throw failure("the compressed data is damaged")
        }
        output.count += made
        done += taken
        totalTaken += taken
        totalMade += made
        outputIsFull = made == room.count
        if totalMade > limits.maximumBytes {
            throw exceeded("unpacks to more than \(limits.maximumBytes) bytes")
        }
        if totalMade > limits.ratioAppliesBeyond, totalMade / max(totalTaken, 1) > limits.maximumRatio {
            throw exceeded("unpacks to more than \(limits.maximumRatio) times its size")
        }
    }

    private func failure(_ message: String, hint: String? = nil) -> SluiceError {
        SluiceError(.invalidData, message, place: .init(file: name, offset: totalTaken), hint: hint)
    }

    private func exceeded(_ message: String) -> SluiceError {
        SluiceError(
            .limitExceeded, message, place: .init(file: name, offset: totalTaken),
            hint: "If the file is meant to, unpack it first, or raise the limit.")
    }
}
