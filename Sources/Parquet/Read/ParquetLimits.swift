/// What a file may make a reader do. Files beyond a limit are refused with an error that names it; every limit can be
/// raised.
public struct ParquetLimits: Sendable, Hashable {
    /// The largest footer, in bytes. In memory it takes up to some twenty times as much.
    public var maxFooterBytes: Int
    /// The largest page, in bytes after decompression.
    public var maxPageBytes: Int
    /// The deepest nesting of the schema, at most 120.
    public var maxSchemaDepth: Int
    /// The most leaves that the schema may have.
    public var maxColumns: Int
    /// The bytes of strings, or of levels of nested values, at which a column cuts a batch short.
    public var maxBatchBytes: Int
    /// How much of a column chunk is fetched at a time, in bytes; a page that is larger is fetched whole.
    public var windowBytes: Int

    /// Limits that files made in earnest stay far below.
    public init(
        maxFooterBytes: Int = 256 << 20, maxPageBytes: Int = 512 << 20, maxSchemaDepth: Int = 64,
        maxColumns: Int = 100_000, maxBatchBytes: Int = 64 << 20, windowBytes: Int = 4 << 20
    ) {
        self.maxFooterBytes = maxFooterBytes
        self.maxPageBytes = min(maxPageBytes, Int(Int32.max))
        self.maxSchemaDepth = min(maxSchemaDepth, 120)
        self.maxColumns = maxColumns
        self.maxBatchBytes = min(maxBatchBytes, Int(Int32.max) / 2)
        self.windowBytes = max(windowBytes, 1 << 10)
    }
}
