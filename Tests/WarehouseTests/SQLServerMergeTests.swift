import Columns
import ODBC
import Support
import Testing
import Warehouse

/// Merging into SQL Server, against an oracle that does the same with a dictionary.
@Suite(.serialized, .enabled(if: TestSQLServer.isThere, TestSQLServer.absence)) struct SQLServerMergeTests {
    private struct Row: Hashable {
        var key: String
        var part: Int
        var value: String?
        var at: Int?
        var gone: Bool?
    }

    private let fields = [
        Field("key", .utf8), Field("part", .int32), Field("value", .utf8), Field("at", .int64), Field("gone", .bool),
    ]

    private func values(_ row: Row) -> [Value] {
        [
            .text(row.key), .int(Int128(row.part)), row.value.map(Value.text) ?? .null,
            row.at.map { .int(Int128($0)) } ?? .null, row.gone.map(Value.bool) ?? .null,
        ]
    }

    private func shown(_ row: Row) -> [String] {
        [
            row.key, String(row.part), row.value ?? "∅", row.at.map(String.init) ?? "∅",
            row.gone.map { $0 ? "1" : "0" } ?? "∅",
        ]
    }

    /// The last row of each key: by `at` with nulls first, then by arrival.
    private func last(_ rows: [Row], ordered: Bool) -> [[String]: Row] {
        var last: [[String]: Row] = [:]
        for row in rows {
            let key = [row.key, String(row.part)]
            if ordered, let known = last[key], (known.at ?? .min) > (row.at ?? .min) { continue }
            last[key] = row
        }
        return last
    }

    @Test(arguments: 0..<12) func randomMergesDoWhatADictionaryDoes(_ seed: Int) async throws {
        try await SQLServerPlace.with(copies: seed % 4 != 3) { place in
            var random = Generator(seed: UInt64(seed) &* 77 &+ 5)
            let session = try await place.session()
            let (ordered, deletes) = (seed % 2 == 0, seed % 3 != 0)
            let mode = LoadMode.merge(
                key: ["key", "part"], order: ordered ? "at" : nil,
                deletion: deletes ? DeletionMarker(column: "gone") : nil)
            var table: [[String]: Row] = [:]
            for round in 0..<4 {
                let rows = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                    Row(
                        key: ["a", "A", "a ", "ä", "", "it's", "b]c"].randomElement(using: &random) ?? "",
                        part: .random(in: 0..<4, using: &random),
                        value: Bool.random(using: &random) ? nil : String(UInt32.random(in: 0...999, using: &random)),
                        at: Bool.random(using: &random) ? nil : .random(in: -3...3, using: &random),
                        gone: [nil, true, false, false].randomElement(using: &random) ?? nil)
                }
                let cut = rows.isEmpty ? 0 : Int.random(in: 0...rows.count, using: &random)
                let result = try await load(
                    [("one", rows[..<cut].map(values)), ("two", rows[cut...].map(values))], fields,
                    into: TableName("t"),
                    mode, on: session)
                var expected = LoadResult()
                let winners = last(rows, ordered: ordered)
                expected.skipped = rows.count - winners.count
                for (key, row) in winners {
                    if deletes, row.gone == true {
                        if table.removeValue(forKey: key) == nil {
                            expected.skipped += 1
                        } else {
                            expected.deleted += 1
                        }
                    } else if table.updateValue(row, forKey: key) == nil {
                        expected.inserted += 1
                    } else {
                        expected.updated += 1
                    }
                }
                #expect(result == expected, "round \(round)")
                let found = try await place.rows("SELECT [key], part, [value], at, gone FROM {}.t")
                #expect(
                    found.sorted { $0.lexicographicallyPrecedes($1) }
                        == table.values.map(shown).sorted { $0.lexicographicallyPrecedes($1) }, "round \(round)")
            }
            await session.close()
        }
    }

    @Test func aNewTableHasAUniqueKeyWhereOneCanBe() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            let fields = [Field("id", .int32), Field("v", .utf8)]
            let mode = LoadMode.merge(key: ["id"], order: nil, deletion: nil)
            let rows: [[Value]] = [[.int(1), .text("a")], [.int(2), .text("b")]]
            #expect(
                try await load([("f", rows)], fields, into: TableName("t"), mode, unique: true, on: session).inserted
                    == 2)
            let names = try await place.rows(
                "SELECT name FROM sys.indexes WHERE object_id = OBJECT_ID('{}.t') AND is_unique = 1")
            #expect(names.count == 1)
            #expect(names.first?.first?.hasPrefix("sluice_key") == true)
            #expect(
                try await load([("f", [rows[1], [.int(3), .null]])], fields, into: TableName("t"), mode, on: session)
                    == LoadResult(inserted: 1, updated: 1))
            let lie = await #expect(throws: SluiceError.self) {
                try await load(
                    [("f", [rows[0], rows[0]])], fields, into: TableName("new"), mode, unique: true, on: session)
            }
            #expect(lie?.message.contains("promised") == true)
            #expect(try await place.single("SELECT CONVERT(VARCHAR(20), OBJECT_ID('{}.new'))") == nil)
            await session.close()
        }
    }

    @Test(arguments: [
        (DataType.utf8, Value.text("D"), "D"), (.int32, .int(7), "7"), (.bool, .bool(true), "true"),
        (.decimal(precision: 5, scale: 2), .ticks(150), "1.5"), (.date, .ticks(1), "1970-01-02"),
    ])
    func aMarkerMayBeAWord(_ type: DataType, _ value: Value, _ word: String) async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            let fields = [Field("id", .int32), Field("op", type)]
            let mode = LoadMode.merge(key: ["id"], order: nil, deletion: DeletionMarker(column: "op", value: word))
            try await load(
                [("f", [[.int(1), .null], [.int(2), .null]])], fields, into: TableName("t"), mode, on: session)
            let result = try await load(
                [("f", [[.int(1), value], [.int(9), value]])], fields, into: TableName("t"), mode, on: session)
            #expect(result == LoadResult(deleted: 1, skipped: 1))
            #expect(try await place.rows("SELECT id FROM {}.t") == [["2"]])
            await session.close()
        }
    }

    @Test func keysOfAwkwardTypesFindTheirRows() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            // A primary key says itself what is the same; a char is filled up; bytes with zeros behind them are others.
            try await place.execute(
                """
                CREATE TABLE {}.p (k NVARCHAR(10) COLLATE Latin1_General_CI_AS PRIMARY KEY, v INT);
                CREATE TABLE {}.c (k CHAR(6), v INT);
                CREATE TABLE {}.b (k VARBINARY(MAX), v INT);
                INSERT INTO {}.p (k, v) VALUES (N'a', 1);
                INSERT INTO {}.c (k, v) VALUES ('ab', 1);
                INSERT INTO {}.b (k, v) VALUES (0x01, 1)
                """)
            let mode = LoadMode.merge(key: ["k"], order: nil, deletion: nil)
            let text = [Field("k", .utf8), Field("v", .int32)]
            #expect(
                try await load(
                    [("f", [[.text("A"), .int(2)], [.text("a"), .int(3)]])], text, into: TableName("p"), mode,
                    on: session)
                    == LoadResult(updated: 1, skipped: 1))
            #expect(try await place.rows("SELECT k, v FROM {}.p") == [["a", "3"]])
            #expect(
                try await load([("f", [[.text("ab"), .int(2)]])], text, into: TableName("c"), mode, on: session)
                    == LoadResult(updated: 1))
            let bytes = [Field("k", .binary), Field("v", .int32)]
            #expect(
                try await load(
                    [("f", [[.bytes([1, 0]), .int(2)], [.bytes([1]), .int(3)]])], bytes, into: TableName("b"), mode,
                    on: session) == LoadResult(inserted: 1, updated: 1))
            await session.close()
        }
    }
}
