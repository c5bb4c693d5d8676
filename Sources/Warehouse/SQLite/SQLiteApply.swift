import Columns
import SQLite
import Support

/// Brings the rows of a load's stage into its table.
struct SQLiteApply {
    private let database: SQLiteDatabase
    private let load: Load
    private let shaper: SQLiteShaper
    private let staged: Int
    private let table: String
    private let dialect = SQLiteDialect()
    /// The columns that are written, as SQL, lineage at the end, and what each is written from.
    private let columns: [String]
    private let values: [String]
    /// What is bound in `values`.
    private let constants: [SQLiteValue]

    init(_ database: SQLiteDatabase, load: Load, shaper: SQLiteShaper, staged: Int) throws(SluiceError) {
        self.database = database
        self.load = load
        self.shaper = shaper
        self.staged = staged
        table = shaper.table.sql
        let names = try load.plan.targets.map { (target) throws(SluiceError) in try SQLiteDialect().quote(target.name) }
        columns =
            try names + Lineage.columns.map { (name) throws(SluiceError) in try SQLiteDialect().quote(name) }
        values = names.map { "s.\($0)" } + ["s.\(shaper.file)", "?", "?"]
        constants = [.text(Moment(microseconds: load.loadedAt).iso), .text(load.run)]
    }

    func run() async throws(SluiceError) -> LoadResult {
        let result: LoadResult
        switch load.mode {
        case .append, .replace: result = LoadResult(inserted: try await insert())
        case .appendNew(let names):
            try await findMatches(names)
            let inserted = try await insert(where: isNew)
            result = LoadResult(inserted: inserted, skipped: staged - inserted)
        case .merge(let key, let order, let deletion): result = try await merge(key, order, deletion)
        }
        try await database.execute(
            "DROP TABLE \(SQLiteShaper.stage); DROP TABLE IF EXISTS \(Self.matches); DROP TABLE IF EXISTS \(Self.marker)"
        )
        return result
    }

    /// Inserts rows of the stage in the order in which they came, and says how many.
    private func insert(where condition: String = "true") async throws(SluiceError) -> Int {
        try await database.query(
            """
            INSERT INTO \(table) (\(columns.joined(separator: ", ")))
            SELECT \(values.joined(separator: ", ")) FROM \(SQLiteShaper.stage) AS s
            WHERE \(condition) ORDER BY s.\(shaper.arrival)
            """, constants
        ).changed
    }

    // MARK: The same key

    /// Which row of the stage has the key of which row of the table.
    private static let matches = "temp.sluice_match"
    /// The value that marks deleted rows.
    private static let marker = "temp.sluice_marker"

    /// The condition that a row of the stage has no counterpart.
    private var isNew: String { "s.\(shaper.arrival) NOT IN (SELECT arrival FROM \(Self.matches))" }

    /// The condition that a row `t` of the table and a row `s` of the stage have the same key, null being the same as null.
    private func same(_ names: [String]) throws(SluiceError) -> String {
        try names.map { (name) throws(SluiceError) in
            let column = try dialect.quote(shaper.target(name).name)
            return "t.\(column) IS s.\(column)"
        }.joined(separator: " AND ")
    }

    /// Finds the rows of the stage that have a counterpart in the table, going through one of them once: through the
    /// stage where the table has an index that helps, or else through the table, with an index on the stage.
    private func findMatches(_ names: [String]) async throws(SluiceError) {
        let row = shaper.table.rowID.map { "t.\($0)" } ?? "NULL"
        let select = "SELECT \(row) AS row, s.\(shaper.arrival) AS arrival"
        let stage = "\(SQLiteShaper.stage) AS s"
        let wanted = Set(try names.map { (name) throws(SluiceError) in try shaper.target(name).name.lowercased() })
        // One that begins with a column of the key finds few rows; the rest is compared.
        let isIndexed = shaper.table.indexed.contains { $0.first.map { wanted.contains($0.lowercased()) } ?? false }
        if !isIndexed {
            let columns = try names.map { (name) throws(SluiceError) in try dialect.quote(shaper.target(name).name) }
            try await database.execute(
                "CREATE INDEX temp.sluice_stage_key ON sluice_stage (\(columns.joined(separator: ", ")))")
        }
        let join = isIndexed ? "\(stage) CROSS JOIN \(table) AS t" : "\(table) AS t CROSS JOIN \(stage)"
        try await database.execute(
            """
            DROP TABLE IF EXISTS \(Self.matches);
            CREATE TABLE \(Self.matches) AS \(select) FROM \(join) ON \(try same(names))
            """)
    }

    // MARK: Merging

    private func merge(
        _ key: [String], _ order: String?, _ deletion: DeletionMarker?
    ) async throws(SluiceError) -> LoadResult {
        var result = LoadResult()
        if !load.keysAreUnique { result.skipped = try await keepLast(key, order) }
        let isEmpty = shaper.table.columns == nil
        if !isEmpty { try await findMatches(key) }
        if let deletion {
            let marked = try await condition(deletion)
            if !isEmpty { result.deleted = try await delete(marked, try same(key)) }
            let taken = try await database.query("DELETE FROM \(SQLiteShaper.stage) AS s WHERE \(marked)").changed
            result.skipped += max(0, taken - result.deleted)
        }
        if isEmpty {
            result.inserted = try await insert()
        } else {
            result.updated = try await update(key)
            result.inserted = try await insert(where: isNew)
        }
        return result
    }

    private func delete(_ marked: String, _ same: String) async throws(SluiceError) -> Int {
        let which =
            if let rowID = shaper.table.rowID {
                """
                \(rowID) IN (SELECT m.row FROM \(Self.matches) AS m
                JOIN \(SQLiteShaper.stage) AS s ON s.\(shaper.arrival) = m.arrival WHERE \(marked))
                """
            } else {
                "EXISTS (SELECT 1 FROM \(SQLiteShaper.stage) AS s WHERE \(marked) AND \(same))"
            }
        return try await database.query("DELETE FROM \(table) AS t WHERE \(which)").changed
    }

    private func update(_ key: [String]) async throws(SluiceError) -> Int {
        let keys = Set(try key.map { (name) throws(SluiceError) in try dialect.quote(shaper.target(name).name) })
        let settings = zip(columns, values).filter { !keys.contains($0.0) }.map { "\($0) = \($1)" }
        var source = "\(SQLiteShaper.stage) AS s WHERE \(try same(key))"
        if let rowID = shaper.table.rowID {
            source = """
                \(Self.matches) AS m JOIN \(SQLiteShaper.stage) AS s ON s.\(shaper.arrival) = m.arrival
                WHERE t.\(rowID) = m.row
                """
        }
        return try await database.query(
            "UPDATE \(table) AS t SET \(settings.joined(separator: ", ")) FROM \(source)", constants
        ).changed
    }

    /// Deletes all rows of a key but the last from the stage, and says how many.
    private func keepLast(_ key: [String], _ order: String?) async throws(SluiceError) -> Int {
        let keys = try key.map { (name) throws(SluiceError) in try dialect.quote(shaper.target(name).name) }
        let last = try order.map { (name) throws(SluiceError) in try descending(shaper.target(name)) + ", " } ?? ""
        let arrival = shaper.arrival
        return try await database.query(
            """
            DELETE FROM \(SQLiteShaper.stage) WHERE \(arrival) IN (
                SELECT a FROM (
                    SELECT s.\(arrival) AS a, row_number() OVER (
                        PARTITION BY \(keys.joined(separator: ", ")) ORDER BY \(last)s.\(arrival) DESC) AS n
                    FROM \(SQLiteShaper.stage) AS s)
                WHERE n > 1)
            """
        ).changed
    }

    /// What sorts rows by a column, the largest first and nulls, the smallest of all to SQLite, last.
    private func descending(_ target: TablePlan.Target) throws(SluiceError) -> String {
        let column = "s.\(try dialect.quote(target.name))"
        guard case .decimal = target.type, target.sqlType.hasPrefix("DECIMAL_TEXT") else { return "\(column) DESC" }
        // Text with the same number of places: by sign, by length, then digit by digit.
        return """
            CASE WHEN \(column) LIKE '-%' THEN -length(\(column)) ELSE length(\(column)) END DESC,
            CASE WHEN \(column) NOT LIKE '-%' THEN \(column) END DESC, \(column)
            """
    }

    /// What tells a row of the stage that says "deleted".
    private func condition(_ marker: DeletionMarker) async throws(SluiceError) -> String {
        let target = try shaper.target(marker.column)
        let column = "s.\(try dialect.quote(target.name))"
        guard let value = marker.value else {
            switch target.type {
            case .decimal: return "CAST(\(column) AS REAL) <> 0"
            case .bool: return "\(column) <> 0"
            case let type where type.isNumeric: return "\(column) <> 0"
            default: return "\(column) IS NOT NULL"
            }
        }
        // Kept as the column keeps it, since text and what it says need not be the same to SQLite.
        try await database.execute(
            """
            DROP TABLE IF EXISTS \(Self.marker);
            CREATE TABLE \(Self.marker) (v \(target.sqlType))
            """)
        let text = BytesBuilder(.utf8)
        text.append(value)
        let wanted: Column
        do throws(SluiceError) { wanted = try text.finish().cast(to: target.type) } catch {
            throw SluiceError(
                .invalidConfiguration,
                "'\(value)', which marks deleted rows, is no value of column \"\(target.name)\" (\(target.type))",
                place: .init(column: target.name), hint: "Name a value of the column, or none")
        }
        let inserter = try await database.inserter("INSERT INTO \(Self.marker) VALUES (?)", types: [target.type])
        try await inserter.insert(RecordBatch(schema: Schema([Field("v", target.type)]), columns: [wanted]))
        inserter.finish()
        return "\(column) = (SELECT v FROM \(Self.marker))"
    }
}
