import Columns
import Support

/// Which columns of a table are wanted, under which names, and how many rows.
public struct TableShape: Sendable {
    /// The columns, in the order wanted; nil for all of them as they stand.
    public var columns: [String]?
    /// New names for columns, by their old ones.
    public var renames: [(old: String, new: String)]
    /// The most rows; nil for all.
    public var rowLimit: Int?

    /// The whole table, unless said otherwise.
    public init(columns: [String]? = nil, renames: [(old: String, new: String)] = [], rowLimit: Int? = nil) {
        self.columns = columns
        self.renames = renames
        self.rowLimit = rowLimit
    }

    /// Where the wanted columns stand in `schema`, and the schema of the result.
    ///
    /// - throws: `SluiceError` when a name is not there, or stands there twice in the result.
    func resolve(_ schema: Schema, table: String) throws(SluiceError) -> (places: [Int], schema: Schema) {
        var places = Array(schema.fields.indices)
        if let columns {
            places = []
            for name in columns { places.append(try place(of: name, in: schema, table: table)) }
        }
        var result = Schema(places.map { schema.fields[$0] }, metadata: schema.metadata)
        for (old, new) in renames {
            let from = try place(of: old, in: schema, table: table)
            guard let to = places.firstIndex(of: from) else {
                throw SluiceError(
                    .invalidConfiguration, "column '\(old)' is to be called '\(new)', but is not among those chosen",
                    place: .init(file: table))
            }
            result.fields[to].name = new
        }
        if columns != nil || !renames.isEmpty {
            var seen: Set<String> = []
            for field in result.fields where !seen.insert(field.name).inserted {
                throw SluiceError(
                    .invalidConfiguration, "two columns would be called '\(field.name)'", place: .init(file: table))
            }
        }
        return (places, result)
    }

    private func place(of name: String, in schema: Schema, table: String) throws(SluiceError) -> Int {
        if let index = schema.index(of: name) { return index }
        let names = schema.fields.map(\.name)
        let shown = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
        throw SluiceError(
            .invalidConfiguration, "there is no column '\(name)'", place: .init(file: table),
            hint: nearestWord(to: name, among: names).map { "Did you mean '\($0)'?" } ?? "Columns are: \(shown)")
    }
}

/// Hands out the wanted columns of another reader's batches.
final class ShapedReader: BatchReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `BatchReader` demands.

    let schema: Schema
    private let base: any BatchReader
    private let places: [Int]
    private var rowsLeft: Int

    init(_ base: any BatchReader, shape: TableShape, table: String) throws(SluiceError) {
        self.base = base
        (places, schema) = try shape.resolve(base.schema, table: table)
        rowsLeft = shape.rowLimit ?? .max
    }

    func next() async throws -> RecordBatch? {
        guard rowsLeft > 0, let batch = try await base.next() else { return nil }
        let shaped = RecordBatch(
            schema: schema, columns: places.map { batch.columns[$0] }, rowCount: batch.rowCount)
        let result = shaped.rowCount > rowsLeft ? shaped.slice(0..<rowsLeft) : shaped
        rowsLeft -= result.rowCount
        return result
    }
}
