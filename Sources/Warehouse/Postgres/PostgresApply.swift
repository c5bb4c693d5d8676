import Columns
import Postgres
import Support

/// What is done with a load's rows once all of them are in the database.
struct PostgresApply {
    private let connection: PostgresConnection
    private let load: Load
    private let table: PostgresCatalogue.Table
    private let road: PostgresLoad.Road
    private let copied: Int
    private let copiedInto: String
    /// Columns of the table that have to become texts of any length, as SQL.
    private let widened: [String]
    private let dialect = PostgresDialect()
    /// The columns that are written, as SQL, lineage at the end.
    private let columns: [String]
    /// What each is written from: a column of the stage, cast where the server has to read it from text.
    private let values: [String]

    init(_ load: PostgresLoad) throws(SluiceError) {
        connection = load.connection
        self.load = load.load
        table = load.table
        road = load.road
        copied = load.copy.rows
        copiedInto = load.copy.target.table
        widened = load.copy.lengths.widened
        var columns: [String] = []
        var values: [String] = []
        let plan = load.load.plan
        for (target, type) in zip(plan.targets, load.copy.target.types) {
            let name = try PostgresDialect().quote(target.name)
            let info = load.table.columns?.first { $0.column.name == target.name }
            let isCast = road == .stage && type.oid == PostgresType.OID.text && info?.wire.oid != PostgresType.OID.text
            columns.append(name)
            // An explicit cast to a type with a length would cut; these have none, or say what they cannot take.
            values.append(isCast ? "s.\(name)::\(info?.declared ?? target.sqlType)" : "s.\(name)")
        }
        for name in Lineage.columns {
            let quoted = try PostgresDialect().quote(name)
            let info = load.table.columns?.first { $0.column.name == name }
            columns.append(quoted)
            // An existing column of ours may be a uuid, or text where we have a moment.
            let needsCast = info.map { $0.column.type != (name == Lineage.loadedAt ? Lineage.fields[1].type : .utf8) }
            values.append(needsCast == true ? "s.\(quoted)::\(info?.declared ?? "text")" : "s.\(quoted)")
        }
        self.columns = columns
        self.values = values
    }

    private var plan: TablePlan { load.plan }

    /// Brings the rows into the table, and says what became of them.
    func run() async throws(SluiceError) -> LoadResult {
        switch road {
        case .direct:
            try await clear()
            try await indexKey()
            return LoadResult(inserted: copied)
        case .beside:
            let swap = try PostgresSwap(connection, table: table)
            if try await swap.swap() { return LoadResult(inserted: copied) }
            // Somebody has hung something on the table meanwhile.
            try await PostgresShaper.change(table.sql, plan.changes, on: connection)
            try await widen()
            try await connection.execute("DELETE FROM \(table.sql)")
            try await insert(from: "\(copiedInto) AS s")
            try await connection.execute("DROP TABLE \(copiedInto)")
            return LoadResult(inserted: copied)
        case .stage: return try await applyStage()
        }
    }

    private func applyStage() async throws(SluiceError) -> LoadResult {
        let stage = PostgresShaper.stage
        try await connection.execute("ANALYZE \(stage)")
        if table.oid == nil {
            let shaper = PostgresShaper(connection, load: load, table: table)
            try await shaper.createTable()
            let fields = try Lineage.fields.map { (field) throws(SluiceError) in
                TableChange.add(column: field.name, type: dialect.sqlType(for: field.type))
            }
            try await PostgresShaper.change(table.sql, fields, on: connection)
        } else {
            try await PostgresShaper.change(table.sql, plan.changes, on: connection)
            try await widen()
        }
        FaultPoint.loadShaped.reach()
        // More than the server gives to everybody, for a join that would otherwise go by way of the disk.
        try await connection.query(
            """
            SELECT set_config('work_mem', '64MB', true)
            FROM pg_settings WHERE name = 'work_mem' AND setting::bigint < 65536
            """)
        let source = "\(stage) AS s"
        if PostgresShaper.replaces(load) {
            try await connection.execute("DELETE FROM \(table.sql)")
            return LoadResult(inserted: try await insert(from: source))
        }
        switch load.mode {
        case .append, .replace:
            try await clear()
            return LoadResult(inserted: try await insert(from: source))
        case .appendNew(let names):
            try await clear()
            return try await appendNew(by: names)
        case .merge(let key, let order, let deletion):
            try await clear()
            let result = try await merge(key: key, order: order, deletion: deletion)
            try await indexKey()
            return result
        }
    }

    // MARK: Steps

    private func widen() async throws(SluiceError) {
        if widened.isEmpty { return }
        let actions = widened.map { "ALTER COLUMN \($0) TYPE text" }
        try await connection.execute("ALTER TABLE \(table.sql) \(actions.joined(separator: ", "))")
    }

    /// Deletes what this load takes the place of.
    private func clear() async throws(SluiceError) {
        guard table.oid != nil else { return }
        if load.clearsFirst { return try await connection.execute("DELETE FROM \(table.sql)") }
        // A table without the column has no rows of ours.
        guard !load.superseded.isEmpty, table.columns?.contains(where: { $0.column.name == Lineage.sourceFile }) == true
        else { return }
        try await connection.query(
            """
            DELETE FROM \(table.sql)
            WHERE \(try dialect.quote(Lineage.sourceFile)) IN (SELECT json_array_elements_text($1::json))
            """, [JSONText.array(load.superseded.map { .string($0) }).text()])
    }

    /// Lets the key of a new table tell its rows apart for everybody.
    private func indexKey() async throws(SluiceError) {
        guard table.oid == nil, case .merge(let key, _, _) = load.mode else { return }
        let names = try key.map { (name) throws(SluiceError) in try column(name) }
        do throws(SluiceError) {
            try await connection.execute("CREATE UNIQUE INDEX ON \(table.sql) (\(names.joined(separator: ", ")))")
        } catch {
            guard error.message.hasSuffix("[23505]") else { throw error }
            throw SluiceError(
                .invalidData, "two rows have the same key, which their source promised not to happen: \(error.message)",
                place: error.place, hint: "Name a key that tells the rows apart")
        }
    }

    /// Inserts rows of the stage that `condition` holds for, and says how many.
    @discardableResult
    private func insert(from source: String, where condition: String? = nil) async throws(SluiceError) -> Int {
        try await connection.query(
            """
            INSERT INTO \(table.sql) (\(columns.joined(separator: ", ")))
            SELECT \(values.joined(separator: ", ")) FROM \(source)\(condition.map { " WHERE \($0)" } ?? "")
            """
        ).changed
    }

    /// A column that the load names, as SQL.
    private func column(_ name: String) throws(SluiceError) -> String { try dialect.quote(target(name).name) }

    private func target(_ name: String) throws(SluiceError) -> TablePlan.Target {
        if let found = plan.targets.first(where: { $0.name == name }) { return found }
        throw SluiceError(
            .invalidConfiguration, "the load has no column \"\(name)\"", place: .init(column: name),
            hint: nearestWord(to: name, among: plan.targets.map(\.name)).map { "The nearest is \"\($0)\"" })
    }

    /// What a column of the stage is written as.
    private func value(_ name: String) throws(SluiceError) -> String {
        let target = try target(name)
        if let place = plan.targets.firstIndex(of: target) { return values[place] }
        return "s.\(try dialect.quote(target.name))"
    }

    // MARK: Rows that are there already are left out

    private func appendNew(by names: [String]) async throws(SluiceError) -> LoadResult {
        let pairs = try names.map { (name) throws(SluiceError) in
            (table: "t.\(try column(name))", stage: try value(name))
        }
        // Equality finds the server's fast joins and its indexes, and knows nothing of nulls. So rows without any go by
        // equality, and the others, few as a rule, by arrays of one item each, for which null equals null.
        let whole = pairs.map { "\($0.stage) IS NOT NULL" }.joined(separator: " AND ")
        let equal = pairs.map { "\($0.table) = \($0.stage)" }.joined(separator: " AND ")
        let alike = pairs.map { "ARRAY[\($0.table)] = ARRAY[\($0.stage)]" }.joined(separator: " AND ")
        let stage = "\(PostgresShaper.stage) AS s"
        var inserted = 0
        // The rows with nulls first: the others would be among what they are held against.
        let hasNulls = try await connection.query("SELECT EXISTS (SELECT FROM \(stage) WHERE NOT (\(whole)))").single
        if hasNulls == "t" {
            inserted += try await insert(
                from: stage, where: "NOT (\(whole)) AND NOT EXISTS (SELECT FROM \(table.sql) AS t WHERE \(alike))")
        }
        inserted += try await insert(
            from: stage, where: "\(whole) AND NOT EXISTS (SELECT FROM \(table.sql) AS t WHERE \(equal))")
        return LoadResult(inserted: inserted, skipped: copied - inserted)
    }

    // MARK: Rows that are there already are updated

    private func merge(key: [String], order: String?, deletion: DeletionMarker?) async throws(SluiceError) -> LoadResult
    {
        let stage = PostgresShaper.stage
        let pairs = try key.map { (name) throws(SluiceError) in (table: "t.\(try column(name))", stage: try value(name))
        }
        let same = pairs.map { "\($0.table) = \($0.stage)" }.joined(separator: " AND ")
        var result = LoadResult()
        if !load.keysAreUnique { result.skipped = try await keepLast(key, order) }
        if table.oid != nil {
            // Readers go on; somebody else who writes might add a key between our two looks at the table.
            try await connection.execute("LOCK TABLE \(table.sql) IN SHARE ROW EXCLUSIVE MODE")
        }
        if let deletion {
            let (marked, bound) = try condition(deletion)
            if table.oid != nil {
                result.deleted = try await connection.query(
                    "DELETE FROM \(table.sql) AS t USING \(stage) AS s WHERE \(same) AND \(marked)", bound
                ).changed
            }
            let taken = try await connection.query("DELETE FROM \(stage) AS s WHERE \(marked)", bound).changed
            result.skipped += max(0, taken - result.deleted)
        }
        if table.oid != nil {
            let keys = Set(try key.map { (name) throws(SluiceError) in try column(name) })
            let settings = zip(columns, values).filter { !keys.contains($0.0) }.map { "\($0) = \($1)" }
            result.updated = try await connection.query(
                "UPDATE \(table.sql) AS t SET \(settings.joined(separator: ", ")) FROM \(stage) AS s WHERE \(same)"
            ).changed
            result.inserted = try await insert(
                from: "\(stage) AS s", where: "NOT EXISTS (SELECT FROM \(table.sql) AS t WHERE \(same))")
        } else {
            result.inserted = try await insert(from: "\(stage) AS s")
        }
        return result
    }

    /// Deletes all rows of a key but the last from the stage, and says how many.
    private func keepLast(_ key: [String], _ order: String?) async throws(SluiceError) -> Int {
        let arrival = try dialect.quote(PostgresShaper.arrival(plan))
        let keys = try key.map { (name) throws(SluiceError) in try value(name) }.joined(separator: ", ")
        let last = try order.map { (name) throws(SluiceError) in try value(name) + " DESC NULLS LAST, " } ?? ""
        return try await connection.query(
            """
            DELETE FROM \(PostgresShaper.stage) AS d USING (
                SELECT s.\(arrival) AS a, row_number() OVER (PARTITION BY \(keys) ORDER BY \(last)s.\(arrival) DESC) AS n
                FROM \(PostgresShaper.stage) AS s) AS r
            WHERE r.a = d.\(arrival) AND r.n > 1
            """
        ).changed
    }

    /// What tells a row that says "deleted", and the values bound in it.
    private func condition(_ marker: DeletionMarker) throws(SluiceError) -> (sql: String, bound: [String?]) {
        let target = try target(marker.column)
        let column = "s.\(try dialect.quote(target.name))"
        if let value = marker.value { return ("\(column)::text = $1", [value]) }
        switch target.type {
        case .bool: return ("\(column) IS TRUE", [])
        case let type where type.isNumeric: return ("(\(column) <> 0) IS TRUE", [])
        default: return ("\(column) IS NOT NULL", [])
        }
    }
}
