public import Columns
public import Support

/// How CSV is written.
public struct CSVWriterOptions: Sendable {
    /// The byte between fields.
    public var delimiter = UInt8(ascii: ",")
    /// The byte around fields that need it; in them it is doubled.
    public var quote = UInt8(ascii: "\"")
    /// What ends a record: `\n` or `\r\n`.
    public var lineEnd = "\n"
    /// Whether the first record names the columns.
    public var header = true
    /// What is written for no value. Text that says the same is quoted, so that the two can be told apart.
    public var nullText = ""
    /// Whether all text is quoted, even where it need not be.
    public var quotesAllText = false
    /// Whether a byte order mark comes first, which some spreadsheets need to take the file for UTF-8.
    public var byteOrderMark = false
    /// How many blocks of rows are formatted at a time; nil means one a processor.
    public var parallelism: Int?

    /// The defaults.
    public init() {}
}

/// Writes batches as delimited text in UTF-8, which `CSVReader` reads back.
///
/// Nulls are nothing at all and empty strings are `""`, nested values are JSON, bytes are base64; other values are
/// written as `ColumnFormatter` says.
public final class CSVWriter: BatchWriter, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `BatchWriter` demands; tasks get values.

    private let sink: any ByteSink
    private let schema: Schema
    private let format: CSVFormat
    private let parallelism: Int
    private let hasMark: Bool
    private let hasHeader: Bool
    private var isStarted = false

    /// How many rows a task formats.
    private static let block = 8192

    /// A writer to `sink` of batches under `schema`.
    ///
    /// - throws: `SluiceError` with code `invalidConfiguration` when the options contradict each other.
    public init(_ sink: any ByteSink, schema: Schema, options: CSVWriterOptions = .init()) throws(SluiceError) {
        let marks = [options.delimiter, options.quote]
        guard marks.allSatisfy({ $0 < 0x80 && $0 != 10 && $0 != 13 }), marks[0] != marks[1] else {
            throw SluiceError(
                .invalidConfiguration, "delimiter and quote are two ASCII characters other than line ends")
        }
        guard options.lineEnd == "\n" || options.lineEnd == "\r\n" else {
            throw SluiceError(.invalidConfiguration, "a line ends in \\n or \\r\\n")
        }
        self.sink = sink
        self.schema = schema
        format = CSVFormat(options)
        parallelism = max(1, options.parallelism ?? processorCount())
        hasMark = options.byteOrderMark
        hasHeader = options.header
        for name in options.nullText.utf8 where name == 10 || name == 13 || marks.contains(name) {
            throw SluiceError(
                .invalidConfiguration, "the text for no value holds a delimiter, a quote or a line end")
        }
    }

    /// Appends rows.
    ///
    /// - throws: `SluiceError` when the batch has other columns than the schema, or the sink fails.
    public func write(_ batch: RecordBatch) async throws {
        guard batch.columns.count == schema.fields.count else {
            throw SluiceError(
                .invalidConfiguration,
                "a batch of \(batch.columns.count) columns for a file of \(schema.fields.count)",
                place: .init(file: sink.name))
        }
        try await start()
        // As many blocks at a time as there are tasks, so that memory does not grow with the batch.
        var first = 0
        while first < batch.rowCount {
            let wave = (0..<parallelism).map { first + $0 * CSVWriter.block }.filter { $0 < batch.rowCount }
            first += parallelism * CSVWriter.block
            let format = format
            func rows(_ start: Int) -> Range<Int> { start..<min(start + CSVWriter.block, batch.rowCount) }
            if wave.count == 1 {
                try await sink.write(format.text(batch, rows: rows(wave[0])))
                continue
            }
            let texts = await withTaskGroup(of: (Int, Buffer).self) { group in
                for (index, start) in wave.enumerated() {
                    let range = rows(start)
                    group.addTask { (index, format.text(batch, rows: range)) }
                }
                var texts = [Buffer](repeating: .empty, count: wave.count)
                for await (index, text) in group { texts[index] = text }
                return texts
            }
            for text in texts { try await sink.write(text) }
        }
    }

    private func start() async throws(SluiceError) {
        if isStarted { return }
        isStarted = true
        let out = MutableBuffer()
        if hasMark { out.append([0xef, 0xbb, 0xbf]) }
        if hasHeader, !schema.fields.isEmpty { format.header(schema, to: out) }
        if out.count > 0 { try await sink.write(out.freeze()) }
    }

    /// Publishes what was written; a table without rows still has its header.
    public func finish() async throws {
        try await start()
        try await sink.finish()
    }

    /// Throws away what was written.
    public func abandon() async { await sink.abandon() }
}
