import Columns
import Support
import Warehouse

/// The column that says when a row came into the lake.
enum IngestedAt {
    /// What it is called, and what its values are: a moment, not a text of one.
    static let field = Field(Lineage.ingestedAt, .timestamp(.microsecond, zone: "UTC"), nullable: false)

    /// Names that columns of a source cannot keep.
    static let reserved = Set([field.name] + Lineage.columns)

    /// The column for `rows` rows.
    static func column(at moment: Moment, rows: Int) -> Column {
        Column(
            type: field.type, count: rows, nullCount: 0,
            values: Buffer(values: [Int64](repeating: moment.microseconds, count: rows)))
    }
}
