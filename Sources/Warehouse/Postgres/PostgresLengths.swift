import Columns
import Postgres
import Support

/// Columns of limited length, `varchar(20)` and `char(4)`, and the texts that are too long for them.
///
/// Nothing is known of lengths when a load is planned. So a column is widened when the first text comes that does not
/// fit, and only then: a table's own limits stay as they are as long as the rows keep to them.
struct PostgresLengths: Sendable {
    /// A column of limited length.
    struct Limit: Sendable, Hashable {
        /// Its place among the columns that are written.
        var place: Int
        /// Its name.
        var name: String
        /// Its type in the database's words.
        var sqlType: String
        /// How many characters it takes.
        var characters: Int
        /// Whether it may become a text of any length.
        var isWidened: Bool
    }

    /// The columns that have a limit.
    private(set) var limits: [Limit] = []
    /// The columns that have been widened, as SQL.
    private(set) var widened: [String] = []

    init(_ plan: TablePlan, _ table: PostgresCatalogue.Table) {
        for (place, target) in plan.targets.enumerated() where target.type == .utf8 {
            guard let column = table.columns?.first(where: { $0.column.name == target.name })?.column,
                let characters = Self.characters(column.sqlType)
            else { continue }
            // A char is padded to its length, which a text is not, so that its values would no longer be the same.
            limits.append(
                Limit(
                    place: place, name: target.name, sqlType: column.sqlType, characters: characters,
                    isWidened: plan.request.contract == .evolve && column.isAlterable
                        && column.sqlType.hasPrefix("character varying")))
        }
    }

    private static func characters(_ sqlType: String) -> Int? {
        guard sqlType.hasPrefix("character"), let start = sqlType.firstIndex(of: "(") else { return nil }
        return Int(sqlType[start...].dropFirst().prefix { $0.isNumber })
    }

    /// The first column that a text of `batch` is too long for, with the text's row.
    func excess(in batch: RecordBatch) -> (limit: Limit, row: Int, length: Int)? {
        for limit in limits {
            let column = batch.columns[limit.place]
            guard column.nullCount < column.count else { continue }
            let found: (Int, Int)? = column.withBytes { offsets, bytes in
                for row in 0..<column.count {
                    let range = Int(offsets[row])..<Int(offsets[row &+ 1])
                    // Characters are never more than bytes.
                    if range.count <= limit.characters { continue }
                    var length = 0
                    for byte in bytes[range] where byte & 0xc0 != 0x80 { length &+= 1 }
                    if length > limit.characters, !column.isNull(at: row) { return (row, length) }
                }
                return nil
            }
            if let (row, length) = found { return (limit, row, length) }
        }
        return nil
    }

    /// Forgets the limit of a column that has become a text.
    mutating func widen(_ limit: Limit, sql: String) {
        limits.removeAll { $0.place == limit.place }
        widened.append(sql)
    }
}
