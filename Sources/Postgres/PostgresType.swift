public import Columns

/// What a column of the server is, and what it becomes here.
public struct PostgresType: Sendable, Hashable {
    /// The type's number in the catalogue.
    public let oid: UInt32
    /// What was declared with it: a numeric's precision and scale, for one; −1 for nothing.
    public let modifier: Int32
    /// The type of an array's elements, 0 for anything else. A domain has been followed to its base type already.
    public let element: UInt32

    /// The type `oid`, with what was declared with it.
    public init(oid: UInt32, modifier: Int32 = -1, element: UInt32 = 0) {
        self.oid = oid
        self.modifier = modifier
        self.element = element
    }

    /// Numbers of the built-in types, which are the same on every server.
    public enum OID {
        /// boolean
        public static let bool: UInt32 = 16
        /// bytea
        public static let bytea: UInt32 = 17
        /// "char"
        public static let char: UInt32 = 18
        /// name
        public static let name: UInt32 = 19
        /// bigint
        public static let int8: UInt32 = 20
        /// smallint
        public static let int2: UInt32 = 21
        /// integer
        public static let int4: UInt32 = 23
        /// text
        public static let text: UInt32 = 25
        /// oid
        public static let oid: UInt32 = 26
        /// json
        public static let json: UInt32 = 114
        /// xml
        public static let xml: UInt32 = 142
        /// real
        public static let float4: UInt32 = 700
        /// double precision
        public static let float8: UInt32 = 701
        /// character
        public static let bpchar: UInt32 = 1042
        /// character varying
        public static let varchar: UInt32 = 1043
        /// date
        public static let date: UInt32 = 1082
        /// time
        public static let time: UInt32 = 1083
        /// timestamp
        public static let timestamp: UInt32 = 1114
        /// timestamp with time zone
        public static let timestamptz: UInt32 = 1184
        /// numeric
        public static let numeric: UInt32 = 1700
        /// uuid
        public static let uuid: UInt32 = 2950
        /// jsonb
        public static let jsonb: UInt32 = 3802
    }

    /// How the binary form of a value is read.
    enum Wire: UInt8, Sendable {
        case bool, int16, int32, int64, uint32, float32, float64
        case numeric, numericText, bytes, jsonb, date, time, timestamp, uuid, array
    }

    /// What values of this type become, and how they are read; nil when the server has to turn them into text.
    ///
    /// A numeric without a declared precision has no fixed scale, so it becomes text, exact to the last digit.
    var reading: (type: DataType, wire: Wire)? {
        switch oid {
        case OID.bool: (.bool, .bool)
        case OID.int2: (.int16, .int16)
        case OID.int4: (.int32, .int32)
        case OID.int8: (.int64, .int64)
        case OID.oid: (.uint32, .uint32)
        case OID.float4: (.float32, .float32)
        case OID.float8: (.float64, .float64)
        case OID.numeric:
            if let (precision, scale) = declaredNumeric {
                (.decimal(precision: precision, scale: scale), .numeric)
            } else {
                (.utf8, .numericText)
            }
        case OID.text, OID.varchar, OID.bpchar, OID.name, OID.char, OID.xml: (.utf8, .bytes)
        case OID.json: (.json, .bytes)
        case OID.jsonb: (.json, .jsonb)
        case OID.bytea: (.binary, .bytes)
        case OID.date: (.date, .date)
        case OID.time: (.time(.microsecond), .time)
        case OID.timestamp: (.timestamp(.microsecond, zone: nil), .timestamp)
        case OID.timestamptz: (.timestamp(.microsecond, zone: "UTC"), .timestamp)
        case OID.uuid: (.uuid, .uuid)
        default: arrayReading
        }
    }

    private var arrayReading: (type: DataType, wire: Wire)? {
        guard element != 0, let inner = PostgresType(oid: element, modifier: modifier).reading, inner.wire != .array
        else { return nil }
        return (.list(Field("item", inner.type)), .array)
    }

    /// What values of this type become here. What has no counterpart becomes the server's text of it.
    public var columnType: DataType { reading?.type ?? .utf8 }

    /// Whether a query has to cast the column to text for it to be read.
    public var needsTextCast: Bool { reading == nil }

    /// A numeric's precision and scale, where they were declared and fit 38 digits.
    private var declaredNumeric: (precision: Int, scale: Int)? {
        guard modifier >= 4 else { return nil }
        let packed = Int(modifier) - 4
        let precision = packed >> 16
        // The scale is signed in eleven bits since PostgreSQL 15.
        let scale = ((packed & 0x7ff) ^ 1024) - 1024
        guard (1...38).contains(precision), (0...precision).contains(scale) else { return nil }
        return (precision, scale)
    }
}
