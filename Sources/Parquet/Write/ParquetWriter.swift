public import Columns
public import Support
import Synchronization

/// Writes batches as one Parquet file.
///
///     let writer = try await ParquetWriter(sink, schema: schema)
///     while let batch = try await reader.next() { try await writer.write(batch) }
///     try await writer.finish()
///
/// Memory holds one row group, encoded and compressed, however much is written. When anything fails, call `abandon`.
public final class ParquetWriter: BatchWriter, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `BatchWriter` demands.

    /// The schema that every batch has.
    public let schema: Schema
    private let sink: any ByteSink
    private let options: ParquetWriterOptions
    private let elements: [SchemaElement]
    private let leaves: [ColumnChunkWriter]
    private var position = 0
    private var rowsInGroup = 0
    private var rowGroups: [RowGroup] = []
    private var pageIndices: [[(column: ColumnIndex?, offset: OffsetIndex)]] = []
    private var isOver = false

    /// Begins a file of rows of `schema` in `sink`.
    ///
    /// - throws: `SluiceError` when an option or the schema cannot be acted on, or the sink fails.
    public init(
        _ sink: any ByteSink, schema: Schema, options: ParquetWriterOptions = .init()
    ) async throws(SluiceError) {
        try options.validate()
        let plan = try SchemaPlan(schema)
        try ParquetWriter.checkNames(in: options, against: plan)
        self.schema = schema
        self.sink = sink
        self.options = options
        elements = plan.elements
        var writers: [ColumnChunkWriter] = []
        for leaf in plan.leaves { writers.append(try ColumnChunkWriter(leaf, options)) }
        leaves = writers
        try await put(Buffer(ParquetWriter.magic))
    }

    private static let magic = Array("PAR1".utf8)

    /// An encoding for a column that is not there is a mistake that would go unnoticed.
    private static func checkNames(in options: ParquetWriterOptions, against plan: SchemaPlan) throws(SluiceError) {
        let known = Set(plan.leaves.flatMap { [$0.name, $0.path[0]] })
        for name in options.encodings.keys.sorted() where !known.contains(name) {
            throw SluiceError(
                .invalidConfiguration, "an encoding is given for column \"\(name)\", which is not in the schema",
                hint: nearestWord(to: name, among: known.sorted()).map { "did you mean \"\($0)\"?" })
        }
    }

    // MARK: - Writing

    /// Appends rows.
    ///
    /// - throws: `SluiceError` when a value cannot be written, or the sink fails.
    public func write(_ batch: RecordBatch) async throws {
        guard !isOver else { throw SluiceError(.inputOutput, "rows are written to a file that is over") }
        guard batch.schema.fields.map(\.type) == schema.fields.map(\.type) else {
            throw SluiceError(.invalidData, "a batch has another schema than the file", place: .init(file: sink.name))
        }
        var row = 0
        while row < batch.rowCount {
            let size = min(batch.rowCount - row, options.rowGroupRows - rowsInGroup, blockRows(of: batch))
            try await encode(batch.slice(row..<row + size))
            row += size
            rowsInGroup += size
            if rowsInGroup >= options.rowGroupRows || leaves.reduce(0, { $0 + $1.size }) >= options.rowGroupBytes {
                try await endRowGroup()
            }
        }
    }

    /// How large the file is by now, the pages that are still held among it; pages that are not full yet are not counted.
    public var size: Int { position + leaves.reduce(0) { $0 + $1.storedSize } }

    /// How many rows of a batch are encoded before the size of the row group is looked at again.
    private func blockRows(of batch: RecordBatch) -> Int {
        let bytes = batch.columns.reduce(0) { $0 + ($1.values?.count ?? 0) }
        let bytesPerRow = max(1, bytes / max(1, batch.rowCount))
        return max(1, min(1 << 16, options.rowGroupBytes / 4 / bytesPerRow))
    }

    /// Encodes rows of one row group, the columns side by side.
    private func encode(_ batch: RecordBatch) async throws {
        let workers = min(options.parallelism, leaves.count)
        if workers <= 1 {
            for leaf in leaves { try leaf.write(batch.columns[leaf.leaf.column]) }
            return
        }
        let next = NextLeaf()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<workers {
                group.addTask { [leaves] in
                    while let index = next.take(below: leaves.count) {
                        try leaves[index].write(batch.columns[leaves[index].leaf.column])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Hands out leaves to workers.
    private final class NextLeaf: Sendable {
        private let index = Atomic<Int>(0)

        func take(below end: Int) -> Int? {
            let taken = index.wrappingAdd(1, ordering: .relaxed).oldValue
            return taken < end ? taken : nil
        }
    }

    // MARK: - Row groups

    private func endRowGroup() async throws(SluiceError) {
        guard rowsInGroup > 0 else { return }
        var group = RowGroup()
        group.rowCount = Int64(rowsInGroup)
        group.fileOffset = Int64(position)
        group.ordinal = Int16(exactly: rowGroups.count)
        var indices: [(column: ColumnIndex?, offset: OffsetIndex)] = []
        for leaf in leaves {
            let chunk = try leaf.finishChunk()
            let start = position
            var column = ColumnChunk()
            column.metadata = chunk.metadata(
                at: start, codec: options.compression, withStatistics: options.statistics)
            group.totalByteSize += column.metadata.totalUncompressedSize
            group.totalCompressedSize = (group.totalCompressedSize ?? 0) + column.metadata.totalCompressedSize
            group.columns.append(column)
            if options.pageIndex {
                indices.append((options.statistics ? chunk.columnIndex : nil, chunk.offsetIndex(at: start)))
            }
            if chunk.dictionary.count > 0 { try await put(chunk.dictionary.freeze()) }
            try await put(chunk.data.freeze())
        }
        rowGroups.append(group)
        pageIndices.append(indices)
        rowsInGroup = 0
    }

    private func put(_ bytes: Buffer) async throws(SluiceError) {
        position += bytes.count
        do throws(SluiceError) {
            try await sink.write(bytes)
        } catch {
            throw error.at(.init(file: sink.name))
        }
    }

    // MARK: - The end

    /// Writes what is held back and the footer, and publishes the file.
    public func finish() async throws {
        guard !isOver else { return }
        isOver = true
        try await endRowGroup()
        try await writePageIndices()
        var metadata = FileMetadata()
        metadata.version = 2
        metadata.schema = elements
        metadata.rowCount = rowGroups.reduce(0) { $0 + $1.rowCount }
        metadata.rowGroups = rowGroups
        metadata.keyValues = keyValues()
        metadata.createdBy = ParquetWriter.createdBy
        metadata.columnOrders = leaves.map { _ in .typeDefined }
        let footer = MutableBuffer()
        var writer = ThriftWriter(footer)
        metadata.write(to: &writer)
        guard let length = Int32(exactly: footer.count) else {
            throw SluiceError(
                .limitExceeded, "the file's footer has \(footer.count) bytes, and a footer holds at most 2 GiB",
                place: .init(file: sink.name))
        }
        footer.append(length)
        footer.append(ParquetWriter.magic)
        try await put(footer.freeze())
        try await sink.finish()
    }

    /// Who wrote the file, for readers that know the bugs of others.
    static let createdBy = "sluice version \(Release.number)"

    /// Column indices first, then offset indices, as the format recommends: readers fetch them in one go.
    private func writePageIndices() async throws(SluiceError) {
        let output = MutableBuffer()
        let start = position
        for (group, indices) in pageIndices.enumerated() {
            for (column, index) in indices.enumerated() {
                guard let columnIndex = index.column else { continue }
                let from = output.count
                var writer = ThriftWriter(output)
                columnIndex.write(to: &writer)
                rowGroups[group].columns[column].columnIndexOffset = Int64(start + from)
                rowGroups[group].columns[column].columnIndexLength = Int32(output.count - from)
            }
        }
        for (group, indices) in pageIndices.enumerated() {
            for (column, index) in indices.enumerated() {
                let from = output.count
                var writer = ThriftWriter(output)
                index.offset.write(to: &writer)
                rowGroups[group].columns[column].offsetIndexOffset = Int64(start + from)
                rowGroups[group].columns[column].offsetIndexLength = Int32(output.count - from)
            }
        }
        if output.count > 0 { try await put(output.freeze()) }
    }

    private func keyValues() -> [KeyValue] {
        var values = schema.metadata
        values.merge(options.keyValueMetadata) { _, option in option }
        // A schema that was read from a file says what that file held.
        values["ARROW:schema"] = ArrowSchema.encode(schema)
        return values.sorted { $0.key < $1.key }.map { KeyValue(key: $0.key, value: $0.value) }
    }

    /// Throws away what was written.
    public func abandon() async {
        isOver = true
        await sink.abandon()
    }
}
