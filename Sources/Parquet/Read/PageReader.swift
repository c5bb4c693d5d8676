import CZlib
import Columns
import Support

/// Walks over the pages of one column chunk: fetches, checks, decompresses and hands them out one at a time.
final class PageReader {
    /// A page whose bytes are ready for decoding, and stay so until the next one is asked for.
    struct Page {
        enum Kind {
            case dictionary
            case data
        }
        var kind: Kind
        /// Values with nulls; for dictionaries, its entries.
        var valueCount: Int
        var encoding: Encoding
        /// The levels' bytes; nil when they stand at the beginning of `values`, each with its length (version 1).
        var repetitionLevels: UnsafeRawBufferPointer?
        var definitionLevels: UnsafeRawBufferPointer?
        var definitionLevelEncoding = Encoding.rle
        var repetitionLevelEncoding = Encoding.rle
        var values: UnsafeRawBufferPointer
        /// Where the page begins in the file.
        var offset: Int
    }

    private var bytes: ChunkBytes
    private let limits: ParquetLimits
    private let decompressor: Decompressor
    /// Keeps the bytes that the current page points into.
    private var held = Buffer.empty
    private let scratch: MutableBuffer
    /// Values that the data pages have not yet brought.
    private(set) var valuesLeft: Int

    /// A reader of a chunk; `scratch` takes the decompressed bytes and may be shared by readers that follow each other.
    init(
        _ chunk: ColumnMetadata, source: any RandomAccess, dataEnd: Int, limits: ParquetLimits, scratch: MutableBuffer
    ) throws(SluiceError) {
        self.limits = limits
        self.scratch = scratch
        decompressor = try Decompressor(chunk.codec)
        var start = chunk.dataPageOffset
        // Some writers leave 0 where there is no dictionary page.
        if let dictionary = chunk.dictionaryPageOffset, dictionary > 0, dictionary < start { start = dictionary }
        guard start >= 4, start <= Int64(dataEnd), chunk.valueCount >= 0, chunk.totalCompressedSize >= 0 else {
            throw SluiceError(
                .invalidData,
                "a column chunk of \(chunk.totalCompressedSize) bytes and \(chunk.valueCount) values is declared at "
                    + "byte \(start) of \(dataEnd)")
        }
        let size = min(Int(chunk.totalCompressedSize), dataEnd - Int(start))
        bytes = ChunkBytes(
            source, from: Int(start), expectedEnd: Int(start) + size, end: dataEnd, windowBytes: limits.windowBytes)
        valuesLeft = Int(chunk.valueCount)
    }

    /// The next dictionary or data page; nil when all values have been handed out.
    func next() async throws(SluiceError) -> Page? {
        while valuesLeft > 0 {
            let offset = bytes.position
            do throws(SluiceError) {
                let header = try await nextHeader()
                if let page = try await page(header, offset) { return page }
            } catch {
                throw error.at(.init(offset: offset))
            }
        }
        return nil
    }

    private func nextHeader() async throws(SluiceError) -> PageHeader {
        // Headers are a few dozen bytes, unless somebody put long statistics into them.
        // Nothing behind the chunk is fetched unless its declared size turns out to be wrong.
        var size = min(128, max(8, bytes.expected))
        while true {
            let ahead = try await bytes.peek(size)
            let isWhole = ahead.count >= min(bytes.remaining, 1 << 24)
            var length = 0
            do throws(SluiceError) {
                let header = try ahead.withUnsafeBytes { (raw) throws(SluiceError) -> PageHeader in
                    var reader = ThriftReader(raw, origin: bytes.position)
                    defer { length = reader.position }
                    return try PageHeader(from: &reader)
                }
                bytes.advance(length)
                return header
            } catch {
                // What looks like damage may be a header that goes on behind the bytes at hand.
                if isWhole || ahead.count >= 1 << 24 { throw error }
                size = max(ahead.count, size) * 4
            }
        }
    }

    private func page(_ header: PageHeader, _ offset: Int) async throws(SluiceError) -> Page? {
        let size = Int(header.uncompressedSize)
        let stored = Int(header.compressedSize)
        guard size >= 0, stored >= 0 else {
            throw SluiceError(.invalidData, "a page declares \(stored) bytes, \(size) after decompression")
        }
        guard size <= limits.maxPageBytes, stored <= limits.maxPageBytes else {
            throw SluiceError(
                .limitExceeded, "a page declares \(max(size, stored)) bytes, the limit is \(limits.maxPageBytes)")
        }
        guard stored <= bytes.remaining else {
            throw SluiceError(.invalidData, "a page declares \(stored) bytes, \(bytes.remaining) are left")
        }
        held = try await bytes.take(stored)
        // The pointers below stay good because `held` and `scratch` are kept until the next page.
        let raw = UnsafeRawBufferPointer(start: held.unsafeStart, count: stored)
        if let crc = header.crc {
            let found = UInt32(
                truncatingIfNeeded: crc32_z(0, raw.baseAddress?.assumingMemoryBound(to: UInt8.self), stored))
            guard found == UInt32(bitPattern: crc) else {
                throw SluiceError(.invalidData, "a page's checksum does not match: its bytes are damaged")
            }
        }
        switch header.type {
        case .dictionary:
            guard let dictionary = header.dictionary else { throw PageReader.missing("dictionary") }
            return Page(
                kind: .dictionary, valueCount: try count(dictionary.valueCount), encoding: dictionary.encoding,
                values: try plain(raw, size), offset: offset)
        case .data:
            guard let data = header.data else { throw PageReader.missing("data") }
            let values = try count(data.valueCount)
            try consume(values)
            return Page(
                kind: .data, valueCount: values, encoding: data.encoding,
                definitionLevelEncoding: data.definitionLevelEncoding,
                repetitionLevelEncoding: data.repetitionLevelEncoding, values: try plain(raw, size), offset: offset)
        case .dataV2:
            guard let data = header.dataV2 else { throw PageReader.missing("data") }
            let values = try count(data.valueCount)
            try consume(values)
            let repetition = Int(data.repetitionLevelsByteLength)
            let definition = Int(data.definitionLevelsByteLength)
            guard repetition >= 0, definition >= 0, repetition + definition <= min(stored, size) else {
                throw SluiceError(
                    .invalidData, "a page of \(stored) bytes declares \(repetition) and \(definition) bytes of levels")
            }
            let levels = repetition + definition
            let body = UnsafeRawBufferPointer(rebasing: raw[levels...])
            return Page(
                kind: .data, valueCount: values, encoding: data.encoding,
                repetitionLevels: UnsafeRawBufferPointer(rebasing: raw[..<repetition]),
                definitionLevels: UnsafeRawBufferPointer(rebasing: raw[repetition..<levels]),
                values: data.isCompressed == false ? body : try plain(body, size - levels), offset: offset)
        default:
            return nil
        }
    }

    private static func missing(_ kind: String) -> SluiceError {
        SluiceError(.invalidData, "a \(kind) page lacks its header")
    }

    private func count(_ declared: Int32) throws(SluiceError) -> Int {
        guard declared >= 0 else { throw SluiceError(.invalidData, "a page declares \(declared) values") }
        return Int(declared)
    }

    private func consume(_ values: Int) throws(SluiceError) {
        guard values <= valuesLeft else {
            throw SluiceError(.invalidData, "a page declares \(values) values, the column chunk has \(valuesLeft) left")
        }
        valuesLeft -= values
    }

    /// The page's bytes after decompression.
    private func plain(_ raw: UnsafeRawBufferPointer, _ size: Int) throws(SluiceError) -> UnsafeRawBufferPointer {
        if decompressor.codec == .uncompressed { return raw }
        scratch.removeAll()
        // Sixteen bytes more, so that short strings can be copied sixteen at a time.
        scratch.reserve(size + 16)
        try decompressor.decompress(raw, into: UnsafeMutableRawBufferPointer(start: scratch.base, count: size))
        scratch.count = size
        return UnsafeRawBufferPointer(start: scratch.base, count: size)
    }
}
