/// How a leaf's values are stored.
public enum PhysicalType: Int32, Sendable, Hashable {
    /// A bit.
    case boolean = 0
    /// Four bytes, signed.
    case int32 = 1
    /// Eight bytes, signed.
    case int64 = 2
    /// Twelve bytes: the timestamps of old writers.
    case int96 = 3
    /// IEEE 754, four bytes.
    case float = 4
    /// IEEE 754, eight bytes.
    case double = 5
    /// Bytes of any length.
    case byteArray = 6
    /// Bytes of one length.
    case fixedLengthByteArray = 7

    /// How many bytes a plain value takes, where that is the same for every value of the type.
    var width: Int? {
        switch self {
        case .int32, .float: 4
        case .int64, .double: 8
        case .int96: 12
        case .boolean, .byteArray, .fixedLengthByteArray: nil
        }
    }

    /// The name that the format's specification uses.
    public var name: String {
        switch self {
        case .boolean: "BOOLEAN"
        case .int32: "INT32"
        case .int64: "INT64"
        case .int96: "INT96"
        case .float: "FLOAT"
        case .double: "DOUBLE"
        case .byteArray: "BYTE_ARRAY"
        case .fixedLengthByteArray: "FIXED_LEN_BYTE_ARRAY"
        }
    }
}

/// How often a field may stand in its parent.
public enum Repetition: Int32, Sendable, Hashable {
    /// Exactly once.
    case required = 0
    /// Once or not at all.
    case optional = 1
    /// Any number of times.
    case repeated = 2
}

/// What a column meant to writers from before logical types.
public enum ConvertedType: Int32, Sendable, Hashable {
    /// Text.
    case utf8 = 0
    /// Keys with values.
    case map
    /// The repeated pair inside a map; old writers put it on the map itself.
    case mapKeyValue
    /// A list.
    case list
    /// Text out of a closed set.
    case enumeration
    /// An exact number.
    case decimal
    /// Days since 1970-01-01.
    case date
    /// Milliseconds since midnight.
    case timeMillis
    /// Microseconds since midnight.
    case timeMicros
    /// Milliseconds since 1970-01-01 UTC.
    case timestampMillis
    /// Microseconds since 1970-01-01 UTC.
    case timestampMicros
    /// Unsigned integers.
    case uint8, uint16, uint32, uint64
    /// Signed integers.
    case int8, int16, int32, int64
    /// JSON text.
    case json
    /// BSON bytes.
    case bson
    /// Months, days, milliseconds: three little-endian `UInt32`.
    case interval
}

/// How a page's values are written. A growable set: numbers that are not known survive reading.
public struct Encoding: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The format's number.
    public let rawValue: Int32
    /// The encoding with this number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Values one after the other.
    public static let plain = Encoding(rawValue: 0)
    /// Positions in a dictionary, as old writers name it.
    public static let plainDictionary = Encoding(rawValue: 2)
    /// Runs and bit-packed groups.
    public static let rle = Encoding(rawValue: 3)
    /// Bits, most significant first; levels of very old writers.
    public static let bitPacked = Encoding(rawValue: 4)
    /// Differences of integers, packed in blocks.
    public static let deltaBinaryPacked = Encoding(rawValue: 5)
    /// Lengths first, as differences, then all bytes.
    public static let deltaLengthByteArray = Encoding(rawValue: 6)
    /// What each value shares with the one before, then the rest.
    public static let deltaByteArray = Encoding(rawValue: 7)
    /// Positions in a dictionary.
    public static let rleDictionary = Encoding(rawValue: 8)
    /// First bytes of all values, then second bytes, and so on.
    public static let byteStreamSplit = Encoding(rawValue: 9)

    /// Whether values are positions in a dictionary.
    public var isDictionary: Bool { self == .plainDictionary || self == .rleDictionary }

    /// The name that the format's specification uses.
    public var description: String {
        let names = [
            "PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
            "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT",
        ]
        return names.indices.contains(Int(rawValue)) ? names[Int(rawValue)] : "ENCODING_\(rawValue)"
    }
}

/// How a page's bytes are compressed. A growable set: numbers that are not known survive reading.
public struct Codec: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The format's number.
    public let rawValue: Int32
    /// The codec with this number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Not at all.
    public static let uncompressed = Codec(rawValue: 0)
    /// Snappy.
    public static let snappy = Codec(rawValue: 1)
    /// Gzip.
    public static let gzip = Codec(rawValue: 2)
    /// LZO, which nobody writes any more; not supported.
    public static let lzo = Codec(rawValue: 3)
    /// Brotli.
    public static let brotli = Codec(rawValue: 4)
    /// LZ4 in Hadoop's framing, deprecated.
    public static let lz4 = Codec(rawValue: 5)
    /// Zstandard.
    public static let zstd = Codec(rawValue: 6)
    /// LZ4 blocks without framing.
    public static let lz4Raw = Codec(rawValue: 7)

    /// Every codec that can be read and written.
    public static let supported: [Codec] = [.uncompressed, .snappy, .gzip, .brotli, .lz4, .zstd, .lz4Raw]

    /// The name that the format's specification uses.
    public var description: String {
        let names = ["UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"]
        return names.indices.contains(Int(rawValue)) ? names[Int(rawValue)] : "CODEC_\(rawValue)"
    }
}

/// What a page holds. A growable set: pages of unknown type are passed over.
struct PageType: RawRepresentable, Sendable, Hashable {
    let rawValue: Int32

    static let data = PageType(rawValue: 0)
    static let index = PageType(rawValue: 1)
    static let dictionary = PageType(rawValue: 2)
    static let dataV2 = PageType(rawValue: 3)
}

/// How the pages of a column index are ordered.
public enum BoundaryOrder: Int32, Sendable, Hashable {
    /// Not.
    case unordered = 0
    /// Minima and maxima never fall.
    case ascending = 1
    /// Minima and maxima never rise.
    case descending = 2
}

/// How minima and maxima of a column compare.
public enum ColumnOrder: Sendable, Hashable {
    /// As the logical type says.
    case typeDefined
    /// Floats by IEEE 754's total order.
    case ieee754Total
    /// Some order that is not known here; statistics are of no use then.
    case unknown
}
