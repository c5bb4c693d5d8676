import Columns
import Support

/// The types that a job declares for some columns, and how values that do not parse are sorted out.
struct DeclaredTypes: Sendable {
    let fields: [Field]
    /// Where the declared columns stand, in the order of `fields`.
    let places: [Int]
    /// What the reader is opened under: the columns that were found with the declared types in their place.
    let typed: Schema
    /// The same with the declared columns as they are written, so that each value can be looked at alone.
    let raw: Schema

    /// - parameter rawType: What holds any value of the format as it is written: `utf8` for CSV, `json` for JSON.
    /// - parameter addsMissing: Whether a column that was not found may still turn up.
    init(
        _ declared: Schema, found: Schema, rawType: DataType, addsMissing: Bool, file: String
    ) throws(SluiceError) {
        fields = declared.fields
        var typed = found
        var raw = found
        var places: [Int] = []
        for field in declared.fields {
            guard let place = found.index(of: field.name) else {
                guard addsMissing else {
                    let names = found.fields.map(\.name)
                    throw SluiceError(
                        .invalidConfiguration, "there is no column \"\(field.name)\", whose type is declared",
                        place: .init(file: file),
                        hint: nearestWord(to: field.name, among: names).map { "Did you mean \"\($0)\"?" }
                            ?? "Columns are: \(names.prefix(20).joined(separator: ", "))")
                }
                places.append(typed.fields.count)
                typed.fields.append(Field(field.name, field.type))
                raw.fields.append(Field(field.name, rawType))
                continue
            }
            places.append(place)
            typed.fields[place].type = field.type
            // Nested values have no text that could be cast one by one.
            raw.fields[place].type = field.type.isNested ? field.type : rawType
        }
        self.places = places
        self.typed = typed
        self.raw = raw
    }

    /// Casts the declared columns of `batch`; a row with a value that does not fit is left out and told to `reject` with
    /// its place in the batch.
    func apply(
        to batch: RecordBatch, reject: (_ row: Int, _ column: String, _ reason: String, _ raw: String) -> Void
    ) throws(SluiceError) -> RecordBatch {
        var schema = batch.schema
        var columns = batch.columns
        var misfits: [Int: (column: String, reason: String)] = [:]
        for (field, place) in zip(fields, places) where place < columns.count {
            let source = columns[place]
            if source.type != field.type {
                columns[place] = try source.cast(to: field.type, mode: .nullOnFailure)
                schema.fields[place].type = field.type
            }
            let cast = columns[place]
            if cast.nullCount > source.nullCount {
                for row in 0..<cast.count where cast.isNull(at: row) && !source.isNull(at: row) {
                    if source.type == .json, source.text(at: row) == "null" { continue }
                    if misfits[row] == nil {
                        misfits[row] = (
                            field.name, "\(DeclaredTypes.shown(source, row)) is not a value of type \(field.type)"
                        )
                    }
                }
            }
            if !field.isNullable, cast.nullCount > 0 {
                for row in 0..<cast.count where cast.isNull(at: row) && misfits[row] == nil {
                    misfits[row] = (field.name, "a value is missing in a column that is declared not null")
                }
            }
        }
        let result = RecordBatch(schema: schema, columns: columns, rowCount: batch.rowCount)
        if misfits.isEmpty { return result }
        let text = RowText(batch)
        for (row, misfit) in misfits.sorted(by: { $0.key < $1.key }) {
            reject(row, misfit.column, misfit.reason, text.text(row))
        }
        return try result.take((0..<Int32(batch.rowCount)).filter { misfits[Int($0)] == nil })
    }

    /// A value in quotes, cut to a length that can be read.
    private static func shown(_ column: Column, _ row: Int) -> String {
        let out = MutableBuffer()
        ColumnFormatter(column).append(row: row, to: out)
        let text = out.withUnsafeBytes { String(decoding: $0.prefix(100), as: UTF8.self) }
        return out.count > 100 ? "'\(text)…'" : "'\(text)'"
    }
}
