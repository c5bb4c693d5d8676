import CZlib
import CZstd
public import Support

/// Packs what is written before it goes on to another sink.
public final class CompressingSink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    private let base: any ByteSink
    private let encoder: any Encoder

    private static let blockSize = 1 << 18

    /// A sink that packs into `base`; the level is the compression's own, and its default when nil.
    ///
    /// - throws: `SluiceError` when the compression has no such level.
    public init(_ base: any ByteSink, _ compression: FileCompression, level: Int? = nil) throws(SluiceError) {
        self.base = base
        encoder = try compression == .gzip ? GzipEncoder(level: level) : ZstdEncoder(level: level)
    }

    /// The name of the packed file.
    public var name: String { base.name }

    /// Packs bytes.
    public func write(_ bytes: Buffer) async throws(SluiceError) {
        try await pack(bytes, isLast: false)
    }

    /// Ends the packed data and publishes it.
    public func finish() async throws(SluiceError) {
        try await pack(.empty, isLast: true)
        try await base.finish()
    }

    /// Throws away what was written.
    public func abandon() async { await base.abandon() }

    private func pack(_ bytes: Buffer, isLast: Bool) async throws(SluiceError) {
        var done = 0
        while true {
            let output = MutableBuffer(capacity: Self.blockSize)
            let room = UnsafeMutableRawBufferPointer(start: output.base, count: Self.blockSize)
            let step = bytes[done..<bytes.count].withUnsafeBytes { encoder.encode($0, into: room, isLast: isLast) }
            guard let step else {
                throw SluiceError(.inputOutput, "cannot be compressed", place: .init(file: name))
            }
            done += step.taken
            output.count = step.made
            if output.count > 0 { try await base.write(output.freeze()) }
            if isLast ? step.isFinished : done == bytes.count { return }
        }
    }
}

/// Packs a run of bytes that arrives piece by piece.
private protocol Encoder: AnyObject {
    /// Takes some of `input` and fills some of `output`; nil when the library gives up.
    func encode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) -> (taken: Int, made: Int, isFinished: Bool)?
}

extension SluiceError {
    fileprivate static func level(_ level: Int, of compression: String, allowed: ClosedRange<Int>) -> SluiceError {
        SluiceError(
            .invalidConfiguration,
            "\(compression) has no level \(level), only \(allowed.lowerBound) to \(allowed.upperBound)")
    }
}

private final class GzipEncoder: Encoder {
    private var stream = z_stream()

    init(level: Int?) throws(SluiceError) {
        if let level, !(0...9).contains(level) { throw .level(level, of: "gzip", allowed: 0...9) }
        let status = deflateInit2_(
            &stream, Int32(level ?? 6), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        if status != Z_OK { throw SluiceError(.limitExceeded, "there is not enough memory to compress") }
    }

    deinit { deflateEnd(&stream) }

    func encode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) -> (taken: Int, made: Int, isFinished: Bool)? {
        let inputCount = min(input.count, Int(UInt32.max))
        stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(inputCount)
        stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(output.count)
        let status = deflate(&stream, isLast ? Z_FINISH : Z_NO_FLUSH)
        guard status == Z_OK || status == Z_BUF_ERROR || status == Z_STREAM_END else { return nil }
        return (inputCount - Int(stream.avail_in), output.count - Int(stream.avail_out), status == Z_STREAM_END)
    }
}

private final class ZstdEncoder: Encoder {
    private let context: OpaquePointer

    init(level: Int?) throws(SluiceError) {
        let allowed = 1...Int(ZSTD_maxCLevel())
        if let level, !allowed.contains(level) { throw .level(level, of: "zstd", allowed: allowed) }
        guard let made = ZSTD_createCCtx() else {
            throw SluiceError(.limitExceeded, "there is not enough memory to compress")
        }
        context = made
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level ?? Int(ZSTD_defaultCLevel())))
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    }

    deinit { ZSTD_freeCCtx(context) }

    func encode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) -> (taken: Int, made: Int, isFinished: Bool)? {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let left = ZSTD_compressStream2(context, &target, &source, isLast ? ZSTD_e_end : ZSTD_e_continue)
        if ZSTD_isError(left) != 0 { return nil }
        return (source.pos, target.pos, left == 0)
    }
}
