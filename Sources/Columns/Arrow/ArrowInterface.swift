public import CArrow
public import Support

/// Exchanges columns with any other Arrow library in the same process without a copy, through the Arrow C data interface.
///
/// What is exported keeps its memory alive until the consumer calls `release`. What is imported is taken over: its
/// `release` is called exactly once, when the last buffer that lies in it goes, or at once when the import fails.
public enum ArrowInterface {
    /// Writes a description of `schema` to `out`: a structure of its fields.
    public static func export(_ schema: Schema, to out: UnsafeMutablePointer<ArrowSchema>) {
        let field = Field("", .structure(schema.fields), nullable: false, metadata: schema.metadata)
        ArrowSchemaExport.write(field, to: out)
    }

    /// Writes a description of `field` to `out`.
    public static func export(_ field: Field, to out: UnsafeMutablePointer<ArrowSchema>) {
        ArrowSchemaExport.write(field, to: out)
    }

    /// Hands the rows of `batch` out as one structure.
    public static func export(_ batch: RecordBatch, to out: UnsafeMutablePointer<ArrowArray>) {
        let column = Column(
            type: .structure(batch.schema.fields), count: batch.rowCount, nullCount: 0, children: batch.columns)
        ArrowArrayExport.write(column, to: out)
    }

    /// Hands `column` out.
    public static func export(_ column: Column, to out: UnsafeMutablePointer<ArrowArray>) {
        ArrowArrayExport.write(column, to: out)
    }

    /// Takes rows over from another library; both structures are consumed.
    ///
    /// - throws: `SluiceError` when they do not hold what they say, or hold a type that Sluice does not have.
    public static func importBatch(
        _ array: UnsafeMutablePointer<ArrowArray>, _ schema: UnsafeMutablePointer<ArrowSchema>
    ) throws(SluiceError) -> RecordBatch {
        let owner = try ArrowOwner(taking: array)
        let (type, field) = try take(schema)
        guard case .structure(let fields) = field.type else {
            throw SluiceError(.invalidData, "an Arrow array of type \(field.type) is not a batch of columns")
        }
        let column = try ArrowImport(owner: owner).column(owner.array, type)
        if column.nullCount > 0 { throw SluiceError(.invalidData, "an Arrow batch has rows that are null as a whole") }
        return RecordBatch(
            schema: Schema(fields, metadata: field.metadata), columns: column.children, rowCount: column.count)
    }

    /// Takes a column over from another library; both structures are consumed.
    ///
    /// - throws: as `importBatch`.
    public static func importColumn(
        _ array: UnsafeMutablePointer<ArrowArray>, _ schema: UnsafeMutablePointer<ArrowSchema>
    ) throws(SluiceError) -> (field: Field, column: Column) {
        let owner = try ArrowOwner(taking: array)
        let (type, field) = try take(schema)
        return (field, try ArrowImport(owner: owner).column(owner.array, type))
    }

    /// Reads a description of a table, and releases it.
    ///
    /// - throws: as `importBatch`.
    public static func importSchema(_ schema: UnsafeMutablePointer<ArrowSchema>) throws(SluiceError) -> Schema {
        let (_, field) = try take(schema)
        guard case .structure(let fields) = field.type else {
            throw SluiceError(.invalidData, "an Arrow schema of type \(field.type) does not describe columns")
        }
        return Schema(fields, metadata: field.metadata)
    }

    private static func take(
        _ schema: UnsafeMutablePointer<ArrowSchema>
    ) throws(SluiceError) -> (ArrowType, Field) {
        guard let release = schema.pointee.release else {
            throw SluiceError(.invalidData, "the Arrow schema was released already")
        }
        defer { if schema.pointee.release != nil { release(schema) } }
        return try ArrowType.read(schema, depth: 0)
    }
}

/// The extension types of Arrow that Sluice has as types of its own.
enum ArrowExtension {
    static let name = "ARROW:extension:name"
    static let metadata = "ARROW:extension:metadata"
    static let uuid = "arrow.uuid"
    static let json = "arrow.json"
}

extension DataType {
    /// The interface's word for this type.
    var arrowFormat: String {
        switch self {
        case .null: "n"
        case .bool: "b"
        case .int8: "c"
        case .uint8: "C"
        case .int16: "s"
        case .uint16: "S"
        case .int32: "i"
        case .uint32: "I"
        case .int64: "l"
        case .uint64: "L"
        case .float16: "e"
        case .float32: "f"
        case .float64: "g"
        case .decimal(let precision, let scale): "d:\(precision),\(scale)"
        case .utf8, .json: "u"
        case .binary: "z"
        case .fixedBinary(let width): "w:\(width)"
        case .uuid: "w:16"
        case .date: "tdD"
        case .time(let unit): "tt\(unit.arrowLetter)"
        case .timestamp(let unit, let zone): "ts\(unit.arrowLetter):\(zone ?? "")"
        case .list: "+l"
        case .structure: "+s"
        case .map: "+m"
        }
    }
}

extension TimeUnit {
    fileprivate var arrowLetter: String {
        switch self {
        case .second: "s"
        case .millisecond: "m"
        case .microsecond: "u"
        case .nanosecond: "n"
        }
    }
}
