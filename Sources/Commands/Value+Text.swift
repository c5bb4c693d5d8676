import Columns
import Support

extension Value {
    /// This value of a column of type `type` as the column's formatter writes it; nil when it is not one.
    func written(as type: DataType, style: ColumnFormatter.Style) -> String? {
        let builder = makeBuilder(type)
        guard (try? builder.append(self)) != nil else { return nil }
        let text = MutableBuffer()
        ColumnFormatter(builder.finish(), style: style).append(row: 0, to: text)
        return text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
