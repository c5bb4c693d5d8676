import CZlib
import CZstd
import Support

/// Unpacks gzip, member after member.
final class GzipDecoder: Decoder {
    /// Where the data stands between members.
    private enum Phase { case start, inside, between, padding }

    private var stream = z_stream()
    private var phase = Phase.start

    init() throws(SluiceError) {
        // 15 bits of window, and 16 for a gzip header rather than a zlib one.
        if inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) != Z_OK {
            throw SluiceError(.limitExceeded, "there is not enough memory to unpack gzip")
        }
    }

    deinit { inflateEnd(&stream) }

    var isAtEnd: Bool { phase == .between || phase == .padding }

    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(DecoderFailure) -> (taken: Int, made: Int) {
        if phase == .between || phase == .padding {
            guard let first = input.first else { return (0, 0) }
            // Tapes and block devices pad with zeros.
            if first == 0 {
                phase = .padding
                return (input.firstIndex { $0 != 0 } ?? input.count, 0)
            }
            if phase == .padding || first != 0x1f {
                throw DecoderFailure(message: "what follows the compressed data is not gzip")
            }
            inflateReset(&stream)
        }
        let inputCount = min(input.count, Int(UInt32.max))
        let outputCount = min(output.count, Int(UInt32.max))
        stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(inputCount)
        stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(outputCount)
        let status = inflate(&stream, Z_NO_FLUSH)
        let taken = inputCount - Int(stream.avail_in)
        if taken > 0, phase != .inside { phase = .inside }
        switch status {
        case Z_STREAM_END: phase = .between
        case Z_OK, Z_BUF_ERROR: break
        default:
            let reason = stream.msg.map { String(cString: $0) } ?? "zlib reports \(status)"
            throw DecoderFailure(message: "the compressed data is damaged (\(reason))")
        }
        return (taken, outputCount - Int(stream.avail_out))
    }
}

/// Unpacks Zstandard, frame after frame.
final class ZstdDecoder: Decoder {
    private let context: OpaquePointer
    private(set) var isAtEnd = false

    init() throws(SluiceError) {
        guard let made = ZSTD_createDCtx() else {
            throw SluiceError(.limitExceeded, "there is not enough memory to unpack Zstandard")
        }
        context = made
    }

    deinit { ZSTD_freeDCtx(context) }

    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(DecoderFailure) -> (taken: Int, made: Int) {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let left = ZSTD_decompressStream(context, &target, &source)
        if ZSTD_isError(left) != 0 {
            let isTooWide = ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge
            throw DecoderFailure(
                message: "the compressed data is damaged (\(String(cString: ZSTD_getErrorName(left))))",
                hint: isTooWide ? "It was packed with --long; unpack it with zstd --long=31 first." : nil)
        }
        // A call that neither takes nor makes anything says nothing new about where a frame ends.
        if source.pos > 0 || target.pos > 0 { isAtEnd = left == 0 }
        return (source.pos, target.pos)
    }
}
