import Columns
import SQLite
import Support
import TestData
import Testing
import Warehouse

/// Merges come to what plain Swift makes of the same rows.
@Suite struct SQLiteMergeTests {
    static let fields = [
        Field("a", .int64), Field("b", .utf8), Field("at", .timestamp(.microsecond, zone: "UTC")),
        Field("gone", .bool), Field("v", .float64),
    ]

    /// A row of the table as the oracle keeps it.
    private typealias Row = [Value]

    private func key(_ row: Row) -> [Value] { Array(row[0..<2]) }

    /// The order of two moments, null before any.
    private func isEarlier(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): false
        case (.null, _): true
        case (.ticks(let left), .ticks(let right)): left < right
        default: false
        }
    }

    /// What a merge has to come to.
    private func merged(_ table: [Row], _ rows: [Row], ordered: Bool, deletes: Bool) -> (rows: [Row], LoadResult) {
        var last: [[Value]: Row] = [:]
        var order: [[Value]] = []
        for row in rows {
            if let known = last[key(row)] {
                if !ordered || !isEarlier(row[2], known[2]) { last[key(row)] = row }
            } else {
                last[key(row)] = row
                order.append(key(row))
            }
        }
        var result = LoadResult(skipped: rows.count - last.count)
        var table = table
        var keys = Set(table.map(key))
        for row in last.values where deletes && row[3] == .bool(true) {
            let before = table.count
            table.removeAll { key($0) == key(row) }
            result.deleted += before - table.count
            if before == table.count { result.skipped += 1 }
        }
        keys = Set(table.map(key))
        for key in order {
            guard let row = last[key], !(deletes && row[3] == .bool(true)) else { continue }
            if keys.contains(key) {
                for index in table.indices where self.key(table[index]) == key {
                    table[index] = row
                    result.updated += 1
                }
            } else {
                table.append(row)
                result.inserted += 1
            }
        }
        return (table, result)
    }

    private func sorted(_ rows: [Row]) -> [String] { rows.map { "\($0)" }.sorted() }

    @Test(arguments: 0..<40) func mergingEqualsAnOracle(seed: Int) async throws {
        var random = Randomness(UInt64(seed))
        let place = try await SQLitePlace()
        let ordered = random.chance(0.5)
        let deletes = random.chance(0.5)
        // A table that Sluice makes, one with an index, one without, and one without row numbers.
        let kind = seed % 4
        let columns = "a INTEGER, b TEXT, at TIMESTAMPTZ, gone BOOLEAN, v REAL"
        switch kind {
        case 1: try await place.admin.execute("CREATE TABLE t (\(columns)); CREATE INDEX i ON t (b)")
        case 2: try await place.admin.execute("CREATE TABLE t (\(columns))")
        case 3:
            try await place.admin.execute(
                "CREATE TABLE t (\(columns), PRIMARY KEY (a, b)) WITHOUT ROWID")
        default: break
        }
        let hasNullKeys = kind == 1 || kind == 2
        let session = try await place.session()
        var table: [Row] = []
        for round in 0..<4 {
            let rows: [Row] = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                [
                    hasNullKeys && random.chance(0.1) ? .null : .int(Int128(Int.random(in: 0..<6, using: &random))),
                    hasNullKeys && random.chance(0.1)
                        ? .null : .text(["x", "X", "é", ""].randomElement(using: &random) ?? ""),
                    random.chance(0.2) ? .null : .ticks(Int128(Int.random(in: -3..<3, using: &random)) * 500_000),
                    random.chance(0.3) ? .null : .bool(random.chance(0.4)),
                    .float(Double(Int.random(in: 0..<1000, using: &random))),
                ]
            }
            let cut = rows.isEmpty ? 0 : Int.random(in: 0...rows.count, using: &random)
            let result = try await load(
                [("f1", Array(rows[..<cut])), ("f2", Array(rows[cut...]))], Self.fields, into: TableName("t"),
                .merge(
                    key: ["a", "b"], order: ordered ? "at" : nil,
                    deletion: deletes ? DeletionMarker(column: "gone") : nil),
                run: "run\(round)", on: session)
            let (expected, counts) = merged(table, rows, ordered: ordered, deletes: deletes)
            table = expected
            #expect(result == counts)
            let found = try await session.query("SELECT a, b, at, gone, v FROM t", limit: 10_000)
            let typed = try found.conform(to: Schema(Self.fields))
            let foundRows = (0..<typed.rowCount).map { row in typed.columns.map { $0.value(at: row) } }
            #expect(sorted(foundRows) == sorted(table))
            #expect(
                try await place.single("SELECT rows_loaded FROM etl_audit_log WHERE run_id = 'run\(round)'")
                    == "\(counts.inserted + counts.updated + counts.deleted)")
        }
        #expect(try await place.single("PRAGMA integrity_check") == "ok")
    }

    @Test(arguments: [
        (DataType.utf8, Value.text("D"), Value.text("d"), "D"), (.int32, .int(9), .int(1), "9"),
        (.decimal(precision: 20, scale: 1), .ticks(15), .ticks(10), "1.5"), (.bool, .bool(false), .bool(true), "false"),
        (.date, .ticks(0), .ticks(1), "1970-01-01"), (.float64, .float(0.5), .float(1), "0.5"),
    ])
    func aMarkerMayBeAnyValue(_ type: DataType, _ marked: Value, _ other: Value, _ value: String) async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let fields = [Field("id", .int64), Field("op", type)]
        let mode = LoadMode.merge(key: ["id"], order: nil, deletion: DeletionMarker(column: "op", value: value))
        try await load(
            [("a", [[.int(1), other], [.int(2), other]])], fields, into: TableName("t"), mode, on: session)
        let result = try await load(
            [("b", [[.int(1), marked], [.int(2), other], [.int(3), marked], [.int(4), .null]])], fields,
            into: TableName("t"), mode, on: session)
        #expect(result == LoadResult(inserted: 1, updated: 1, deleted: 1, skipped: 1))
        #expect(try await place.rows("SELECT id FROM t ORDER BY id") == [["2"], ["4"]])
    }

    @Test func rowsAreOrderedByLongNumbersAsNumbers() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let fields = [Field("id", .int64), Field("n", .decimal(precision: 38, scale: 2)), Field("u", .uint64)]
        let numbers: [Int128] = [900, 1000, -1000, -900, 0, 12_345_678_901_234_567_890_123, -5, 99_999]
        for order in ["n", "u"] {
            let rows: [[Value]] =
                numbers.map { [.int(1), .ticks($0), .int(Int128($0.magnitude % (1 << 64)))] } + [
                    [.int(1), .null, .null]
                ]
            try await load(
                [("a", rows)], fields, into: TableName("t_" + order), .merge(key: ["id"], order: order, deletion: nil),
                on: session)
        }
        #expect(try await place.single("SELECT n FROM t_n") == "123456789012345678901.23")
        let largest = numbers.map { $0.magnitude % (1 << 64) }.max() ?? 0
        #expect(try await place.single("SELECT u FROM t_u") == "\(largest)")
    }

    @Test func twoRowsOfAKeyThatWasPromisedToBeUniqueAreAnError() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let fields = [Field("id", .int64)]
        let error = await #expect(throws: SluiceError.self) {
            try await load(
                [("a", [[.int(1)], [.int(1)]])], fields, into: TableName("t"),
                .merge(key: ["id"], order: nil, deletion: nil), unique: true, on: session)
        }
        #expect(error?.message.contains("UNIQUE") == true)
        #expect(try await place.single("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0")
    }
}
