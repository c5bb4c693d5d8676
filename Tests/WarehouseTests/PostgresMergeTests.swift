import Columns
import Postgres
import Support
import TestServers
import Testing
import Warehouse

/// Merging into PostgreSQL, against an oracle that does the same with a dictionary.
@Suite(.enabled(if: TestPostgres.shared != nil)) struct PostgresMergeTests {
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
            row.gone.map { $0 ? "t" : "f" } ?? "∅",
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
        var random = Generator(seed: UInt64(seed) &* 77 &+ 5)
        let place = try await PostgresPlace()
        let session = try await place.session()
        let (ordered, deletes) = (seed % 2 == 0, seed % 3 != 0)
        let mode = LoadMode.merge(
            key: ["key", "part"], order: ordered ? "at" : nil, deletion: deletes ? DeletionMarker(column: "gone") : nil)
        var table: [[String]: Row] = [:]
        for round in 0..<4 {
            let rows = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                Row(
                    key: ["a", "A", "ä", "", "it's", "b\"c"].randomElement(using: &random) ?? "",
                    part: .random(in: 0..<4, using: &random),
                    value: Bool.random(using: &random) ? nil : String(UInt32.random(in: 0...999, using: &random)),
                    at: Bool.random(using: &random) ? nil : .random(in: -3...3, using: &random),
                    gone: [nil, true, false, false].randomElement(using: &random) ?? nil)
            }
            let cut = rows.isEmpty ? 0 : Int.random(in: 0...rows.count, using: &random)
            let result = try await load(
                [("one", rows[..<cut].map(values)), ("two", rows[cut...].map(values))], fields, into: TableName("t"),
                mode,
                on: session)
            var expected = LoadResult()
            let winners = last(rows, ordered: ordered)
            expected.skipped = rows.count - winners.count
            for (key, row) in winners {
                if deletes, row.gone == true {
                    if table.removeValue(forKey: key) == nil { expected.skipped += 1 } else { expected.deleted += 1 }
                } else if table.updateValue(row, forKey: key) == nil {
                    expected.inserted += 1
                } else {
                    expected.updated += 1
                }
            }
            #expect(result == expected, "round \(round)")
            let found = try await place.rows("SELECT key, part, value, at, gone FROM t")
            #expect(
                found.sorted { $0.lexicographicallyPrecedes($1) }
                    == table.values.map(shown).sorted { $0.lexicographicallyPrecedes($1) }, "round \(round)")
        }
        let unique = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisunique"
        #expect(try await place.single(unique) == "1")
        await session.close()
    }

    @Test func uniqueKeysGoStraightIntoANewOrEmptyTable() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let fields = [Field("id", .int32), Field("v", .utf8)]
        let mode = LoadMode.merge(key: ["id"], order: nil, deletion: nil)
        let rows: [[Value]] = [[.int(1), .text("a")], [.int(2), .text("b")]]
        #expect(
            try await load([("f", rows)], fields, into: TableName("t"), mode, unique: true, on: session).inserted == 2)
        // Straight means by COPY alone: the lineage of a table that was filled so lies in the catalogue.
        #expect(
            try await place.single("SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND atthasmissing")
                == "3")
        #expect(
            try await place.single(
                "SELECT attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'id'")
                == "t")
        try await place.admin.execute("DELETE FROM t")
        #expect(
            try await load([("f", rows)], fields, into: TableName("t"), mode, unique: true, on: session).inserted == 2)
        #expect(
            try await load(
                [("f", [rows[1], [.int(3), .null]])], fields, into: TableName("t"), mode, unique: true, on: session)
                == LoadResult(inserted: 1, updated: 1))
        let lie = await #expect(throws: SluiceError.self) {
            try await load(
                [("f", [rows[0], rows[0]])], fields, into: TableName("new"), mode, unique: true, on: session)
        }
        #expect(lie?.message.contains("promised") == true)
        #expect(try await place.single("SELECT to_regclass('new') IS NULL") == "t")
    }

    @Test(arguments: [
        (DataType.utf8, Value.text("D"), "D"), (.int32, .int(7), "7"), (.bool, .bool(true), "true"),
    ])
    func aMarkerMayBeAWord(_ type: DataType, _ value: Value, _ word: String) async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let fields = [Field("id", .int32), Field("op", type)]
        let mode = LoadMode.merge(key: ["id"], order: nil, deletion: DeletionMarker(column: "op", value: word))
        try await load(
            [("f", [[.int(1), .null], [.int(2), .null]])], fields, into: TableName("t"), mode, on: session)
        let result = try await load(
            [("f", [[.int(1), value], [.int(9), value]])], fields, into: TableName("t"), mode, on: session)
        #expect(result == LoadResult(deleted: 1, skipped: 1))
        #expect(try await place.rows("SELECT id FROM t") == [["2"]])
    }

    @Test func keysOfAwkwardTypesFindTheirRows() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await place.admin.execute(
            """
            CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            CREATE TABLE t (c char(6), l text COLLATE loose, u uuid, v int, PRIMARY KEY (c, l, u))
            """)
        let fields = [Field("c", .utf8), Field("l", .utf8), Field("u", .uuid), Field("v", .int32)]
        let mode = LoadMode.merge(key: ["c", "l", "u"], order: nil, deletion: nil)
        let id = Value.bytes(Array(repeating: 7, count: 16))
        try await load(
            [("f", [[.text("ab"), .text("key"), id, .int(1)]])], fields, into: TableName("t"), mode, on: session)
        let result = try await load(
            [("f", [[.text("ab"), .text("KEY"), id, .int(2)], [.text("ab"), .text("key"), id, .int(3)]])], fields,
            into: TableName("t"), mode, on: session)
        #expect(result == LoadResult(updated: 1, skipped: 1))
        #expect(try await place.rows("SELECT c, v FROM t") == [["ab    ", "3"]])
    }
}

/// Numbers that are the same in every run.
struct Generator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
