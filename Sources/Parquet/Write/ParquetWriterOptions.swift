import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How a Parquet file is laid out. The defaults suit files of any size that other programs will read.
public struct ParquetWriterOptions: Sendable {
    /// How pages are compressed.
    public var compression: Codec
    /// How hard the codec tries; its usual level when nil.
    public var compressionLevel: Int?
    /// A row group ends when its pages have this many bytes before compression.
    public var rowGroupBytes: Int
    /// A row group ends when it has this many rows.
    public var rowGroupRows: Int
    /// A page ends when its values have this many bytes before compression.
    public var pageBytes: Int
    /// A page ends when it has this many rows; nil for no such limit.
    public var pageRows: Int?
    /// A column chunk gives its dictionary up when it grows beyond this; 0 for no dictionaries.
    public var dictionaryBytes: Int
    /// The layout of data pages, 1 or 2. Every reader knows 1.
    public var pageVersion: Int
    /// The encoding of every column that it can encode and that is not named in `encodings`; a dictionary that falls back
    /// to plain values when nil.
    public var encoding: Encoding?
    /// The encoding of single columns, by name or by dotted path.
    public var encodings: [String: Encoding]
    /// Whether column chunks say their minimum, maximum and number of nulls.
    public var statistics: Bool
    /// Whether the file says where each page is and what its minimum and maximum are.
    public var pageIndex: Bool
    /// Whether pages carry a checksum.
    public var checksums: Bool
    /// What to leave for readers, beyond what the schema says.
    public var keyValueMetadata: [String: String]
    /// How many columns are encoded at a time.
    public var parallelism: Int

    /// The default layout, with what is given changed.
    public init(
        compression: Codec = .zstd, compressionLevel: Int? = nil, rowGroupBytes: Int = 64 << 20,
        rowGroupRows: Int = 1 << 20, pageBytes: Int = 1 << 20, pageRows: Int? = 20_000, dictionaryBytes: Int = 1 << 20,
        pageVersion: Int = 1, encoding: Encoding? = nil, encodings: [String: Encoding] = [:], statistics: Bool = true,
        pageIndex: Bool = true, checksums: Bool = true, keyValueMetadata: [String: String] = [:],
        parallelism: Int = ParquetWriterOptions.cores
    ) {
        self.compression = compression
        self.compressionLevel = compressionLevel
        self.rowGroupBytes = rowGroupBytes
        self.rowGroupRows = rowGroupRows
        self.pageBytes = pageBytes
        self.pageRows = pageRows
        self.dictionaryBytes = dictionaryBytes
        self.pageVersion = pageVersion
        self.encoding = encoding
        self.encodings = encodings
        self.statistics = statistics
        self.pageIndex = pageIndex
        self.checksums = checksums
        self.keyValueMetadata = keyValueMetadata
        self.parallelism = parallelism
    }

    /// How many processors this process may use.
    public static var cores: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Fails when an option has a value that means nothing.
    func validate() throws(SluiceError) {
        func positive(_ name: String, _ value: Int) throws(SluiceError) {
            guard value > 0 else {
                throw SluiceError(.invalidConfiguration, "\(name) is \(value), and must be at least 1")
            }
        }
        try positive("the size of a row group", rowGroupBytes)
        try positive("the number of rows of a row group", rowGroupRows)
        try positive("the size of a page", pageBytes)
        try positive("the number of rows of a page", pageRows ?? 1)
        try positive("the number of columns encoded at a time", parallelism)
        guard pageVersion == 1 || pageVersion == 2 else {
            throw SluiceError(.invalidConfiguration, "data pages have version 1 or 2, not \(pageVersion)")
        }
        guard dictionaryBytes >= 0 else {
            throw SluiceError(
                .invalidConfiguration, "the size of a dictionary is \(dictionaryBytes), and must be at least 0")
        }
    }
}

/// What an encoding can encode.
extension Encoding {
    /// Whether values of `storage` can be written in this encoding.
    func encodes(_ storage: LeafStorage) -> Bool {
        let type = storage.physicalType
        switch self {
        case .plain: return true
        case .rleDictionary, .plainDictionary: return storage != .boolean && storage != .nothing
        case .rle: return type == .boolean
        case .deltaBinaryPacked: return type == .int32 || type == .int64
        case .deltaLengthByteArray: return type == .byteArray
        case .deltaByteArray: return type == .byteArray || type == .fixedLengthByteArray
        case .byteStreamSplit: return type != .boolean && type != .byteArray
        default: return false
        }
    }
}

/// How one leaf's values are encoded.
struct LeafEncoding {
    /// Whether a dictionary is tried first.
    var usesDictionary: Bool
    /// The encoding of values without one.
    var encoding: Encoding

    /// What `options` say about `leaf`.
    init(_ leaf: LeafPlan, _ options: ParquetWriterOptions) throws(SluiceError) {
        let usual: Encoding = leaf.storage == .boolean && options.pageVersion == 2 ? .rle : .plain
        let named = options.encodings[leaf.name] ?? options.encodings[leaf.path[0]]
        if let named, !named.encodes(leaf.storage) {
            throw SluiceError(
                .invalidConfiguration, "\(leaf.type) values cannot be encoded as \(named)",
                place: .init(column: leaf.name))
        }
        let wanted = named ?? options.encoding.flatMap { $0.encodes(leaf.storage) ? $0 : nil }
        let isDictionary = wanted?.isDictionary ?? Encoding.rleDictionary.encodes(leaf.storage)
        usesDictionary = isDictionary && options.dictionaryBytes > 0
        encoding = isDictionary ? usual : wanted ?? usual
    }
}
