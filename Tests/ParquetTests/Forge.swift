import Columns
import Support

@testable import Parquet

/// Makes Parquet files by hand: what no writer writes any more, and what no writer ever should.
struct Forge {
    /// The schema's nodes below the root.
    var elements: [SchemaElement]
    /// How many of them are columns.
    var topCount: Int
    /// For each leaf, what its chunk has.
    var chunks: [Chunk]
    var rowCount: Int

    struct Chunk {
        var type: PhysicalType
        var valueCount: Int
        var pages: [[UInt8]]
        var statistics: Statistics?
        var codec = Codec.uncompressed
    }

    /// The file's bytes.
    var bytes: [UInt8] {
        var file = Array("PAR1".utf8)
        var group = RowGroup(rowCount: Int64(rowCount))
        for chunk in chunks {
            let start = file.count
            for page in chunk.pages { file += page }
            var column = ColumnChunk()
            column.metadata = ColumnMetadata(
                type: chunk.type, encodings: [.plain], path: ["?"], codec: chunk.codec,
                valueCount: Int64(chunk.valueCount), totalUncompressedSize: Int64(file.count - start),
                totalCompressedSize: Int64(file.count - start), dataPageOffset: Int64(start),
                statistics: chunk.statistics)
            group.columns.append(column)
        }
        let root = SchemaElement(name: "root", childCount: Int32(topCount))
        let metadata = FileMetadata(
            version: 1, schema: [root] + elements, rowCount: Int64(rowCount), rowGroups: [group])
        return Forge.file(file, metadata)
    }

    /// Data and a footer.
    static func file(_ data: [UInt8], _ metadata: FileMetadata) -> [UInt8] {
        let footer = ThriftWriter.bytes(of: metadata).bytes
        return data + footer + plain([UInt32(footer.count)]) + Array("PAR1".utf8)
    }

    /// A data page of version 1 with levels of at most 8 bits, and values that are already encoded.
    static func page(
        _ count: Int, repetitions: [UInt8]? = nil, definitions: [UInt8]? = nil, encoding: Encoding = .plain,
        values: [UInt8]
    ) -> [UInt8] {
        let body = (repetitions.map(runs) ?? []) + (definitions.map(runs) ?? []) + values
        var header = PageHeader(type: .data, uncompressedSize: Int32(body.count), compressedSize: Int32(body.count))
        header.data = DataPageHeader(valueCount: Int32(count), encoding: encoding)
        return ThriftWriter.bytes(of: header).bytes + body
    }

    static func dictionary(_ count: Int, values: [UInt8]) -> [UInt8] {
        var header = PageHeader(
            type: .dictionary, uncompressedSize: Int32(values.count), compressedSize: Int32(values.count))
        header.dictionary = DictionaryPageHeader(valueCount: Int32(count), encoding: .plain)
        return ThriftWriter.bytes(of: header).bytes + values
    }

    /// Levels as runs of one, with their length.
    static func runs(_ levels: [UInt8]) -> [UInt8] {
        let body: [UInt8] = levels.flatMap { [2, $0] as [UInt8] }
        return plain([UInt32(body.count)]) + body
    }

    /// Plain values.
    static func plain<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

    static func plain(_ values: [String]) -> [UInt8] {
        values.flatMap { plain([UInt32($0.utf8.count)]) + Array($0.utf8) }
    }
}

/// Opens and reads all of a file in memory.
func readAll(
    _ bytes: [UInt8], limits: ParquetLimits = .init(), columns: [String]? = nil, batchRows: Int = 65_536,
    parallelism: Int = 1, keeping: [ColumnBounds] = []
) async throws -> (schema: Schema, rows: [[Value]]) {
    let file = try await ParquetFile.open(MemorySource(Buffer(bytes), name: "test.parquet"), limits: limits)
    let reader = try file.reader(
        columns: columns, keeping: keeping, batchRows: batchRows, parallelism: parallelism)
    var rows: [[Value]] = []
    while let batch = try await reader.next() {
        for row in 0..<batch.rowCount { rows.append(batch.columns.map { $0.value(at: row) }) }
    }
    return (reader.schema, rows)
}
