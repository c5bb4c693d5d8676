import CBrotli
import CLz4
import CSnappy
import CZlib
import CZstd
import Support

/// Decompresses pages of one codec; keeps what the C library needs between pages. One user at a time.
final class Decompressor {
    let codec: Codec
    private var zstd: OpaquePointer?

    init(_ codec: Codec) throws(SluiceError) {
        guard Codec.supported.contains(codec) else {
            throw SluiceError(.unsupported, "\(codec) compression is not supported")
        }
        self.codec = codec
    }

    deinit { ZSTD_freeDCtx(zstd) }

    /// Decompresses `input` into `output`, which it must fill exactly: its size is the one that the file declares, and
    /// has been held against a limit by the caller.
    func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(SluiceError) {
        guard let target = output.baseAddress, output.count > 0 else {
            // Zero bytes may be compressed to zero bytes, or to a frame that says so: there is nothing to check.
            return
        }
        guard let source = input.baseAddress, input.count > 0 else {
            throw failure("\(output.count) bytes are declared and none are there")
        }
        let written: Int
        switch codec {
        case .uncompressed:
            guard input.count == output.count else { throw sizes(input.count, output.count) }
            target.copyMemory(from: source, byteCount: input.count)
            written = input.count
        case .snappy: written = try snappy(source, input.count, target, output.count)
        case .gzip: written = try gzip(input, output)
        case .zstd:
            if zstd == nil { zstd = ZSTD_createDCtx() }
            let result = ZSTD_decompressDCtx(zstd, target, output.count, source, input.count)
            guard ZSTD_isError(result) == 0 else { throw failure(String(cString: ZSTD_getErrorName(result))) }
            written = result
        case .lz4Raw: written = try lz4Block(input, output)
        case .lz4: written = try hadoopLz4(input, output)
        case .brotli:
            var size = output.count
            let result = BrotliDecoderDecompress(
                input.count, source.assumingMemoryBound(to: UInt8.self), &size,
                target.assumingMemoryBound(to: UInt8.self))
            guard result == BROTLI_DECODER_RESULT_SUCCESS else { throw failure("the stream is damaged") }
            written = size
        default: throw SluiceError(.unsupported, "\(codec) compression is not supported")
        }
        guard written == output.count else { throw sizes(written, output.count) }
    }

    private func failure(_ reason: String) -> SluiceError {
        SluiceError(.invalidData, "a page does not decompress with \(codec): \(reason)")
    }

    private func sizes(_ found: Int, _ declared: Int) -> SluiceError {
        failure("\(declared) bytes are declared and \(found) came out")
    }

    private func snappy(
        _ source: UnsafeRawPointer, _ count: Int, _ target: UnsafeMutableRawPointer, _ room: Int
    ) throws(SluiceError) -> Int {
        let input = source.assumingMemoryBound(to: CChar.self)
        var size = 0
        guard snappy_uncompressed_length(input, count, &size) == SNAPPY_OK else {
            throw failure("the stream is damaged")
        }
        guard size == room else { throw sizes(size, room) }
        guard snappy_uncompress(input, count, target.assumingMemoryBound(to: CChar.self), &size) == SNAPPY_OK else {
            throw failure("the stream is damaged")
        }
        return size
    }

    /// Gzip members one after the other, or zlib's own framing: both are found in files.
    private func gzip(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(SluiceError) -> Int {
        var stream = z_stream()
        // 32 lets zlib find out which of the two framings it is.
        guard
            inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw failure("no memory") }
        defer { inflateEnd(&stream) }
        guard let inputCount = UInt32(exactly: input.count), let room = UInt32(exactly: output.count) else {
            throw failure("a page of more than 4 GiB")
        }
        stream.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = inputCount
        stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = room
        while true {
            let status = inflate(&stream, Z_FINISH)
            if status == Z_STREAM_END {
                if stream.avail_in == 0 || stream.avail_out == 0 { break }
                guard inflateReset(&stream) == Z_OK else { throw failure("the stream is damaged") }
            } else {
                throw failure(stream.avail_out == 0 ? "more came out than is declared" : "the stream is damaged")
            }
        }
        return output.count - Int(stream.avail_out)
    }

    private func lz4Block(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(SluiceError) -> Int {
        guard let written = tryLz4Block(input, output) else { throw failure("the block is damaged") }
        return written
    }

    private func tryLz4Block(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) -> Int? {
        guard let source = input.baseAddress, let target = output.baseAddress,
            let size = Int32(exactly: input.count), let room = Int32(exactly: output.count)
        else { return nil }
        let written = LZ4_decompress_safe(
            source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self), size, room)
        return written < 0 ? nil : Int(written)
    }

    /// Hadoop's framing: blocks that begin with two big-endian sizes, decompressed and compressed. Some writers left it
    /// out, so what does not look like it is taken for one bare block.
    private func hadoopLz4(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(SluiceError) -> Int {
        var read = 0
        var written = 0
        while input.count - read >= 8 {
            let size = Int(UInt32(bigEndian: input.loadUnaligned(fromByteOffset: read, as: UInt32.self)))
            let packed = Int(UInt32(bigEndian: input.loadUnaligned(fromByteOffset: read + 4, as: UInt32.self)))
            guard packed <= input.count - read - 8, size <= output.count - written,
                size == 0
                    || tryLz4Block(
                        UnsafeRawBufferPointer(rebasing: input[read + 8..<read + 8 + packed]),
                        UnsafeMutableRawBufferPointer(rebasing: output[written..<written + size])) == size
            else { return try lz4Block(input, output) }
            read += 8 + packed
            written += size
        }
        if read == input.count, written == output.count { return written }
        return try lz4Block(input, output)
    }
}
