import Columns
import Support

/// Shows whole rows as JSON objects: what a rejected row is kept as.
struct RowText {
    private let names: [String]
    private let formatters: [ColumnFormatter]

    init(_ batch: RecordBatch) {
        names = batch.schema.fields.map(\.name)
        formatters = batch.columns.map { ColumnFormatter($0, style: .json) }
    }

    /// The row as `{"name":value,…}`.
    func text(_ row: Int) -> String {
        var text = "{"
        for (index, formatter) in formatters.enumerated() {
            if index > 0 { text += "," }
            JSONText.quote(names[index], to: &text)
            text += ":"
            if formatter.isNull(at: row) {
                text += "null"
                continue
            }
            let value = MutableBuffer()
            formatter.append(row: row, to: value)
            text += value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
        return text + "}"
    }
}
