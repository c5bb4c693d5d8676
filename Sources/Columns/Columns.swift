// Columns: what data is made of, from the first byte read to the last byte written.
//
// A `RecordBatch` is a run of rows: a `Schema` and one `Column` for each of its fields. Columns hold their values in
// Arrow's memory layout (validity bitmap, values, offsets), are immutable, and share memory when sliced. They come out
// of builders (`ColumnBuilder`), out of readers (`BatchReader`), or from another Arrow library (`ArrowInterface`).

public import Support

/// A run of rows: columns of equal length under a schema.
public struct RecordBatch: Sendable {
    /// The columns' names and types.
    public let schema: Schema
    /// A column for each field of the schema.
    public let columns: [Column]
    /// How many rows there are.
    public let rowCount: Int

    /// A batch of `columns`, which have the schema's types and `rowCount` rows each.
    public init(schema: Schema, columns: [Column], rowCount: Int? = nil) {
        precondition(schema.fields.count == columns.count, "a batch needs a column for each field")
        self.schema = schema
        self.columns = columns
        self.rowCount = rowCount ?? columns.first?.count ?? 0
        precondition(columns.allSatisfy { $0.count == self.rowCount }, "the columns of a batch are equally long")
    }

    /// The rows in `range`, sharing memory.
    public func slice(_ range: Range<Int>) -> RecordBatch {
        RecordBatch(schema: schema, columns: columns.map { $0.slice(range) }, rowCount: range.count)
    }
}

/// Something that hands out rows batch by batch: a file, a query, a stream.
///
/// A reader that infers its schema while reading may find, late, that a type must be wider than it said. It then throws
/// `SchemaWidened`; the consumer drops what it made of the earlier batches and reads again with the wider schema.
public protocol BatchReader: AnyObject, Sendable {
    /// The schema of every batch.
    var schema: Schema { get }
    /// The next rows; nil at the end. One consumer at a time.
    func next() async throws -> RecordBatch?
}

/// Somewhere rows go, batch by batch. What was written becomes visible with `finish`, whole, or not at all.
public protocol BatchWriter: AnyObject, Sendable {
    /// Appends rows.
    func write(_ batch: RecordBatch) async throws
    /// Writes what is held back and publishes the result.
    func finish() async throws
    /// Throws away what was written.
    func abandon() async
}

/// Thrown by an inferring reader: batches handed out so far had too narrow a type. Holds for all of the data, so that
/// reading again with it cannot fail this way.
public struct SchemaWidened: Error, Sendable {
    /// The schema that all of the data fits.
    public let schema: Schema
    /// The first place that did not fit, for a progress message.
    public let place: SluiceError.Place

    /// A widening to `schema`, discovered at `place`.
    public init(_ schema: Schema, at place: SluiceError.Place = .init()) {
        self.schema = schema
        self.place = place
    }
}
