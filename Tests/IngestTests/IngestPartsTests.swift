import Columns
import Connectors
import Storage
import Support
import Testing
import Warehouse

@testable import Ingest

@Suite struct ManifestTests {
    @Test func isReadAsItWasWritten() throws {
        let manifest = Manifest(
            run: "run-1", pipeline: "shop.orders", table: "stage.\"odd name\"", createdAt: 1_795_239_176_123_456,
            schema: Schema([
                Field("id", .int64, nullable: false), Field("a \"b\"\n", .decimal(precision: 38, scale: 9)),
                Field("tags", .list(Field("item", .utf8))), Field("open", .null),
            ]),
            parts: [StagedFile(path: "a/b.parquet", size: 12, hash: "ff", rows: 3, source: "public.orders")],
            sourceFiles: [SourceFile(path: "in/ä.csv", size: 5, modified: -7, hash: "00", rows: 2)],
            cursorFrom: "null", watermark: Watermark(column: "at", type: "utf8", value: "~"), sourceKey: ["id", "n"],
            isFullRefresh: true, isOverlapping: true, rowsRead: 4, rowsRejected: 1, bytesRead: 99)
        let read = try Manifest(parsing: manifest.json.text(pretty: true), file: "m.json")
        #expect(read.json == manifest.json)
        #expect(read.schema == manifest.schema)
        #expect(read.parts == manifest.parts)
        #expect(read.sourceFiles == manifest.sourceFiles)
        #expect(read.watermark == manifest.watermark)
        #expect(read.cursorFrom == "null")
    }

    @Test(arguments: ["", "{}", "[1]", "{\"version\": 2}", "{\"version\":1,\"run\":\"r\"", "\u{0}"])
    func anythingElseIsRefused(_ text: String) {
        let error = #expect(throws: SluiceError.self) { try Manifest(parsing: text, file: "m.json") }
        #expect(error?.place.file == "m.json")
        #expect(error?.hint != nil)
    }
}

@Suite struct CursorValueTests {
    @Test(arguments: [
        ("int64", "100", "30", "70"), ("int64", "10", "30", "-20"), ("decimal(12,2)", "5.25", "2", "3.25"),
        ("date", "2024-03-01", "1d", "2024-02-29"), ("date", "2024-03-01", "1h", "2024-02-29"),
        ("timestamp(us, UTC)", "2024-01-01T00:00:10.5Z", "1m", "2023-12-31T23:59:10.500000Z"),
        ("timestamp(s)", "2024-01-01T00:00:10", "500ms", "2024-01-01T00:00:09"),
    ])
    func readingBeginsAsFarBehindAsRowsMayBeLate(
        _ type: String, _ value: String, _ late: String, _ start: String
    ) throws {
        let mark = Watermark(column: "c", type: type, value: value)
        let parsed = try DataType(parsing: type)
        let found = try CursorValue.start(mark, late: late)
        let difference = try CursorValue.value(found, parsed, column: "c")
        #expect(try difference == CursorValue.value(start, parsed, column: "c"), "\(found)")
        #expect(try CursorValue.start(mark, late: nil) == value)
        #expect(try CursorValue.isBefore(found, value, parsed, column: "c"))
        #expect(try !CursorValue.isBefore(value, value, parsed, column: "c"))
    }

    @Test(arguments: [("utf8", "abc", "1d"), ("int64", "5", "1d"), ("timestamp(us)", "2024-01-01", "7 bananas")])
    func aWindowThatMeansNothingIsRefused(_ type: String, _ value: String, _ late: String) {
        let error = #expect(throws: SluiceError.self) {
            try CursorValue.start(Watermark(column: "c", type: type, value: value), late: late)
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.place.column == "c")
    }
}

@Suite struct RejectLimitTests {
    @Test(arguments: [
        ("10", 10, 20, false, false), ("10", 11, 20, false, true), ("0", 1, 1000, false, true),
        ("5%", 5, 100, true, false), ("5%", 6, 100, true, true), ("5%", 99, 100, false, false),
        ("0%", 1, 1_000_000, true, true), ("100%", 7, 7, true, false),
    ])
    func isPassedAsItSays(_ text: String, _ rejected: Int, _ read: Int, _ isFinal: Bool, _ isPassed: Bool) throws {
        let limit = try #require(RejectLimit(parsing: text))
        #expect(limit.isPassed(rejected: rejected, of: read, isFinal: isFinal) == isPassed)
    }

    @Test(arguments: ["", "-1", "x", "101%", "-1%", "%", "1.5"])
    func anythingElseIsNoLimit(_ text: String) { #expect(RejectLimit(parsing: text) == nil) }
}

@Suite struct RowFitterTests {
    private func column(_ type: DataType, _ values: [Value]) throws -> Column {
        let builder = makeBuilder(type)
        for value in values { try builder.append(value) }
        return builder.finish()
    }

    private func fitter(_ targets: [TablePlan.Target], required: [String] = [], rejecting: [String] = []) -> RowFitter {
        let request = TableRequest(table: TableName("t"), schema: Schema([]), contract: .discardRows)
        return RowFitter(
            plan: TablePlan(request: request, changes: [], targets: targets, rejecting: rejecting), required: required,
            isStrict: false)
    }

    @Test func valuesThatDoNotFitRejectTheirRowsAlone() throws {
        let batch = RecordBatch(
            schema: Schema([Field("id", .int64), Field("n", .utf8), Field("extra", .utf8)]),
            columns: [
                try column(.int64, [.int(1), .int(2), .null, .int(4), .int(5)]),
                try column(.utf8, [.text("7"), .text("x"), .text("8"), .null, .text("9")]),
                try column(.utf8, [.null, .null, .null, .null, .text("here")]),
            ])
        let (fitted, rejected) = try fitter(
            [
                .init(name: "N", type: .int32, sqlType: "integer"), .init(name: "id", type: .int64, sqlType: "bigint"),
                .init(name: "absent", type: .utf8, sqlType: "text"),
            ], required: ["id"], rejecting: ["extra"]
        ).fit(batch, unit: "orders.csv", firstRow: 11)
        #expect(fitted.schema.fields.map(\.name) == ["N", "id", "absent"])
        #expect((0..<fitted.rowCount).map { fitted.columns[0].value(at: $0) } == [.int(7), .null])
        #expect((0..<fitted.rowCount).map { fitted.columns[1].value(at: $0) } == [.int(1), .int(4)])
        #expect(fitted.columns[2].nullCount == 2)
        #expect(rejected.map(\.row) == [12, 13, 15])
        #expect(rejected.map(\.column) == ["N", "id", "extra"])
        #expect(rejected[0].raw == #"{"id":2,"n":"x","extra":null}"#)
        #expect(rejected.allSatisfy { $0.unit == "orders.csv" })
    }

    @Test func whatFitsIsPassedOn() throws {
        let ids = try column(.int64, [.int(1), .int(2)])
        let batch = RecordBatch(schema: Schema([Field("id", .int64)]), columns: [ids])
        let (fitted, rejected) = try fitter([.init(name: "id", type: .int64, sqlType: "bigint")])
            .fit(batch, unit: "t", firstRow: 1)
        #expect(rejected.isEmpty)
        #expect(fitted.columns[0].values?.unsafeStart == ids.values?.unsafeStart)
    }
}
