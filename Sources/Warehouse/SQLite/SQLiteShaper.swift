import Columns
import SQLite
import Support

/// Makes the tables that a load needs, and brings those that are there into the planned shape, inside its transaction.
struct SQLiteShaper: Sendable {
    private let database: SQLiteDatabase
    private let dialect = SQLiteDialect()
    let load: Load
    let table: SQLiteCatalogue.Table

    init(_ database: SQLiteDatabase, load: Load, table: SQLiteCatalogue.Table) {
        self.database = database
        self.load = load
        self.table = table
    }

    private var plan: TablePlan { load.plan }

    // MARK: The table

    /// Brings the table into the planned shape.
    func shape() async throws(SluiceError) {
        if table.columns == nil { return try await create() }
        for change in plan.changes {
            switch change {
            case .create, .allowNull: break
            case .add(let column, let type):
                try await database.execute(
                    "ALTER TABLE \(table.sql) ADD COLUMN \(try dialect.quote(column)) \(strict(type))")
            case .widen(let column, _, let type): try await widen(column, to: type)
            }
        }
    }

    private func create() async throws(SluiceError) {
        var columns = try plan.targets.map { (target) throws(SluiceError) in
            "\(try dialect.quote(target.name)) \(target.sqlType)\(target.isNullable ? "" : " NOT NULL")"
        }
        columns += try Lineage.fields.map { (field) throws(SluiceError) in
            "\(try dialect.quote(field.name)) \(dialect.sqlType(for: field.type))"
        }
        try await database.execute("CREATE TABLE \(table.sql) (\(columns.joined(separator: ", ")))")
        guard case .merge(let key, _, _) = load.mode else { return }
        let names = try key.map { (name) throws(SluiceError) in try dialect.quote(target(name).name) }
        try await database.execute(
            "CREATE UNIQUE INDEX main.\(try await indexName()) ON \(try dialect.quote(table.name)) (\(names.joined(separator: ", ")))"
        )
    }

    /// A name for the index of the key that nothing else has.
    private func indexName() async throws(SluiceError) -> String {
        var number = 0
        while true {
            let name = table.name + "_key" + (number == 0 ? "" : "\(number)")
            let taken = try await database.query(
                "SELECT 1 FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE", [.text(name)]
            ).rows
            if taken.isEmpty { return try dialect.quote(name) }
            number += 1
        }
    }

    /// What a strict table, which knows five types only, has in place of one of ours.
    private func strict(_ type: String) -> String {
        guard table.isStrict, !["INTEGER", "REAL", "TEXT", "BLOB"].contains(type) else { return type }
        if type == "BOOLEAN" { return "INTEGER" }
        return type.hasPrefix("DECIMAL(") ? "ANY" : "TEXT"
    }

    // MARK: A wider type

    /// Gives a column another declared type: SQLite has no statement for it, so a new column takes its place, and its
    /// values as the new type has them. What hangs on the column makes the statement fail and the load with it.
    private func widen(_ column: String, to sqlType: String) async throws(SluiceError) {
        guard let rowID = table.rowID, let type = SQLiteType.columnType(declared: sqlType) else {
            throw SluiceError(.unsupported, "column \"\(column)\" cannot get the type \(sqlType)")
        }
        var name = "_sluice_wider"
        while table.columns?.contains(where: { $0.name.lowercased() == name }) == true { name += "_" }
        let (old, new) = (try dialect.quote(column), try dialect.quote(name))
        try await database.execute("ALTER TABLE \(table.sql) ADD COLUMN \(new) \(sqlType)")
        let update = try await database.inserter(
            "UPDATE \(table.sql) SET \(new) = ? WHERE \(rowID) = ?", types: [type, .int64])
        defer { update.finish() }
        var last = Int64.min
        var isFirst = true
        while let batch = try await values(of: old, as: type, rowID, behind: last, inclusive: isFirst) {
            try await update.insert(batch)
            last = batch.columns[1].fixed(at: batch.rowCount - 1)
            isFirst = false
        }
        do throws(SluiceError) {
            try await database.execute(
                """
                ALTER TABLE \(table.sql) DROP COLUMN \(old);
                ALTER TABLE \(table.sql) RENAME COLUMN \(new) TO \(old)
                """)
        } catch {
            throw SluiceError(
                error.code,
                "column \"\(column)\" cannot get the type \(sqlType), because something hangs on it: \(error.message)",
                place: error.place,
                hint: "Drop what names the column, such as a view or a check, or change its type yourself")
        }
    }

    /// The values of some rows as `type`, and the numbers of the rows.
    private func values(
        of column: String, as type: DataType, _ rowID: String, behind last: Int64, inclusive: Bool
    ) async throws(SluiceError) -> RecordBatch? {
        let reader = try await database.reader(
            """
            SELECT \(column) AS value, \(rowID) AS number FROM \(table.sql)
            WHERE \(rowID) \(inclusive ? ">=" : ">") ? ORDER BY \(rowID) LIMIT 16384
            """, [.integer(last)], types: Schema([Field("value", type), Field("number", .int64)]), batchRows: 16_384)
        do {
            return try await reader.next()
        } catch let error as SluiceError {
            throw error
        } catch {
            throw SluiceError(.inputOutput, "\(error)", place: .init(file: database.name))
        }
    }

    // MARK: The stage

    /// The temporary table that rows wait in.
    static let stage = "temp.sluice_stage"

    /// A name of the stage's that no column has.
    func free(_ wanted: String) -> String {
        var name = wanted
        while plan.targets.contains(where: { $0.name.lowercased() == name }) { name += "_" }
        return name
    }

    /// The column that says in which order rows came.
    var arrival: String { free("_sluice_arrival") }
    /// The column that says from which file they came.
    var file: String { free("_sluice_file") }

    func makeStage() async throws(SluiceError) {
        let columns = try plan.targets.map { (target) throws(SluiceError) in
            "\(try dialect.quote(target.name)) \(target.sqlType)"
        }
        try await database.execute(
            """
            DROP TABLE IF EXISTS \(Self.stage);
            CREATE TABLE \(Self.stage) (
                \((["\(arrival) INTEGER PRIMARY KEY", "\(file) TEXT"] + columns).joined(separator: ", ")))
            """)
    }

    /// A column that the load names.
    func target(_ name: String) throws(SluiceError) -> TablePlan.Target {
        if let found = plan.targets.first(where: { $0.name == name }) { return found }
        if let found = plan.targets.first(where: { $0.name.lowercased() == name.lowercased() }) { return found }
        throw SluiceError(
            .invalidConfiguration, "the load has no column \"\(name)\"", place: .init(column: name),
            hint: nearestWord(to: name, among: plan.targets.map(\.name)).map { "The nearest is \"\($0)\"" })
    }
}
