import Columns
import Connectors
import Foundation
import SQLite
import Settings
import Support
import Testing

/// SQLite files made with SQL, and how their rows come out.
struct SQLiteConnectorTests {
    private struct Fixture {
        let folder: TemporaryFolder
        let connector: any Connector

        init(_ sql: String) async throws {
            folder = try TemporaryFolder()
            let database = try await SQLiteDatabase.open(folder.path + "/shop.db")
            try await database.execute(sql)
            await database.close()
            connector = try await Fixture.connector(folder)
        }

        private static func connector(_ folder: TemporaryFolder) async throws -> any Connector {
            try await makeConnector("sqlite:shop.db", folder.path)
        }

        func read(_ request: ReadRequest) async throws -> UnitRows {
            let read = try await connector.read(request)
            let found = try await rows(of: read.units[0])
            await read.close()
            return found
        }
    }

    private static let orders = """
        CREATE TABLE orders (id INTEGER PRIMARY KEY, day DATE, total DECIMAL(10,2), note TEXT, n INTEGER);
        INSERT INTO orders VALUES (1, '2024-01-01', 1.5, 'a', 5), (2, '2024-01-02', 2, NULL, 3), (3, NULL, NULL, 'c', NULL),
          (4, '2024-01-03', 3.25, 'd', 5);
        CREATE VIEW few AS SELECT id, note FROM orders WHERE id < 3;
        CREATE TABLE loose (k TEXT PRIMARY KEY, v); INSERT INTO loose VALUES ('x', 1), (NULL, 2.5), (NULL, 'three');
        CREATE TABLE strict_key (k TEXT NOT NULL, j INTEGER NOT NULL, PRIMARY KEY (j, k));
        CREATE TABLE flat (k TEXT PRIMARY KEY) WITHOUT ROWID;
        """

    @Test func tablesViewsAndQueriesAreRead() async throws {
        let fixture = try await Fixture(Self.orders)
        let read = try await fixture.connector.read(ReadRequest(.table("ORDERS")))
        #expect(read.key == ["id"] && read.units[0].name == "orders")
        let found = try await rows(of: read.units[0])
        #expect(found.schema.description == "id: int64, day: date, total: decimal(10,2), note: utf8, n: int64")
        #expect(found.rows[0] == ["1", "2024-01-01", "1.50", "a", "5"])
        #expect(found.rows.count == 4 && found.bytesRead > 0)
        await read.close()
        #expect(try await fixture.read(ReadRequest(.table("main.few"))).rows == [["1", "a"], ["2", nil]])
        // Values of several kinds are found out from all of them.
        #expect(try await fixture.read(ReadRequest(.table("loose"))).column("v") == ["1", "2.5", "three"])
        let query = ReadRequest(
            .query(
                "SELECT id, note FROM orders WHERE id > :low AND day = :day ORDER BY id;",
                parameters: ["low": "1", "day": "2024-01-02"]))
        #expect(try await fixture.read(query).rows == [["2", nil]])
    }

    @Test func keysAreThoseThatTellRowsApart() async throws {
        let fixture = try await Fixture(Self.orders)
        let tables = try await fixture.connector.discover()
        #expect(tables.map(\.name) == ["few", "flat", "loose", "orders", "strict_key"])
        #expect(tables.map(\.key) == [[], ["k"], [], ["id"], ["j", "k"]])
        #expect(tables.map(\.rows) == [nil, nil, 3, 4, 0])
        #expect(
            tables[3].schema.description == "id: int64, day: date, total: decimal(10,2), note: utf8, n: int64")
        #expect(try await fixture.connector.check().hasPrefix("SQLite 3."))
    }

    @Test func columnsFilterAndLimitAreHeeded() async throws {
        let fixture = try await Fixture(Self.orders)
        var request = ReadRequest(.table("orders"))
        request.columns = ["note", "id"]
        request.filter = "id <> 2 -- comment"
        request.limit = 2
        #expect(try await fixture.read(request).rows == [["a", "1"], ["c", "3"]])
        request.cursor = CursorRange(column: "n", from: "4")
        #expect(try await fixture.read(request).rows == [["a", "1"], ["d", "4"]])
        #expect(try await fixture.read(request).schema.fields.map(\.name) == ["note", "id"])
        for (part, isTable) in [("ids", false), ("order", true)] {
            var wrong = ReadRequest(.table(isTable ? part : "orders"))
            if !isTable { wrong.columns = [part] }
            let error = await #expect(throws: SluiceError.self) { _ = try await fixture.connector.read(wrong) }
            #expect(error?.hint?.hasPrefix("Did you mean") == true)
        }
        await #expect(throws: SluiceError.self) { _ = try await fixture.connector.read(ReadRequest(.files(["*"]))) }
        let twins = ReadRequest(.query("SELECT 1 AS a, 2 AS A", parameters: [:]))
        await #expect(throws: SluiceError.self) { _ = try await fixture.connector.read(twins) }
    }

    @Test(arguments: [
        ("INTEGER", "1, 2, 3, NULL", "2", "3", ["2"]), ("REAL", "1.0, 2.5, 3.0, NULL", "2.5", "3", ["2"]),
        ("TEXT", "'a', 'B', 'b', NULL", "a", nil, ["1", "3"]),
        ("DATE", "'2024-01-01', '2024-01-02', '2024-01-03', NULL", "2024-01-02", "2024-01-03", ["2"]),
        // One moment may be written in several ways, which do not sort as text.
        (
            "TIMESTAMP", "'2024-01-01 10:00:00', '2024-01-01T10:00:01', '2024-01-01 10:00:02.5', NULL",
            "2024-01-01T10:00:01", "2024-01-01T10:00:02.6", ["2", "3"]
        ),
        ("TEXT COLLATE NOCASE", "'a', 'B', 'b', NULL", "a", "c", ["1", "3"]),
        ("", "1, 2, 3, NULL", "2", nil, ["2", "3"]),
    ])
    func stretchesOfACursorAreRead(
        _ type: String, _ list: String, _ from: String, _ to: String?, _ expected: [String]
    ) async throws {
        let values = list.split(separator: ", ").enumerated().map { "(\($0 + 1), \($1))" }.joined(separator: ", ")
        let fixture = try await Fixture("CREATE TABLE c (id INTEGER, v \(type)); INSERT INTO c VALUES \(values)")
        var request = ReadRequest(.table("c"))
        request.columns = ["id"]
        for nulls in [true, false] {
            request.cursor = CursorRange(column: "v", from: from, to: to, includesNulls: nulls)
            #expect(try await fixture.read(request).column("id") == expected + (nulls ? ["4"] : []))
        }
        request.cursor = CursorRange(column: "v", includesNulls: false)
        #expect(try await fixture.read(request).column("id") == ["1", "2", "3"])
    }

    @Test func whatOthersWriteMeanwhileIsNotSeen() async throws {
        let fixture = try await Fixture(
            """
            CREATE TABLE s (id INTEGER PRIMARY KEY, t TEXT);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000) INSERT INTO s SELECT i, 'old' FROM n
            """)
        let read = try await fixture.connector.read(ReadRequest(.table("s")))
        let reader = try await read.units[0].open(under: nil)
        var count = try await reader.next()?.rowCount ?? 0
        let other = try await SQLiteDatabase.open(fixture.folder.path + "/shop.db")
        try await other.execute("DELETE FROM s WHERE id % 2 = 0; UPDATE s SET t = 'new'")
        await other.close()
        while let batch = try await reader.next() {
            count += batch.rowCount
            #expect(batch.columns[1].text(at: 0) == "old")
        }
        #expect(count == 150_000)
        #expect(try await rows(of: read.units[0]).rows.count == 150_000)
        await read.close()
        #expect(try await fixture.read(ReadRequest(.table("s"))).rows.count == 75_000)
    }

    @Test func typesThatAreDeclaredRejectRowsAlone() async throws {
        let fixture = try await Fixture(
            "CREATE TABLE t (id INTEGER, v); INSERT INTO t VALUES (1, '5'), (2, 'x'), (3, 7)")
        var request = ReadRequest(.table("t"))
        request.types = try Schema(parsing: "v: int32")
        let found = try await fixture.read(request)
        #expect(found.rows == [["1", "5"], ["3", "7"]])
        #expect(found.rejects.map(\.row) == [2])
        #expect(found.rejects.map(\.raw) == [#"{"id":2,"v":"x"}"#])
    }

    @Test(arguments: ["a b", "a\"b", "a;b", "a'b", "select", "ä.ö", "[x]", "a\\b", "a\nb", "名", "`"])
    func anyNameIsRead(_ name: String) async throws {
        let quoted = "\"" + name.replacing("\"", with: "\"\"") + "\""
        let fixture = try await Fixture(
            "CREATE TABLE \(quoted) (\(quoted) INTEGER PRIMARY KEY); INSERT INTO \(quoted) VALUES (1), (2)")
        var request = ReadRequest(.table(try #require(try await fixture.connector.discover().first).name))
        request.columns = [name]
        request.cursor = CursorRange(column: name, from: "2")
        #expect(try await fixture.read(request).rows == [["2"]])
    }

    @Test(arguments: ["it's", "'; DROP TABLE orders; --", "5", "5.0", "007", "", ":a", "é\u{301}"])
    func noValueLeavesItsPlace(_ value: String) async throws {
        let fixture = try await Fixture("CREATE TABLE q (v TEXT)")
        let database = try await SQLiteDatabase.open(fixture.folder.path + "/shop.db")
        try await database.query("INSERT INTO q VALUES (?), ('other')", [.text(value)])
        await database.close()
        let request = ReadRequest(.query("SELECT v FROM q WHERE v = :v", parameters: ["v": value]))
        #expect(try await fixture.read(request).rows == [[value]])
    }

    @Test func aMissingFileAndAFileOfAnotherKindAreErrors() async throws {
        let folder = try TemporaryFolder()
        try folder.write(String(repeating: "not a database ", count: 100), "x.db")
        for name in ["x.db", "missing.db"] {
            let source = try await makeConnector("sqlite:\(name)", folder.path)
            let error = await #expect(throws: SluiceError.self) { _ = try await source.check() }
            #expect(error?.description.contains(name) == true)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/missing.db"))
    }
}

private func makeConnector(_ url: String, _ folder: String) async throws -> any Connector {
    try await connector(url, folder: folder)
}
