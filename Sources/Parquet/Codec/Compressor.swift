import CBrotli
import CLz4
import CSnappy
import CZlib
import CZstd
import Support

/// Compresses pages with one codec; keeps what the C library needs between pages. One user at a time.
final class Compressor {
    let codec: Codec
    private let level: Int32
    private var zstd: OpaquePointer?

    /// A compressor of the codec's usual level, or of `level` where the codec has levels.
    init(_ codec: Codec, level: Int? = nil) throws(SluiceError) {
        guard Codec.supported.contains(codec) else {
            throw SluiceError(.unsupported, "\(codec) compression is not supported")
        }
        self.codec = codec
        if let level {
            guard let levels = codec.levels, levels.contains(level) else {
                throw SluiceError(
                    .invalidConfiguration, "\(codec) has no compression level \(level)",
                    hint: codec.levels.map { "levels \($0.lowerBound) to \($0.upperBound)" })
            }
            self.level = Int32(level)
        } else {
            self.level = Int32(codec.defaultLevel)
        }
    }

    deinit { ZSTD_freeCCtx(zstd) }

    /// Appends the compressed bytes of `input` to `output`.
    func compress(_ input: UnsafeRawBufferPointer, to output: MutableBuffer) throws(SluiceError) {
        let room = try bound(input.count)
        output.reserve(room)
        let target = output.base + output.count
        // An empty page may come without an address, and every library wants one.
        guard let source = input.baseAddress ?? UnsafeRawPointer(bitPattern: 8) else { return }
        switch codec {
        case .uncompressed:
            target.copyMemory(from: source, byteCount: input.count)
            output.count += input.count
        case .snappy:
            var size = room
            let status = snappy_compress(
                source.assumingMemoryBound(to: CChar.self), input.count, target.assumingMemoryBound(to: CChar.self),
                &size)
            guard status == SNAPPY_OK else { throw failure("status \(status.rawValue)") }
            output.count += size
        case .gzip: output.count += try gzip(source, input.count, target, room)
        case .zstd:
            if zstd == nil { zstd = ZSTD_createCCtx() }
            let size = ZSTD_compressCCtx(zstd, target, room, source, input.count, level)
            guard ZSTD_isError(size) == 0 else { throw failure(String(cString: ZSTD_getErrorName(size))) }
            output.count += size
        case .lz4Raw: output.count += try lz4(source, input.count, target, room)
        case .lz4:
            let size = try lz4(source, input.count, target + 8, room - 8)
            target.storeBytes(of: UInt32(input.count).bigEndian, as: UInt32.self)
            target.storeBytes(of: UInt32(size).bigEndian, toByteOffset: 4, as: UInt32.self)
            output.count += size + 8
        case .brotli:
            var size = room
            let status = BrotliEncoderCompress(
                level, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, input.count,
                source.assumingMemoryBound(to: UInt8.self), &size, target.assumingMemoryBound(to: UInt8.self))
            guard status != 0 else { throw failure("the encoder refused") }
            output.count += size
        default: throw SluiceError(.unsupported, "\(codec) compression is not supported")
        }
    }

    /// The most bytes that `count` bytes can become.
    private func bound(_ count: Int) throws(SluiceError) -> Int {
        // Pages declare their sizes in 31 bits.
        guard count <= Int(Int32.max) / 2 else { throw failure("\(count) bytes are too many for a page") }
        switch codec {
        case .snappy: return snappy_max_compressed_length(count)
        // The gzip header and trailer take 18 bytes, zlib's framing, which `compressBound` has in mind, 6.
        case .gzip: return Int(compressBound(UInt(count))) + 32
        case .zstd: return ZSTD_compressBound(count)
        case .lz4, .lz4Raw: return Int(LZ4_compressBound(Int32(count))) + 8
        case .brotli: return max(BrotliEncoderMaxCompressedSize(count), 64)
        default: return count
        }
    }

    private func failure(_ reason: String) -> SluiceError {
        SluiceError(.inputOutput, "a page does not compress with \(codec): \(reason)")
    }

    private func lz4(
        _ source: UnsafeRawPointer, _ count: Int, _ target: UnsafeMutableRawPointer, _ room: Int
    ) throws(SluiceError) -> Int {
        let size = LZ4_compress_default(
            source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self), Int32(count),
            Int32(room))
        guard size > 0 else { throw failure("the encoder refused") }
        return Int(size)
    }

    private func gzip(
        _ source: UnsafeRawPointer, _ count: Int, _ target: UnsafeMutableRawPointer, _ room: Int
    ) throws(SluiceError) -> Int {
        var stream = z_stream()
        // 16 asks for gzip's framing.
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw failure("no memory") }
        defer { deflateEnd(&stream) }
        stream.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(count)
        stream.next_out = target.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(room)
        guard deflate(&stream, Z_FINISH) == Z_STREAM_END else { throw failure("the encoder refused") }
        return room - Int(stream.avail_out)
    }
}

extension Codec {
    /// The levels that may be asked for; nil where there are none.
    public var levels: ClosedRange<Int>? {
        switch self {
        case .gzip: 1...9
        case .zstd: 1...22
        case .brotli: 0...11
        default: nil
        }
    }

    /// The level that is used when none is asked for.
    var defaultLevel: Int {
        switch self {
        case .gzip: 6
        case .zstd: 1
        case .brotli: 8
        default: 0
        }
    }
}
