import Columns
import Support
import Testing
import Warehouse

/// What is to be done to a table, by contract, without a database.
@Suite struct PlannerTests {
    static let planner = TablePlanner(PostgresDialect())
    static let lineage = [
        TableColumn(name: "_source_file", sqlType: "text", type: .utf8),
        TableColumn(
            name: "_loaded_at", sqlType: "timestamp with time zone", type: .timestamp(.microsecond, zone: "UTC"),
            hasDefault: true), TableColumn(name: "_run_id", sqlType: "text", type: .utf8),
    ]

    private func request(
        _ fields: [Field], _ contract: ContractMode = .evolve, key: [String] = []
    ) -> TableRequest {
        TableRequest(table: TableName("orders"), schema: Schema(fields), contract: contract, key: key)
    }

    private func column(_ name: String, _ sqlType: String, _ type: DataType, nullable: Bool = true) -> TableColumn {
        TableColumn(name: name, sqlType: sqlType, type: type, isNullable: nullable)
    }

    @Test func aMissingTableIsMadeWithEveryColumn() throws {
        let plan = try Self.planner.plan(
            request(
                [
                    Field("id", .int64, nullable: false), Field("tags", .list(Field("item", .utf8))),
                    Field("n", .uint64),
                    Field("nothing", .null),
                ], key: ["id"]), existing: nil)
        #expect(plan.changes == [.create])
        #expect(plan.targets.map(\.sqlType) == ["bigint", "jsonb", "numeric(20,0)", "text"])
        #expect(plan.targets.map(\.type) == [.int64, .json, .decimal(precision: 20, scale: 0), .utf8])
        #expect(plan.targets.map(\.isNullable) == [false, true, true, true])
    }

    @Test func aTableThatFitsNeedsNothing() throws {
        let plan = try Self.planner.plan(
            request([Field("ID", .int32), Field("id", .int8)], .freeze),
            existing: [column("id", "smallint", .int16), column("ID", "bigint", .int64)] + Self.lineage)
        #expect(plan.changes.isEmpty)
        #expect(plan.targets.map(\.name) == ["ID", "id"])
        #expect(plan.targets.map(\.type) == [.int64, .int16])
    }

    @Test(arguments: ContractMode.allCases) func missingLineageIsAddedUnderEveryContract(_ contract: ContractMode)
        throws
    {
        let plan = try Self.planner.plan(
            request([Field("id", .int32)], contract), existing: [column("id", "integer", .int32)])
        #expect(
            plan.changes == [
                .add(column: "_source_file", type: "text"), .add(column: "_loaded_at", type: "timestamptz"),
                .add(column: "_run_id", type: "text"),
            ])
    }

    @Test(arguments: [
        ("smallint", DataType.int32, Widening.alter(to: "integer", as: .int32)),
        ("integer", .int64, .alter(to: "bigint", as: .int64)),
        ("integer", .int8, .fits(as: .int32)),
        ("bigint", .uint64, .alter(to: "numeric(20,0)", as: .decimal(precision: 20, scale: 0))),
        (
            "bigint", .decimal(precision: 10, scale: 2),
            .alter(to: "numeric(21,2)", as: .decimal(precision: 21, scale: 2))
        ),
        ("bigint", .float64, .alter(to: "numeric", as: .utf8)),
        ("integer", .float64, .alter(to: "double precision", as: .float64)),
        ("real", .float64, .alter(to: "double precision", as: .float64)),
        ("double precision", .float32, .fits(as: .float64)),
        ("double precision", .int64, .fits(as: .float64)),
        (
            "numeric(10,2)", .decimal(precision: 12, scale: 4),
            .alter(to: "numeric(12,4)", as: .decimal(precision: 12, scale: 4))
        ),
        ("numeric(12,4)", .decimal(precision: 10, scale: 2), .fits(as: .decimal(precision: 12, scale: 4))),
        (
            "numeric(38,0)", .decimal(precision: 38, scale: 10),
            .alter(to: "numeric", as: .decimal(precision: 38, scale: 10))
        ),
        ("numeric", .decimal(precision: 5, scale: 1), .fits(as: .decimal(precision: 5, scale: 1))),
        ("numeric(60,30)", .int16, .fits(as: .int64)), ("numeric", .float32, .fits(as: .utf8)),
        ("numeric", .utf8, .impossible),
        ("date", .timestamp(.nanosecond, zone: nil), .alter(to: "timestamp", as: .timestamp(.microsecond, zone: nil))),
        ("timestamp without time zone", .date, .fits(as: .timestamp(.microsecond, zone: nil))),
        ("timestamp without time zone", .timestamp(.second, zone: "UTC"), .impossible),
        (
            "timestamp(0) with time zone", .timestamp(.millisecond, zone: "Europe/Berlin"),
            .alter(to: "timestamptz", as: .timestamp(.microsecond, zone: "UTC"))
        ),
        (
            "timestamp(3) with time zone", .timestamp(.second, zone: "UTC"),
            .fits(as: .timestamp(.millisecond, zone: "UTC"))
        ),
        ("text", .int64, .fits(as: .utf8)), ("character varying(20)", .date, .fits(as: .utf8)),
        ("integer", .utf8, .impossible), ("boolean", .int32, .impossible), ("uuid", .utf8, .impossible),
        ("jsonb", .structure([Field("a", .int32)]), .fits(as: .json)), ("jsonb", .utf8, .impossible),
        ("bytea", .fixedBinary(3), .fits(as: .binary)), ("inet", .utf8, .fits(as: .utf8)),
        ("inet", .int32, .impossible),
        ("integer", .null, .fits(as: .int32)),
    ])
    func columnsOfPostgresWidenWithoutLoss(_ sqlType: String, _ type: DataType, _ expected: Widening) throws {
        let plan = try? Self.planner.plan(
            request([Field("v", type)]),
            existing: [column("v", sqlType, PostgresDialect.columnType(sqlType))] + Self.lineage)
        switch expected {
        case .fits(let target):
            #expect(plan?.changes == [])
            #expect(plan?.targets.first?.type == target)
        case .alter(let wider, let target):
            #expect(plan?.changes == [.widen(column: "v", from: sqlType, to: wider)])
            #expect(plan?.targets.first?.type == target)
        case .impossible: #expect(plan == nil)
        }
    }

    @Test func everythingThatStandsAgainstIsSaidAtOnce() throws {
        let error = #expect(throws: SluiceError.self) {
            try Self.planner.plan(
                request(
                    [
                        Field("amount", .utf8), Field("nmae", .utf8), Field("_run_id", .utf8), Field("total", .int64),
                        Field("twice", .int64), Field("twice", .int64), Field("made", .int64),
                    ], .freeze, key: ["idd"]),
                existing: [
                    column("amount", "integer", .int32), column("name", "text", .utf8),
                    column("total", "integer", .int32),
                    column("must", "date", .date, nullable: false), column("twice", "bigint", .int64),
                    TableColumn(name: "made", sqlType: "bigint", type: .int64, obstacle: "is generated from others"),
                ] + Self.lineage)
        }
        let message = try #require(error?.message)
        for part in [
            "column \"amount\" is utf8, the table has integer",
            "column \"nmae\" (utf8) is not in the table; the nearest is \"name\"",
            "column \"_run_id\" has a name that Sluice writes itself",
            "column \"total\" is int64, the table has integer and would need bigint", "column \"twice\" comes twice",
            "column \"made\" is generated from others", "the rows lack column \"must\" (date)",
            "key column \"idd\" is not among the columns",
        ] {
            #expect(message.contains(part), "\(part)")
        }
        #expect(error?.hint?.contains("contract: evolve") == true)
    }

    @Test func nullsAreAllowedUnderEvolveExceptInKeys() throws {
        let existing =
            [
                TableColumn(name: "id", sqlType: "bigint", type: .int64, isNullable: false, isInPrimaryKey: true),
                column("k", "bigint", .int64, nullable: false), column("v", "text", .utf8, nullable: false),
                column("gone", "text", .utf8, nullable: false),
                TableColumn(name: "set", sqlType: "text", type: .utf8, isNullable: false, hasDefault: true),
            ] + Self.lineage
        let fields = [Field("id", .int64), Field("k", .int64), Field("v", .utf8)]
        let plan = try Self.planner.plan(request(fields, key: ["k"]), existing: existing)
        #expect(plan.changes == [.allowNull(column: "v"), .allowNull(column: "gone")])
        #expect(plan.targets.map(\.isNullable) == [false, false, true])
        #expect(throws: SluiceError.self) { try Self.planner.plan(request(fields, .discardRows), existing: existing) }
        let frozen = try Self.planner.plan(
            request(fields + [Field("gone", .utf8)], .freeze), existing: existing)
        #expect(frozen.targets.map(\.isNullable) == [false, false, false, false])
    }

    @Test func discardingLeavesTheTableAsItIs() throws {
        let existing = [column("n", "integer", .int32), column("d", "date", .date)] + Self.lineage
        let fields = [Field("n", .utf8), Field("d", .timestamp(.microsecond, zone: nil)), Field("extra", .int32)]
        let columns = try Self.planner.plan(request(fields, .discardColumns), existing: existing)
        #expect(columns.changes.isEmpty && columns.discarded == ["extra"] && columns.rejecting.isEmpty)
        let rows = try Self.planner.plan(request(fields, .discardRows), existing: existing)
        #expect(rows.changes.isEmpty && rows.discarded.isEmpty && rows.rejecting == ["extra"])
        #expect(rows.targets.map(\.type) == [.int32, .date])
        #expect(throws: SluiceError.self) {
            try Self.planner.plan(request([Field("d", .bool)], .discardRows), existing: existing)
        }
    }

    @Test func namesThatDifferInCaseAreOneWhereTheDatabaseSaysSo() throws {
        let planner = TablePlanner(SQLiteDialect())
        let existing = [TableColumn(name: "Name", sqlType: "TEXT", type: .utf8)]
        let plan = try planner.plan(request([Field("NAME", .utf8)]), existing: existing)
        #expect(plan.targets.map(\.name) == ["Name"])
        #expect(throws: SluiceError.self) {
            try planner.plan(request([Field("a", .utf8), Field("A", .utf8)]), existing: nil)
        }
        #expect(throws: SluiceError.self) { try planner.plan(request([Field("_LOADED_AT", .utf8)]), existing: nil) }
    }

    @Test(arguments: ["", "a\0b", String(repeating: "ü", count: 32)]) func namesThatPostgresCannotHaveAreRefused(
        _ name: String
    ) {
        #expect(throws: SluiceError.self) { try Self.planner.plan(request([Field(name, .utf8)]), existing: nil) }
        #expect(throws: SluiceError.self) { try PostgresDialect().quote(TableName(schema: name, "t")) }
    }

    @Test(arguments: [
        ("a", "\"a\""), ("a\"b", "\"a\"\"b\""), ("\"\u{301}", "\"\"\"\u{301}\""), (";--", "\";--\""),
        (String(repeating: "x", count: 63), "\"\(String(repeating: "x", count: 63))\""),
    ])
    func aQuoteInANameIsDoubled(_ name: String, _ sql: String) throws {
        #expect(Array(try PostgresDialect().quote(name).utf8) == Array(sql.utf8))
    }
}
