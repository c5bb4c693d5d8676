import Columns
import Glibc
import LakeTables
import Storage
import Support
import Testing

@testable import Map

/// What is said to engines, word for word. The files are read by people, and parsed by a test in Python.
///
/// `SLUICE_RECORD=1 swift test --filter ScriptTests` writes them anew.
@Suite struct ScriptTests {
    /// Folders of dates, `key=value` folders with a value that is none, a name that hurts, types of every kind, a column that
    /// has no type, a table of which a file is damaged, and a file alone.
    private static let files: [(path: String, schema: String)] = [
        ("2F6913DB/CAN2/2024/05/01/a.parquet", "t: timestamp(us, UTC), Speed: float64"),
        ("2F6913DB/CAN2/2024/05/02/b.parquet", "t: timestamp(us, UTC), Speed: float64, \"Gear]\": utf8"),
        ("sales/country=de/1.parquet", "id: int64, amount: decimal(12,2)"),
        ("sales/country=__HIVE_DEFAULT_PARTITION__/1.parquet", "id: int64, amount: decimal(14,2)"),
        ("o'brien]] \"x\" `y`; DROP TABLE z --/1.parquet", "\"a'b\": int32, \"c\"\"d\": bool, \"e]f`g\": date"),
        (
            "types/1.parquet",
            "a: int8, b: uint8, c: int16, d: uint32, e: uint64, f: float32, g: binary, h: uuid, i: json, j: time(us), "
                + "k: timestamp(ns), l: list<int32>, m: struct<x: int64>, n: null"
        ),
        ("mixed/1.parquet", "id: int64, v: int64"), ("mixed/2.parquet", "id: int64, v: utf8"),
        ("holes/2024/01/01/a.parquet", "id: int64"), ("holes/2024/01/02/a.parquet", ""),
        ("alone.parquet", "id: int64"),
    ]

    private func plan(_ dialect: any Dialect) throws -> (plan: MapPlan, objects: [MapObject]) {
        let found = try catalogue(.automatic, ScriptTests.files)
        let (named, _) = Naming(template: nil, dialect: dialect).names(found.tables, held: [:], reserved: [])
        let objects = try named.map { try dialect.object($0.name, for: $0.table, in: found).get() }
        let gone = MapInventory.Owned(name: "go]ne", kind: dialect.kind(of: "VIEW"), source: "gone", definition: "x")
        var plan = Planner(dialect: dialect).plan(objects, MapInventory(owned: [gone]))
        plan.retired = ["long gone"]
        return (plan, objects)
    }

    private func transact(_ engine: TransactDialect.Engine) -> TransactDialect {
        TransactDialect(
            engine: engine, paths: TablePaths(root: "https://lake1.dfs.core.windows.net/raw"), schema: "map's",
            mark: "sluice map shop.names")
    }

    private func script(_ dialect: any Dialect) throws -> String {
        var job = MapJob(name: "names")
        job.project = "shop"
        return MapScript(job: job, lake: "abfss://raw@lake1.dfs.core.windows.net", dialect: dialect)
            .text(try plan(dialect).plan)
    }

    @Test func viewsOfSynapse() throws {
        var dialect = transact(.synapse)
        dialect.database = "la]ke"
        try check(try script(dialect), "synapse-views.sql")
    }

    @Test func externalTablesOfSynapse() throws {
        var dialect = transact(.synapse)
        dialect.makesTables = true
        dialect.source = "ParquetDataLake"
        try check(try script(dialect), "synapse-tables.sql")
    }

    @Test func viewsOfFabric() throws { try check(try script(transact(.fabric)), "fabric.sql") }

    @Test func viewsOfDuckDB() throws {
        try check(
            try script(
                DuckDBDialect(paths: TablePaths(root: "/la'ke"), schema: "map's", mark: "sluice map shop.names")),
            "duckdb.sql")
    }

    @Test(arguments: [false, true])
    func tablesOfSpark(isDatabricks: Bool) throws {
        let dialect = SparkDialect(
            paths: TablePaths(root: "abfss://raw@lake1.dfs.core.windows.net"), schema: "shop",
            mark: "sluice map shop.names", isDatabricks: isDatabricks)
        try check(try script(dialect), isDatabricks ? "databricks.sql" : "spark.sql")
    }

    /// All that is said to a server, in the order in which it is: what it has, what names stand on, and each change.
    @Test(arguments: [false, true])
    func whatAServerIsTold(makesTables: Bool) throws {
        var dialect = transact(.synapse)
        dialect.isApplied = true
        dialect.makesTables = makesTables
        let (plan, objects) = try plan(dialect)
        var said = [dialect.creation(of: "la]ke"), dialect.listing(), dialect.tableListing()]
        said.append(dialect.entries(of: dialect.ledgerName))
        for foundation in dialect.foundations() {
            said += [foundation.condition, foundation.search].compactMap { $0 }
            // The test's own password; a real one is in no file.
            said.append(try foundation.making("pass'word"))
        }
        var ledger = TransactLedger()
        for object in objects {
            ledger.entries[object.name] = .init(place: dialect.sourceName, hash: "", source: object.source)
        }
        if makesTables { said.append(dialect.ledger(ledger, isThere: false)) }
        for change in plan.pending { said += change.sql }
        for object in objects {
            let kinds = makesTables ? ["table", "view"] : ["view"]
            for kind in kinds {
                let known = MapInventory.Owned(name: object.name, kind: kind, source: object.source, definition: "old")
                said += dialect.replace(object, known)
            }
        }
        if makesTables {
            for name in ledger.entries.keys { ledger.entries[name]?.hash = "0123456789abcdef" }
            said.append(dialect.ledger(ledger, isThere: true))
        }
        try check(
            said.map { $0 + "\nGO\n" }.joined(separator: "\n"),
            makesTables ? "applied-tables.sql" : "applied-views.sql")
    }

    // MARK: Files

    private func check(_ text: String, _ name: String, _ place: SourceLocation = #_sourceLocation) throws {
        let file = #filePath
        let path = file.prefix(upTo: file.lastIndex(of: "/") ?? file.startIndex) + "/Golden/" + name
        if getenv("SLUICE_RECORD") != nil {
            let out = try #require(fopen(String(path), "w"))
            fputs(text, out)
            fclose(out)
            return
        }
        var bytes: [UInt8] = []
        let input = try #require(fopen(String(path), "r"), "record it with SLUICE_RECORD=1", sourceLocation: place)
        var piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&piece, 1, piece.count, input), count > 0 { bytes += piece[..<count] }
        fclose(input)
        #expect(text == String(decoding: bytes, as: UTF8.self), "\(name)", sourceLocation: place)
    }
}
