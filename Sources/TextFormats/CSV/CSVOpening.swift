import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The start of a file: its encoding, its dialect, its header.
final class CSVOpening {
    let name: String
    let dialect: CSVDialect
    let chunker: CSVChunker
    private(set) var hasHeader = false
    private let options: CSVOptions

    init(_ source: any StreamSource, _ options: CSVOptions) async throws(SluiceError) {
        name = source.name
        self.options = options
        var stream = try await source.stream()
        var sample = try await CSVOpening.read(stream, atLeast: CSVDetection.sampleBytes)
        let (encoding, mark) = CSVDetection.encoding(of: sample, given: options.encoding)
        sample = sample[mark..<sample.count]
        var offset = mark
        if encoding != .utf8 {
            stream = TranscodingStream(stream, first: sample, encoding: encoding, offset: mark)
            sample = try await CSVOpening.read(stream, atLeast: CSVDetection.sampleBytes)
            offset = 0
        }
        for _ in 0..<options.skipLines {
            let length = try await CSVOpening.skipLine(&sample, stream, limit: options.maxRecordBytes)
            offset += length
        }
        dialect = CSVDetection.dialect(of: sample[0..<min(sample.count, CSVDetection.sampleBytes)], options)
        chunker = CSVChunker(
            stream, first: sample, dialect: dialect, options: options, line: 1 + options.skipLines, offset: offset)
    }

    /// At least that many bytes, unless the stream has fewer.
    private static func read(_ stream: any ByteStream, atLeast wanted: Int) async throws(SluiceError) -> Buffer {
        guard let first = try await stream.next() else { return .empty }
        if first.count >= wanted { return first }
        let bytes = MutableBuffer(capacity: wanted)
        bytes.append(first)
        while bytes.count < wanted, let more = try await stream.next() { bytes.append(more) }
        return bytes.freeze()
    }

    /// Takes a line off the front of `sample`, reading on as needed; returns its length.
    private static func skipLine(
        _ sample: inout Buffer, _ stream: any ByteStream, limit: Int
    ) async throws(SluiceError) -> Int {
        var length = 0
        while true {
            let (end, isReturn) = sample.withUnsafeBytes { bytes in
                let newline = bytes.firstIndex(of: 10)
                // A lone `\r` ends lines in files that have no `\n`.
                let found = newline ?? bytes.firstIndex(of: 13)
                return (found, newline == nil && found != nil)
            }
            if let end, !isReturn || end < sample.count {
                sample = sample[end + 1..<sample.count]
                return length + end + 1
            }
            length += sample.count
            if length > limit {
                throw SluiceError(.limitExceeded, "a line to skip is longer than \(limit) bytes")
            }
            guard let more = try await stream.next() else {
                sample = .empty
                return length
            }
            sample = more
        }
    }

    /// The first chunk that has a record other than comments and empty lines; nil when there is none.
    func firstChunk() async throws(SluiceError) -> CSVChunk? {
        while let chunk = try await chunker.next() {
            if firstRecord(chunk) != nil { return chunk }
            // Without a header, empty lines are nulls should there be one column only.
            if options.header == false, !chunker.isAtEnd, chunk.count <= options.maxRecordBytes {
                chunker.putBack(chunk)
            } else {
                chunker.recycle(chunk)
            }
        }
        return nil
    }

    private func firstRecord(_ chunk: CSVChunk) -> (CSVRecord, end: Int)? {
        var first = 0
        for field in 0..<chunk.fieldCount where chunk.ends[field] & CSVChunk.recordEnd != 0 {
            let record = CSVRecord(chunk, fields: first..<field + 1, dialect)
            if !record.isEmpty, !record.isComment { return (record, field + 1) }
            first = field + 1
        }
        return nil
    }

    /// The columns' names; takes the header out of the chunk's data.
    func columnNames(_ chunk: CSVChunk?) throws(SluiceError) -> [String] {
        guard let chunk, let (record, end) = firstRecord(chunk) else { return try names([], count: nil) }
        if record.count > options.maxColumns {
            throw SluiceError(
                .limitExceeded, "the first record has \(record.count) fields, the limit is \(options.maxColumns)",
                place: .init(file: name, line: chunk.firstLine))
        }
        if UnsafeRawBufferPointer(start: chunk.text.base, count: Int(chunk.ends[end - 1] & ~CSVChunk.recordEnd))
            .withMemoryRebound(to: UInt8.self, { String(validating: $0, as: UTF8.self) }) == nil
        {
            throw SluiceError(
                .invalidData, "the first record is not UTF-8", place: .init(file: name, line: chunk.firstLine),
                hint: "the file may be in another encoding, such as latin1")
        }
        let texts = (0..<record.count).map { record.text($0) }
        hasHeader = options.header ?? CSVDetection.isHeader(texts)
        guard hasHeader else { return try names((1...texts.count).map { "column_\($0)" }, count: texts.count) }
        var records = 0
        for field in 0..<end where chunk.ends[field] & CSVChunk.recordEnd != 0 { records += 1 }
        chunk.recordCount -= records
        chunk.skippedFields = end
        return try names(CSVDetection.names(texts), count: texts.count)
    }

    private func names(_ found: [String], count: Int?) throws(SluiceError) -> [String] {
        guard let given = options.columnNames else { return found }
        if let count, given.count != count {
            throw SluiceError(
                .invalidConfiguration, "there are \(given.count) names for \(count) columns", place: .init(file: name))
        }
        return CSVDetection.names(given)
    }
}

/// How many processors there are.
func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
