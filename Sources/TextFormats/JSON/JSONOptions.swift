/// How JSON is read.
///
/// Records are objects: each key is a column. Where records are anything else (numbers, arrays, objects among numbers)
/// there is one column, `value`.
public struct JSONOptions: Sendable {
    /// Where the records are.
    public enum Layout: Sendable {
        /// An array's elements when the text begins with `[`; otherwise values one after the other.
        case auto
        /// The elements of one array.
        case array
        /// Values one after the other: on lines of their own (NDJSON), or with any white space or none between them.
        case lines
        /// One value: one row.
        case object
    }

    /// What becomes of objects and arrays inside records.
    public enum Nested: Sendable {
        /// Objects become structures, arrays become lists.
        case keep
        /// Both stay the text they are, in columns of type `json`.
        case json
    }

    /// What an object that has a key twice is.
    public enum DuplicateKeys: Int32, Sendable {
        /// An error: whichever value were kept, the other would be lost.
        case error = 0
        /// Its first value counts.
        case first = 1
        /// Its last value counts, as in JavaScript and Python.
        case last = 2
    }

    /// What a key that a given schema does not name is.
    public enum UnknownKeys: Sendable {
        /// Not wanted.
        case ignore
        /// An error.
        case error
    }

    /// What hostile or broken input cannot exceed.
    public struct Limits: Sendable {
        /// How deep values may nest.
        public var maxDepth = 1024
        /// How deep they may nest and still become lists and structures; what is deeper stays `json`. Lists take two levels
        /// of a Parquet schema, of which readers allow about 64.
        public var maxTypeDepth = 30
        /// How large one record may be. Memory grows with the largest record that there is, not with the limit.
        public var maxRecordBytes = 64 << 20
        /// How many columns inference makes.
        public var maxColumns = 10_000
        /// How many fields inference gives a structure; objects with more different keys stay `json`.
        public var maxFields = 1_000
        /// How many missing values a batch may have before it is handed over: with thousands of columns of which each
        /// record has a few, a chunk would otherwise become a thousand times its size. A record that is missing 16
        /// times as many inside is an error.
        public var maxMissingValues = 4 << 20

        /// The limits that hold unless said otherwise.
        public init() {}
    }

    /// Where the records are.
    public var layout = Layout.auto
    /// What becomes of objects and arrays inside records.
    public var nested = Nested.keep
    /// How many chunks are parsed at a time.
    public var parallelism = 2
    /// How large chunks are; a chunk becomes a batch.
    public var chunkBytes = 2 << 20
    /// What input cannot exceed.
    public var limits = Limits()
    /// What an object that has a key twice is.
    public var duplicateKeys = DuplicateKeys.error
    /// What a key that a given schema does not name is.
    public var unknownKeys = UnknownKeys.ignore
    /// What to do with malformed lines of the layout `lines`; other layouts have no place at which to go on. Each line is a
    /// record by itself then, and one that is not JSON, has a value that goes on beyond it, or is not an object (or null)
    /// is malformed. A line beyond `limits.maxRecordBytes` is an error all the same.
    public var badRows = BadRows.fail
    /// Whether strings that are all dates, times or timestamps become such columns.
    public var recogniseTimes = true

    /// The options that hold unless said otherwise.
    public init() {}
}
