import Columns
import Support

/// The first rows of a file.
struct FileSample {
    let path: String
    let schema: Schema
    /// Whether the types hold for all of the data, and not only for what was read.
    let areTypesKnown: Bool
    var batches: [RecordBatch] = []

    /// No cell of a table needs more than this to be cut.
    private static let longestCell = 2000

    func lines(in context: Context, named isNamed: Bool) -> [String] {
        let columns = schema.fields.map { field in
            TableRenderer.Column(
                title: field.name, subtitle: areTypesKnown ? "\(field.type)" : "", isNumber: field.type.isNumber)
        }
        var rows: [[TableRenderer.Cell]] = []
        let scratch = MutableBuffer()
        for batch in batches {
            let formatters = batch.columns.map { ColumnFormatter($0) }
            for row in 0..<batch.rowCount {
                rows.append(
                    formatters.indices.map { index in
                        if formatters[index].isNull(at: row) { return .null }
                        scratch.removeAll()
                        formatters[index].append(row: row, to: scratch)
                        let text = scratch.withUnsafeBytes {
                            String(decoding: $0.prefix(FileSample.longestCell), as: UTF8.self)
                        }
                        // A text that reads "null" is one; a number never is.
                        return schema.fields[index].type.isText ? .text(text) : .plain(text)
                    })
            }
        }
        let renderer = TableRenderer(columns, in: context)
        let (lines, hidden) = renderer.render(rows)
        return (isNamed ? [Display.safe(path)] : []) + lines + TableRenderer.note(hidden, in: context)
    }

    var json: JSONText {
        ["file": .string(path), "schema": .schema(schema), "rows": rowsDocument]
    }

    /// The rows alone, an object each.
    var rowsDocument: JSONText {
        let scratch = MutableBuffer()
        let rows: [JSONText] = batches.flatMap { batch in
            let formatters = batch.columns.map { ColumnFormatter($0, style: .json) }
            return (0..<batch.rowCount).map { row -> JSONText in
                .object(
                    zip(batch.schema.fields, formatters).map { field, formatter in
                        scratch.removeAll()
                        formatter.append(row: row, to: scratch)
                        return (field.name, .raw(scratch.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }))
                    })
            }
        }
        return .array(rows)
    }
}

extension DataType {
    /// Whether values stand to the right.
    fileprivate var isNumber: Bool {
        switch self {
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .decimal:
            true
        default: false
        }
    }

    fileprivate var isText: Bool { self == .utf8 || self == .json }
}
