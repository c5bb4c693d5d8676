import Columns
import Postgres
import Support
import TestServers
import Testing
import Warehouse

/// A schema of the test's own in the tests' PostgreSQL, with a warehouse whose usual schema it is.
struct PostgresPlace {
    let schema: String
    let settings: [String: String]
    let admin: PostgresConnection

    init(_ settings: [String: String]? = nil) async throws {
        var settings = try settings ?? #require(TestPostgres.shared).settings
        admin = try await PostgresConnection.open(settings)
        schema = "w" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try await admin.execute("CREATE SCHEMA \(schema); SET search_path = \(schema); SET TimeZone = 'UTC'")
        settings["options"] = "-c search_path=\(schema)"
        self.settings = settings
    }

    var warehouse: PostgresWarehouse { PostgresWarehouse(settings: settings) }

    /// A session whose own tables are there.
    func session(_ label: String = "sluice test") async throws -> any WarehouseSession {
        let session = try await warehouse.connect(as: label)
        try await session.prepare()
        return session
    }

    /// The rows that a query returns, as text, `∅` for null.
    func rows(_ sql: String) async throws -> [[String]] {
        try await admin.query(sql).rows.map { $0.map { $0 ?? "∅" } }
    }

    func single(_ sql: String) async throws -> String? { try await admin.query(sql).single }
}

/// A batch of rows of plain values.
func batch(_ fields: [Field], _ rows: [[Value]]) throws -> RecordBatch {
    let columns = try fields.indices.map { index in
        let builder = makeBuilder(fields[index].type)
        for row in rows { try builder.append(row[index]) }
        return builder.finish()
    }
    return RecordBatch(schema: Schema(fields), columns: columns, rowCount: rows.count)
}

/// What a load did in full: rows of each file, cast as the plan says, and the commit.
@discardableResult
func load(
    _ files: [(name: String, rows: [[Value]])], _ fields: [Field], into table: TableName, _ mode: LoadMode = .append,
    contract: ContractMode = .evolve, unique: Bool = false, run: String = "run-\(UInt64.random(in: 0...UInt64.max))",
    record: LoadRecord? = nil, on session: any WarehouseSession, adjust: (inout Load) -> Void = { _ in }
) async throws -> LoadResult {
    var key: [String] = []
    if case .merge(let names, _, _) = mode { key = names }
    let request = TableRequest(table: table, schema: Schema(fields), contract: contract, key: key)
    let plan = try await session.plan(request)
    var load = Load(
        run: run, job: "test.job", plan: plan, mode: mode, keysAreUnique: unique, loadedAt: 1_700_000_000_123_456)
    adjust(&load)
    let open = try await session.begin(load)
    do {
        for file in files {
            let rows = try batch(fields, file.rows)
            let columns = try plan.targets.map { target in
                let place = try #require(fields.firstIndex { $0.name == target.name })
                return try rows.columns[place].cast(to: target.type)
            }
            try await open.write(
                RecordBatch(schema: open.schema, columns: columns, rowCount: rows.rowCount), from: file.name)
        }
        return try await open.commit(
            record
                ?? LoadRecord(
                    staged: files.map {
                        StagedFile(
                            path: "lake/\(run)/\($0.name)", size: 1, hash: "h", rows: $0.rows.count, source: "src")
                    }, outcome: AuditOutcome(.success, files: files.count, finishedAt: 1_700_000_001_000_001)))
    } catch {
        await open.rollback()
        throw error
    }
}
