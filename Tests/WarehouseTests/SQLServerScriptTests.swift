import Columns
import Glibc
import ODBC
import Support
import Testing

@testable import Warehouse

/// The T-SQL that is said to SQL Server, word for word. The files are read by people, and parsed by a test in Python.
///
/// `SLUICE_RECORD=1 swift test --filter SQLServerScript` writes them anew.
@Suite struct SQLServerScriptTests {
    private let dialect = SQLServerDialect()
    private let fields = [
        Field("id", .int64), Field("part]; DROP TABLE x --", .utf8), Field("amount", .decimal(precision: 12, scale: 2)),
        Field("at", .timestamp(.microsecond, zone: "UTC")), Field("gone", .bool), Field("raw", .binary),
    ]

    /// A table of somebody else's, which needs changes of every kind.
    private func oldTable() throws -> SQLServerTable {
        func column(
            _ name: String, _ type: String, nullable: Bool = true, key: Bool = false, collation: String? = nil
        ) -> SQLServerTable.Column {
            SQLServerTable.Column(
                column: TableColumn(
                    name: name, sqlType: type, type: SQLServerType(type).columnType, isNullable: nullable,
                    isInPrimaryKey: key), collation: collation, codePage: collation == nil ? nil : 1252)
        }
        let name = TableName(schema: "dbo", "or'd]ers")
        return SQLServerTable(
            name: name, sql: try dialect.quote(name), id: "42",
            columns: [
                column("id", "INT", nullable: false, key: true),
                column("part]; DROP TABLE x --", "VARCHAR(20)", nullable: false, collation: "Latin1_General_CI_AS"),
                column("amount", "DECIMAL(9,2)", nullable: false), column("gone", "BIT"),
                column("note", "XML", nullable: false),
            ])
    }

    private func newTable() throws -> SQLServerTable {
        let name = TableName(schema: "raw", "orders")
        return SQLServerTable(name: name, sql: try dialect.quote(name), id: nil, columns: [])
    }

    private func load(
        _ mode: LoadMode, into table: SQLServerTable, fields: [Field]? = nil, adjust: (inout Load) -> Void = { _ in }
    ) throws -> Load {
        var key: [String] = []
        if case .merge(let names, _, _) = mode { key = names }
        let request = TableRequest(table: table.name, schema: Schema(fields ?? self.fields), key: key)
        let plan = try TablePlanner(dialect).plan(request, existing: table.planned)
        var load = Load(run: "run-1", job: "shop.orders", plan: plan, mode: mode, loadedAt: 1_700_000_000_123_456)
        adjust(&load)
        return load
    }

    private func text(_ statements: [SQLServerStatement?]) -> String {
        statements.compactMap { $0 }.map { statement in
            let bound = statement.parameters.map { "-- ? = \($0)\n" }.joined()
            return bound + statement.sql + "\nGO\n"
        }.joined()
    }

    /// Everything that a load may say, in the order in which it says it.
    private func whole(_ load: Load, _ table: SQLServerTable, widened: [Int: String] = [:]) throws -> String {
        let script = SQLServerScript(load, into: table, dialect: dialect, widened: widened)
        var statements: [SQLServerStatement?] = script.makeStage(.temporary)
        statements.append(script.noteFile(1, "it's.parquet"))
        statements += try script.shape
        statements += try script.clear.map { $0 }
        switch load.mode {
        case .append, .replace: statements.append(try script.insert())
        case .appendNew(let names): statements += [script.hold, try script.insertNew(by: names)]
        case .merge(let key, let order, let deletion):
            statements += [try script.keepLast(key, order: order), script.hold]
            if let deletion {
                statements += [try script.deleteMarked(key, deletion), try script.dropMarked(deletion)]
            }
            statements +=
                table.id == nil
                ? [try script.insert(), try script.indexKey] : [try script.update(key), try script.insertMissing(key)]
        }
        return text(statements)
    }

    @Test func loadsIntoATableThatIsThere() throws {
        let table = try oldTable()
        let key = ["id", "part]; DROP TABLE x --"]
        try check(
            whole(load(.append, into: table) { $0.superseded = ["it's", "b"] }, table, widened: [1: "NVARCHAR(MAX)"]),
            "append.sql")
        try check(whole(load(.appendNew(by: key + ["raw"]), into: table), table), "append-new.sql")
        try check(whole(load(.replace, into: table), table), "replace.sql")
        let marker = DeletionMarker(column: "gone")
        try check(whole(load(.merge(key: key, order: "at", deletion: marker), into: table), table), "merge.sql")
    }

    @Test func loadsIntoANewTable() throws {
        let table = try newTable()
        try check(whole(load(.append, into: table), table), "create.sql")
        let marker = DeletionMarker(column: "amount", value: "1.50")
        try check(
            whole(load(.merge(key: ["id"], order: nil, deletion: marker), into: table), table), "create-merge.sql")
        let textMarker = DeletionMarker(column: "part]; DROP TABLE x --", value: "D")
        let load = try load(.merge(key: ["id", "raw"], order: nil, deletion: textMarker), into: table)
        try check(whole(load, table), "create-merge-bytes.sql")
    }

    @Test func theIndexOfAKeyIsMadeAgainWhenTheKeyIsWidened() throws {
        var table = try newTable()
        table.id = "7"
        for (place, name) in [(2, "id"), (1, "part"), (nil, "v")] as [(Int?, String)] {
            table.columns.append(
                SQLServerTable.Column(
                    column: TableColumn(name: name, sqlType: "INT", type: .int32, isNullable: place == nil),
                    keyPlace: place))
        }
        let fields = [Field("id", .int64), Field("part", .int32), Field("v", .int32)]
        let load = try load(.merge(key: ["id", "part"], order: nil, deletion: nil), into: table, fields: fields)
        try check(whole(load, table), "merge-wider-key.sql")
    }

    @Test func theServerReadsTheLake() throws {
        let fields = [Field("id", .int32), Field("it's] a", .utf8)] + fields.suffix(4)
        let table = try newTable()
        let paths = ["orders/2024/it's 1.parquet", "orders/2024/2.parquet"]
        for (lake, golden) in [
            (SQLServerLake.openRowset(dataSource: "the'lake"), "lake-openrowset.sql"),
            (
                .copyInto(url: "https://shop.dfs.core.windows.net/lake/it's", managedIdentity: true),
                "lake-copy-into.sql"
            ),
            (
                .copyInto(url: "https://onelake.dfs.fabric.microsoft.com/w/l/Files/", managedIdentity: false),
                "lake-fabric.sql"
            ),
        ] {
            let mode = LoadMode.merge(key: ["id"], order: "at", deletion: nil)
            let load = try load(mode, into: table, fields: fields)
            try lake.check(load)
            var script = SQLServerScript(load, into: table, dialect: dialect)
            script.lake = lake
            var statements = script.makeStage(.temporary)
            for (place, path) in paths.enumerated() { statements += try script.read(path, place + 1, by: lake) }
            try check(text(statements), golden)
        }
    }

    @Test func whatAServerReadsOtherwiseIsRefused() throws {
        let table = try newTable()
        let lake = SQLServerLake.openRowset(dataSource: "lake")
        let unordered = try load(.merge(key: ["id"], order: nil, deletion: nil), into: table)
        #expect(throws: SluiceError.self) { try lake.check(unordered) }
        for type in [DataType.uuid, .json, .time(.microsecond), .list(Field("item", .int32))] {
            let odd = try load(.append, into: table, fields: [Field("id", .int64), Field("odd", type)])
            let error = #expect(throws: SluiceError.self) { try lake.check(odd) }
            #expect(error?.place.column == "odd")
            #expect(error?.hint?.contains("load_by: rows") == true)
        }
        try lake.check(try load(.append, into: table))
    }

    @Test func everyTypeIsDeclared() throws {
        let types: [DataType] = [
            .null, .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32,
            .float64,
            .decimal(precision: 38, scale: 38), .decimal(precision: 3, scale: -2), .decimal(precision: 2, scale: 5),
            .decimal(precision: 38, scale: -1), .utf8, .binary, .fixedBinary(3), .date, .time(.second),
            .time(.nanosecond),
            .timestamp(.millisecond, zone: nil), .timestamp(.nanosecond, zone: nil),
            .timestamp(.microsecond, zone: "Europe/Berlin"), .timestamp(.nanosecond, zone: "UTC"), .uuid, .json,
            .list(Field("item", .int32)), .structure([Field("x", .utf8)]),
        ]
        let table = try newTable()
        let fields = types.enumerated().map { Field("c\($0.offset) \($0.element)".prefixed(100), $0.element) }
        try check(whole(load(.append, into: table, fields: fields), table), "types.sql")
    }

    @Test func theBooksAndLocks() throws {
        let books = try SQLServerBooksScript(schema: "it's] dbo")
        var statements = [SQLServerBooksScript.find, SQLServerBooksScript.prepareLock]
        for (_, making) in books.tables { statements += making }
        statements += [
            books.resumeRun, books.beginRun, books.endRun, books.runStatus, books.buryDead, books.recentRuns,
            books.recordRun, books.recordLostRun, books.watermark, books.sourceFiles, books.stagedFiles(2),
            books.lastLoad,
        ]
        statements += books.forget
        statements += [
            books.enterStaged(2), books.forgetSources(2), books.enterSources(2), books.forgetMark, books.enterMark,
            SQLServerLock.takeForSession, SQLServerLock.takeForTransaction, SQLServerLock.release,
            SQLServerLock.holder, SQLServerStage.leftBehind, SQLServerEngine.question, SQLServerCatalogue.findObject,
            SQLServerCatalogue.findSchema, SQLServerCatalogue.describeColumns, SQLServerWarehouse.sessionSettings,
        ]
        try check(statements.map { $0 + "\nGO\n" }.joined(), "books.sql")
    }

    // MARK: Names and types

    @Test func namesAreOnlyNames() throws {
        #expect(try dialect.quote("a]b[c") == "\"a]b[c\"")
        #expect(try dialect.quote("a]\"b") == "\"a]\"\"b\"")
        #expect(try dialect.quote("a\"b[") == "[a\"b[]")
        #expect(try dialect.quote("]\u{301}") == "\"]\u{301}\"")
        #expect(try dialect.quote(String(repeating: "ü", count: 128)).utf16.count == 130)
        for name in ["", "a\0b", String(repeating: "x", count: 129), String(repeating: "\u{1F600}", count: 65)] {
            #expect(throws: SluiceError.self) { try dialect.quote(name) }
        }
    }

    @Test(arguments: [
        ("INT", DataType.int64, Widening.alter(to: "BIGINT", as: .int64)), ("BIGINT", .int8, .fits(as: .int64)),
        ("TINYINT", .int16, .alter(to: "SMALLINT", as: .int16)), ("BIT", .int32, .impossible),
        ("DECIMAL(5,2)", .int32, .alter(to: "DECIMAL(12,2)", as: .decimal(precision: 12, scale: 2))),
        ("DECIMAL(38,2)", .float64, .fits(as: .decimal(precision: 38, scale: 2))),
        ("FLOAT", .int64, .fits(as: .float64)),
        ("REAL", .float64, .alter(to: "FLOAT", as: .float64)),
        ("MONEY", .int16, .fits(as: .decimal(precision: 19, scale: 4))),
        ("DATETIME2(7)", .timestamp(.microsecond, zone: nil), .fits(as: .timestamp(.microsecond, zone: nil))),
        (
            "DATETIME2(3)", .timestamp(.nanosecond, zone: nil),
            .alter(to: "DATETIME2(7)", as: .timestamp(.nanosecond, zone: nil))
        ),
        (
            "DATETIME2(2)", .timestamp(.millisecond, zone: nil),
            .alter(to: "DATETIME2(6)", as: .timestamp(.microsecond, zone: nil))
        ),
        (
            "DATETIME", .timestamp(.microsecond, zone: nil),
            .alter(to: "DATETIME2(6)", as: .timestamp(.microsecond, zone: nil))
        ),
        ("DATETIME2(7)", .timestamp(.microsecond, zone: "UTC"), .impossible),
        ("DATETIMEOFFSET(6)", .date, .fits(as: .timestamp(.microsecond, zone: "UTC"))),
        ("DATE", .timestamp(.second, zone: nil), .alter(to: "DATETIME2(6)", as: .timestamp(.microsecond, zone: nil))),
        ("TIME(0)", .time(.millisecond), .alter(to: "TIME(6)", as: .time(.microsecond))),
        ("NVARCHAR(10)", .int32, .fits(as: .utf8)), ("XML", .utf8, .fits(as: .utf8)), ("XML", .int32, .impossible),
        ("NVARCHAR(MAX)", .json, .fits(as: .utf8)), ("VARBINARY(16)", .uuid, .fits(as: .binary)),
        ("BINARY(4)", .fixedBinary(4), .fits(as: .binary)),
        ("BINARY(4)", .binary, .alter(to: "VARBINARY(MAX)", as: .binary)),
        ("UNIQUEIDENTIFIER", .uuid, .fits(as: .uuid)), ("UNIQUEIDENTIFIER", .null, .fits(as: .uuid)),
    ])
    func valuesGetIntoColumnsThatAreThere(_ sqlType: String, _ type: DataType, _ expected: Widening) {
        let column = TableColumn(name: "c", sqlType: sqlType, type: SQLServerType(sqlType).columnType)
        #expect(dialect.widening(of: column, to: type) == expected)
        var fixed = column
        fixed.isAlterable = false
        if case .alter = expected { #expect(dialect.widening(of: fixed, to: type) == .impossible) }
    }

    @Test(arguments: [
        ("VARCHAR(3)", 1252, "äöü", true), ("VARCHAR(3)", 1252, "äöüß", false), ("VARCHAR(3)", 1252, "ł", false),
        ("VARCHAR(3)", 1252, "€", true), ("VARCHAR(3)", 65001, "äö", false), ("VARCHAR(4)", 65001, "äö", true),
        ("VARCHAR(MAX)", 1250, "ł", false), ("VARCHAR(MAX)", 1250, "l", true), ("NVARCHAR(2)", 0, "\u{1F600}", true),
        ("NVARCHAR(1)", 0, "\u{1F600}", false), ("NVARCHAR(MAX)", 0, "\u{1F600}", true), ("NTEXT", 0, "abc", true),
    ])
    func aTextThatAColumnDoesNotTakeIsFound(_ sqlType: String, _ page: Int, _ text: String, _ fits: Bool) throws {
        let name = TableName(schema: "dbo", "t")
        let table = SQLServerTable(
            name: name, sql: "[dbo].[t]", id: "1",
            columns: [
                SQLServerTable.Column(
                    column: TableColumn(name: "c", sqlType: sqlType, type: .utf8), collation: "x", codePage: page)
            ])
        let load = try load(.append, into: table, fields: [Field("c", .utf8)])
        var lengths = SQLServerLengths(load, table)
        let rows = try batch([Field("c", .utf8)], [[.null], [.text("a")], [.text(text)]])
        let found = lengths.excess(in: rows)
        #expect((found == nil) == fits)
        if let found {
            #expect(found.row == 2)
            #expect(found.limit.wider == "NVARCHAR(MAX)")
            lengths.widen(found.limit)
            #expect(lengths.excess(in: rows) == nil)
            #expect(lengths.widened == [0: "NVARCHAR(MAX)"])
        }
    }

    // MARK: Files

    private func check(_ text: String, _ name: String, _ place: SourceLocation = #_sourceLocation) throws {
        let file = #filePath
        let path =
            file.prefix(upTo: file.lastIndex(of: "/") ?? file.startIndex) + "/SQLServerGolden/" + name
        if getenv("SLUICE_RECORD") != nil {
            let out = fopen(String(path), "w")
            fputs(text, out)
            if let out { fclose(out) }
            return
        }
        var bytes: [UInt8] = []
        if let input = fopen(String(path), "r") {
            var piece = [UInt8](repeating: 0, count: 65_536)
            while case let count = fread(&piece, 1, piece.count, input), count > 0 { bytes += piece[..<count] }
            fclose(input)
        }
        #expect(text == String(decoding: bytes, as: UTF8.self), "\(name)", sourceLocation: place)
    }
}

extension String {
    fileprivate func prefixed(_ count: Int) -> String { String(prefix(count)) }
}
