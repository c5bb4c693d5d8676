import Columns
import Parquet
import Storage
import Support
import Warehouse

/// Writes the rows of one unit to the lake as Parquet parts, each of which appears whole.
///
/// A part ends when it has reached its size; no rows, no file.
final class UnitStage: @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes.

    private let lake: any ObjectStore
    private let name: StageName
    private let unit: String
    private let options: StageOptions
    private var writer: ParquetWriter?
    /// What the open part is written to, and before it what hashes it.
    private var sink: (file: any ByteSink, hashing: HashingSink)?
    private var rows = 0
    /// The parts that are complete and visible.
    private(set) var parts: [StagedFile] = []

    init(_ lake: any ObjectStore, name: StageName, unit: String, options: StageOptions) {
        self.lake = lake
        self.name = name
        self.unit = unit
        self.options = options
    }

    /// Writes a batch.
    ///
    /// - returns: The base name of the part that it lies in.
    func write(_ batch: RecordBatch) async throws -> String {
        if let writer, writer.size >= options.partBytes { try await endPart() }
        let writer: ParquetWriter
        if let begun = self.writer { writer = begun } else { writer = try await beginPart(batch.schema) }
        try await writer.write(batch)
        rows += batch.rowCount
        FaultPoint.stageRows.reach()
        let path = name.part(parts.count)
        return String(path[path.index(path.startIndex, offsetBy: name.folder.count + 1)...])
    }

    private func beginPart(_ schema: Schema) async throws -> ParquetWriter {
        let file = try await lake.create(name.part(parts.count))
        // When the part appears is this one's business.
        let hashing = try HashingSink(file, ends: false)
        sink = (file, hashing)
        var parquet = ParquetWriterOptions(compression: options.codec, compressionLevel: options.level)
        parquet.keyValueMetadata = ["sluice.run": options.run, "sluice.source": unit]
        let writer = try await ParquetWriter(hashing, schema: schema, options: parquet)
        self.writer = writer
        return writer
    }

    private func endPart() async throws {
        guard let writer, let sink else { return }
        try await writer.finish()
        FaultPoint.stagePartWritten.reach()
        try await sink.file.finish()
        FaultPoint.stagePartVisible.reach()
        parts.append(
            StagedFile(
                path: name.part(parts.count), size: sink.hashing.count, hash: sink.hashing.hash(), rows: rows,
                source: unit))
        self.writer = nil
        self.sink = nil
        rows = 0
    }

    /// Ends the last part.
    func finish() async throws { try await endPart() }

    /// Throws away what was written, the parts that are visible too.
    func abandon() async {
        await writer?.abandon()
        await sink?.file.abandon()
        writer = nil
        sink = nil
        rows = 0
        for part in parts { try? await lake.remove(part.path) }
        parts = []
    }
}

/// How parts are written.
struct StageOptions: Sendable {
    /// The run, which every part names in its metadata.
    var run: String
    /// A part ends when it has so many bytes.
    var partBytes: Int
    /// How pages are compressed.
    var codec: Codec = .zstd
    /// How hard the codec tries.
    var level: Int?
}
