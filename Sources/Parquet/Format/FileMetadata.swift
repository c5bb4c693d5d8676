import Support

/// The footer of a file: its schema, and where everything is.
public struct FileMetadata: Sendable, Hashable {
    /// The format's version, 1 or 2; says little.
    public var version: Int32 = 2
    /// The schema's tree, depth first, the root first.
    public var schema: [SchemaElement] = []
    /// How many rows the file has.
    public var rowCount: Int64 = 0
    /// The runs of rows that the file is made of.
    public var rowGroups: [RowGroup] = []
    /// What writers left for readers.
    public var keyValues: [KeyValue] = []
    /// The program that wrote the file.
    public var createdBy: String?
    /// How the minima and maxima of each leaf compare; nil where the writer did not say.
    public var columnOrders: [ColumnOrder]?
    /// Whether parts of the file are encrypted.
    public var isEncrypted = false
}

/// A key with a value, left by a writer.
public struct KeyValue: Sendable, Hashable {
    /// The key.
    public var key: String = ""
    /// Its value, if it has one.
    public var value: String?
}

/// One node of the schema's tree.
public struct SchemaElement: Sendable, Hashable {
    /// How values are stored; nil for groups.
    public var type: PhysicalType?
    /// How long the values of `fixedLengthByteArray` are.
    public var typeLength: Int32?
    /// How often the node stands in its parent; the root has none.
    public var repetition: Repetition?
    /// The node's name.
    public var name: String = ""
    /// How many of the following nodes are inside; nil for leaves.
    public var childCount: Int32?
    /// What it meant to old writers.
    public var convertedType: ConvertedType?
    /// Digits behind the point of an old decimal.
    public var scale: Int32?
    /// Digits of an old decimal.
    public var precision: Int32?
    /// A number that stays when the name changes.
    public var fieldID: Int32?
    /// What it means.
    public var logicalType: LogicalType?
}

/// A run of rows.
public struct RowGroup: Sendable, Hashable {
    /// A chunk for every leaf of the schema, in its order.
    public var columns: [ColumnChunk] = []
    /// Bytes of all chunks before compression.
    public var totalByteSize: Int64 = 0
    /// How many rows there are.
    public var rowCount: Int64 = 0
    /// The columns by which the rows are sorted.
    public var sortingColumns: [SortingColumn]?
    /// Where the first page begins.
    public var fileOffset: Int64?
    /// Bytes of all chunks in the file.
    public var totalCompressedSize: Int64?
    /// The group's number.
    public var ordinal: Int16?
}

/// A column by which rows are sorted.
public struct SortingColumn: Sendable, Hashable {
    /// The leaf's number.
    public var columnIndex: Int32 = 0
    /// Whether the largest come first.
    public var isDescending = false
    /// Whether nulls come first.
    public var nullsFirst = false
}

/// One leaf's values in one row group.
public struct ColumnChunk: Sendable, Hashable {
    /// Another file that holds the chunk; hardly ever used.
    public var filePath: String?
    /// Where the chunk's own copy of its metadata begins; zero in newer files.
    public var fileOffset: Int64 = 0
    /// What is known of the chunk.
    public var metadata = ColumnMetadata()
    /// Where the offset index begins.
    public var offsetIndexOffset: Int64?
    /// How many bytes it takes.
    public var offsetIndexLength: Int32?
    /// Where the column index begins.
    public var columnIndexOffset: Int64?
    /// How many bytes it takes.
    public var columnIndexLength: Int32?
    /// Whether the chunk is encrypted.
    public var isEncrypted = false
}

/// What is known of one leaf's values in one row group.
public struct ColumnMetadata: Sendable, Hashable {
    /// How values are stored.
    public var type: PhysicalType = .boolean
    /// Every encoding in use.
    public var encodings: [Encoding] = []
    /// The leaf's place in the schema, from the top.
    public var path: [String] = []
    /// How pages are compressed.
    public var codec: Codec = .uncompressed
    /// How many values there are, nulls among them.
    public var valueCount: Int64 = 0
    /// Bytes of all pages before compression, headers included.
    public var totalUncompressedSize: Int64 = 0
    /// Bytes of all pages in the file, headers included.
    public var totalCompressedSize: Int64 = 0
    /// What writers left for readers.
    public var keyValues: [KeyValue]?
    /// Where the first data page begins.
    public var dataPageOffset: Int64 = 0
    /// Where an index page begins; never used.
    public var indexPageOffset: Int64?
    /// Where the dictionary page begins.
    public var dictionaryPageOffset: Int64?
    /// Minimum, maximum, nulls.
    public var statistics: Statistics?
    /// How many pages there are of each kind and encoding.
    public var encodingStats: [PageEncodingStats]?
    /// Where the bloom filter begins.
    public var bloomFilterOffset: Int64?
    /// How many bytes it takes.
    public var bloomFilterLength: Int32?
    /// How large the values are in memory.
    public var sizeStatistics: SizeStatistics?
}

/// How many pages of one kind have one encoding.
public struct PageEncodingStats: Sendable, Hashable {
    /// The format's number of the kind of page: 0 data, 2 dictionary, 3 data of version 2.
    public var pageType: Int32 = 0
    /// The encoding.
    public var encoding: Encoding = .plain
    /// How many pages.
    public var count: Int32 = 0
}

/// How large the values of a chunk are in memory.
public struct SizeStatistics: Sendable, Hashable {
    /// Bytes of all strings, without their lengths.
    public var unencodedByteArrayBytes: Int64?
    /// How many values have each repetition level.
    public var repetitionLevelHistogram: [Int64]?
    /// How many values have each definition level.
    public var definitionLevelHistogram: [Int64]?
}

/// Minimum, maximum and nulls of a chunk or page; bounds are plain-encoded values without a length.
public struct Statistics: Sendable, Hashable {
    /// The maximum by signed comparison, from old writers.
    public var deprecatedMax: [UInt8]?
    /// The minimum by signed comparison, from old writers.
    public var deprecatedMin: [UInt8]?
    /// How many values are null.
    public var nullCount: Int64?
    /// How many different values there are.
    public var distinctCount: Int64?
    /// The maximum, by the column's order, or something above it.
    public var maxValue: [UInt8]?
    /// The minimum, by the column's order, or something below it.
    public var minValue: [UInt8]?
    /// Whether `maxValue` is a value of the column.
    public var isMaxExact: Bool?
    /// Whether `minValue` is a value of the column.
    public var isMinExact: Bool?
}
