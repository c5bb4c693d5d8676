import Columns
import Parquet
import Storage
import Support
import Synchronization
import TestData
import Testing

@testable import LakeTables
@testable import Map

private func sql(_ dialect: any Dialect, _ name: String, _ found: LakeCatalogue) throws -> String {
    try dialect.object(name, for: found.tables[0], in: found).get().statements.joined(separator: "\n;\n")
}

private let canedge: [(path: String, schema: String)] = [
    ("2F6913DB/CAN2_EngineData/2024/05/01/a.parquet", "t: timestamp(us, UTC), Speed: float64"),
    ("2F6913DB/CAN2_EngineData/2024/05/02/b.parquet", "t: timestamp(us, UTC), Speed: float64, \"Gear]\": utf8"),
]

private func devices() throws -> LakeLayout {
    .pattern(
        try TablePattern("{device}/{message}/{yyyy}/{mm}/{dd}/*.parquet"), partitions: ["yyyy", "mm", "dd"])
}

@Suite struct DialectTests {
    private let synapse = TransactDialect(
        engine: .synapse, paths: TablePaths(root: "https://a.dfs.core.windows.net/lake"), schema: "dbo",
        mark: "sluice map x", source: "ParquetDataLake")

    @Test func synapseMakesExternalTablesOfTheDepthThatTheLakeHas() throws {
        var dialect = synapse
        dialect.makesTables = true
        #expect(
            try sql(dialect, "tbl_2F6913DB_CAN2_EngineData", catalogue(devices(), canedge)) == """
                CREATE EXTERNAL TABLE [dbo].[tbl_2F6913DB_CAN2_EngineData] (
                    [t] datetime2(6),
                    [Speed] float,
                    [Gear]]] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
                )
                WITH (
                    LOCATION = N'/2F6913DB/CAN2_EngineData/*/*/*/*.parquet',
                    DATA_SOURCE = [ParquetDataLake],
                    FILE_FORMAT = [ParquetFormat]
                )
                """)
    }

    @Test func synapseMakesViewsWithPartitionColumns() throws {
        let text = try sql(synapse, "engine", catalogue(devices(), canedge))
        #expect(text.hasPrefix("CREATE OR ALTER VIEW [dbo].[engine] AS\n/* sluice map x "))
        #expect(text.contains("CAST(r.filepath(1) AS int) AS [yyyy],\n    CAST(r.filepath(2) AS int) AS [mm]"))
        #expect(
            text.contains(
                """
                FROM OPENROWSET(
                    BULK N'2F6913DB/CAN2_EngineData/*/*/*/*.parquet', DATA_SOURCE = N'ParquetDataLake', FORMAT = 'PARQUET'
                ) WITH (
                """))
    }

    /// Where no pattern means the table's files, each is named, and its partitions come from its name.
    @Test func synapseNamesFilesWhereAPatternMeansOthersToo() throws {
        var found = try catalogue(devices(), canedge)
        found.paths.append("2F6913DB/CAN2_EngineData/2024/05/03/broken.parquet")
        let text = try sql(synapse, "engine", found)
        #expect(text.contains("BULK (\n        N'2F6913DB/CAN2_EngineData/2024/05/01/a.parquet',"))
        #expect(text.contains("(N'/2F6913DB/CAN2_EngineData/2024/05/02/b.parquet', 2024, 05, 02)"))
    }

    /// `sqlcmd` reads scripts line by line and puts variables in whatever is quoted: a folder must not become a batch of its
    /// own, nor show a password. On a connection, names are names.
    @Test(arguments: ["a\nGO\nDROP DATABASE x\nGO\n", "a\n:!!reboot\n", "$(MASTER_KEY_PASSWORD)", "a\rGO\r"])
    func noNameBecomesACommandOfAScript(folder: String) throws {
        var dialect = synapse
        let found = try catalogue(.automatic, [("\(folder)/1.parquet", "a: int64"), ("plain/1.parquet", "a: int64")])
        for table in found.tables {
            let name = dialect.usable(folder)
            #expect(!name.contains("$(") && !name.contains { $0.isNewline })
            let object = dialect.object(name, for: table, in: found)
            #expect((try? object.get()) == nil ? table.id.hasPrefix(folder) : table.id.hasPrefix("plain"))
        }
        let columns = try catalogue(.automatic, [("t/1.parquet", "\"\(folder)\": int64, b: int64")])
        #expect(columns.tables[0].columns.map(\.field.name) == [folder, "b"])
        #expect(try dialect.object("t", for: columns.tables[0], in: columns).get().columns.map(\.name) == ["b"])
        dialect.isApplied = true
        for table in found.tables { _ = try dialect.object("x", for: table, in: found).get() }
    }

    @Test func fabricReadsByAddress() throws {
        var dialect = synapse
        dialect = TransactDialect(engine: .fabric, paths: dialect.paths, schema: "dbo", mark: "sluice map x")
        let text = try sql(dialect, "engine", catalogue(devices(), canedge))
        #expect(
            text.contains(
                "BULK N'https://a.dfs.core.windows.net/lake/2F6913DB/CAN2_EngineData/*/*/*/*.parquet', FORMAT"))
        #expect(text.contains("[Gear]]] varchar(8000)\n"))
    }

    @Test func sparkMakesTablesWithTheirPartitions() throws {
        let dialect = SparkDialect(paths: TablePaths(root: "/la'ke"), schema: "lake", mark: "sluice map x")
        let text = try sql(dialect, "engine", catalogue(devices(), canedge))
        #expect(
            text.hasPrefix(
                """
                CREATE TABLE IF NOT EXISTS `lake`.`engine` (
                    `t` TIMESTAMP,
                    `Speed` DOUBLE,
                    `Gear]` STRING,
                    `yyyy` INT,
                    `mm` INT,
                    `dd` INT
                )
                USING parquet
                OPTIONS (pathGlobFilter '*.parquet')
                PARTITIONED BY (`yyyy`, `mm`, `dd`)
                LOCATION '/la\\'ke/2F6913DB/CAN2_EngineData'
                TBLPROPERTIES ('sluice.map' = 'sluice map x
                """.trimmingEnd()))
        #expect(
            text.contains(
                "PARTITION (`yyyy` = 2024, `mm` = 05, `dd` = 02) LOCATION '/la\\'ke/2F6913DB/CAN2_EngineData/2024/05/02'"
            ))
    }

    /// What comes besides is added, what is another table is made anew.
    @Test func sparkAddsPartitionsToATableThatIsThere() throws {
        let dialect = SparkDialect(paths: TablePaths(root: "/lake"), schema: "lake", mark: "sluice map x")
        func object(_ files: [(path: String, schema: String)]) throws -> MapObject {
            let found = try catalogue(devices(), files)
            return try dialect.object("engine", for: found.tables[0], in: found).get()
        }
        func owned(_ object: MapObject) -> MapInventory.Owned {
            .init(name: object.name, kind: object.kind, source: object.source, definition: object.definition)
        }
        let plain = [("d/m/2024/05/01/a.parquet", "a: int32")]
        let old = try object(plain)
        let more = try object(plain + [("d/m/2024/05/02/a.parquet", "a: int32")])
        let wider = try object(plain + [("d/m/2024/05/02/a.parquet", "a: int64")])
        #expect(dialect.replace(more, owned(old)).map { $0.prefix(11) } == ["ALTER TABLE"])
        #expect(dialect.replace(wider, owned(old)).map { $0.prefix(10) } == ["DROP TABLE", "CREATE TAB", "ALTER TABL"])
    }

    @Test(arguments: [
        ("a: int64", "a: utf8"), ("a: int64", "a: float64"), ("a: date", "a: timestamp(us, UTC)"),
    ])
    func columnsThatAnEngineCannotReadAreLeftOutAndTold(old: String, new: String) throws {
        let found = try catalogue(
            .automatic, [("t/1.parquet", old + ", b: int32"), ("t/2.parquet", new + ", b: int32")])
        let spark = SparkDialect(paths: TablePaths(root: "/lake"), schema: "lake", mark: "m")
        for dialect in [spark, synapse] as [any Dialect] {
            let object = try dialect.object("t", for: found.tables[0], in: found).get()
            #expect(object.columns.map(\.name) == ["b"])
            #expect(object.notes.count == 1)
        }
        // DuckDB reads every file by its own types.
        let duckdb = DuckDBDialect(paths: TablePaths(root: "/lake"), schema: "lake", mark: "m")
        let object = try duckdb.object("t", for: found.tables[0], in: found).get()
        #expect(object.columns.map(\.name) == ["a", "b"])
    }

    @Test func addressesOfAzureAreWrittenAsTSQLWantsThem() {
        #expect(
            MapRun.webAddress(of: "abfss://lake@a.dfs.core.windows.net/raw/x")
                == "https://a.dfs.core.windows.net/lake/raw/x")
        #expect(MapRun.webAddress(of: "abfss://lake@a.dfs.core.windows.net") == "https://a.dfs.core.windows.net/lake")
        #expect(MapRun.webAddress(of: "/lake") == "/lake")
    }

    /// Whatever is in a name or text, reading it by the rules of the language gives it back, and nothing is left over.
    @Test func quotedNamesAndTextsReadAsTheyWere() throws {
        var random = Randomness(7)
        let letters = Array("ab ]['\"`\\;-/*\u{301}\u{1F600}é\n$(x)").map(String.init)
        let dialects: [(any Dialect, close: Character, isSpark: Bool)] = [
            (synapse, "]", false),
            (DuckDBDialect(paths: TablePaths(root: "/"), schema: "s", mark: "m"), "\"", false),
            (MirrorDialect(name: "SQLite", distinguishesCase: false, longestName: 200), "\"", false),
            (SparkDialect(paths: TablePaths(root: "/"), schema: "s", mark: "m"), "`", true),
        ]
        for _ in 0..<500 {
            let name = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                letters.randomElement(using: &random) ?? ""
            }
            .joined()
            for (dialect, close, isSpark) in dialects {
                #expect(unquoted(dialect.quote(name), close) == name)
                let text = dialect.text(name)
                let bare = text.hasPrefix("N") ? String(text.dropFirst()) : text
                #expect(isSpark ? unescaped(bare) == name : unquoted(bare, "'") == name)
            }
        }
    }

    private func unquoted(_ text: String, _ close: Character) -> String? {
        var scalars = Array(text.unicodeScalars.dropFirst())
        let mark = close.unicodeScalars.first
        var result = String.UnicodeScalarView()
        while !scalars.isEmpty {
            let scalar = scalars.removeFirst()
            if scalar == mark {
                if scalars.isEmpty { return String(result) }
                guard scalars.removeFirst() == mark else { return nil }
            }
            result.append(scalar)
        }
        return nil
    }

    private func unescaped(_ text: String) -> String? {
        var scalars = Array(text.unicodeScalars.dropFirst())
        var result = String.UnicodeScalarView()
        while !scalars.isEmpty {
            let scalar = scalars.removeFirst()
            if scalar == "'" { return scalars.isEmpty ? String(result) : nil }
            if scalar == "\\" { result.append(scalars.removeFirst()) } else { result.append(scalar) }
        }
        return nil
    }
}

extension String {
    fileprivate func trimmingEnd() -> String { hasSuffix("\n") ? String(dropLast()) : self }
}
