import Columns
import Parquet
public import Storage
public import Support
import TextFormats

/// Where a table is written, and how.
public struct TableOutput: Sendable {
    /// What the file is called.
    public let name: String
    /// What the file will be made of.
    public let format: FileFormat
    /// What tells the file that will be replaced from every other, if there is one.
    let replaced: FileIdentity?
    private let compression: FileCompression?
    private let options: TableWriteOptions
    private let makeSink: @Sendable () async throws(SluiceError) -> any ByteSink

    /// An output called `name`, whose bytes go into what `makeSink` makes.
    ///
    /// - parameter replaced: What stands there now; a conversion refuses to read it and replace it at once.
    /// - throws: `SluiceError` when nothing tells the format.
    public init(
        _ name: String, options: TableWriteOptions = .init(), replacing replaced: FileIdentity? = nil,
        makeSink: @escaping @Sendable () async throws(SluiceError) -> any ByteSink
    ) throws(SluiceError) {
        let (namedCompression, bareName) = FileCompression.split(name)
        guard let format = options.format ?? FileFormat(fileName: bareName) else {
            throw SluiceError(
                .usage, "the name does not tell the format of the output", place: .init(file: name),
                hint: "Say it with --to: \(FileFormat.listed)")
        }
        let compression = options.compression ?? namedCompression
        if format == .parquet, compression != nil {
            throw SluiceError(
                .usage, "Parquet is compressed inside, page by page, and cannot be read when packed as a whole",
                place: .init(file: name), hint: "Name it .parquet, and choose a codec with --compression.")
        }
        self.name = name
        self.format = format
        self.compression = compression
        self.options = options
        self.replaced = replaced
        self.makeSink = makeSink
    }

    /// Whether what is written is anything but text.
    public var isBinary: Bool { format == .parquet || compression != nil }

    /// A writer of rows of `schema`.
    ///
    /// - parameter mayStartAgain: Whether what is written may have to be taken back.
    func writer(_ schema: Schema, mayStartAgain: Bool, monitor: ConversionMonitor) async throws -> any BatchWriter {
        let base = try await makeSink()
        var sink: any ByteSink = MeteredSink(
            mayStartAgain && base is DescriptorSink ? HeldSink(base) : base, monitor)
        do {
            if let compression { sink = try CompressingSink(sink, compression, level: options.compressionLevel) }
            return try await writer(schema, into: sink)
        } catch {
            await sink.abandon()
            throw error
        }
    }

    private func writer(_ schema: Schema, into sink: any ByteSink) async throws -> any BatchWriter {
        switch format {
        case .csv, .tsv:
            var csv = options.csv
            if format == .tsv, csv.delimiter == UInt8(ascii: ",") { csv.delimiter = UInt8(ascii: "\t") }
            if let threads = options.threads { csv.parallelism = threads }
            return try CSVWriter(sink, schema: schema, options: csv)
        case .json, .ndjson:
            var json = options.json
            json.layout = format == .json ? .array : .lines
            if let threads = options.threads { json.parallelism = threads }
            return try JSONWriter(sink, schema: schema, options: json)
        case .parquet:
            var parquet = options.parquet
            if let threads = options.threads { parquet.parallelism = threads }
            return try await ParquetWriter(sink, schema: schema, options: parquet)
        }
    }
}
