public import Columns
public import Parquet
public import Storage
public import TextFormats

/// How tables are read, whatever files they lie in. What concerns another format than the file's has no effect.
public struct TableReadOptions: Sendable {
    /// The format; nil goes by the name, then by the first bytes.
    public var format: FileFormat?
    /// The columns' types for formats that do not say them; nil finds them out.
    public var schema: Schema?
    /// How CSV and TSV are read.
    public var csv = CSVOptions()
    /// How JSON and NDJSON are read.
    public var json = JSONOptions()
    /// The column in which records of a JSON document stand that are not objects, beside the columns of those that are;
    /// nil puts all of them into one column `value` then.
    public var jsonPayload: String?
    /// What Parquet files may make the reader do.
    public var parquet = ParquetLimits()
    /// How far packed files may unpack.
    public var decompression = DecompressionLimits()
    /// How many processors are kept busy; nil for all there are.
    public var threads: Int?

    /// The defaults.
    public init() {}
}

/// How a table is written. What concerns another format than the file's has no effect.
public struct TableWriteOptions: Sendable {
    /// The format; nil goes by the name.
    public var format: FileFormat?
    /// What the whole file is packed with; nil goes by the name. Parquet packs its pages instead.
    public var compression: FileCompression?
    /// How hard the whole file is packed; the usual when nil.
    public var compressionLevel: Int?
    /// How CSV and TSV are written.
    public var csv = CSVWriterOptions()
    /// How JSON and NDJSON are written; the layout goes by the format.
    public var json = JSONWriterOptions()
    /// How Parquet is written.
    public var parquet = ParquetWriterOptions()
    /// How many processors are kept busy; nil for all there are.
    public var threads: Int?

    /// The defaults.
    public init() {}
}
