import Columns
import Support
import TestData
import Testing

@Suite struct CastTests {
    /// Casts text of one type to another by way of its own column, and shows what comes out.
    private func cast(_ text: String, _ from: String, _ to: String, _ mode: CastMode = .strict) throws -> String {
        let source = try Column(.utf8, [.text(text)]).cast(to: try DataType(parsing: from))
        let result = try source.cast(to: try DataType(parsing: to), mode: mode)
        return result.isNull(at: 0) ? "null" : texts(result)[0]
    }

    @Test(arguments: [
        ("127", "int64", "int8", "127"), ("-1", "int8", "int64", "-1"), ("255", "uint64", "uint8", "255"),
        ("9007199254740992", "int64", "float64", "9007199254740992.0"), ("2048", "int16", "float16", "2048.0"),
        ("1.0", "float64", "int8", "1"), ("0.1", "float64", "decimal(3,2)", "0.10"),
        ("0.10", "decimal(3,2)", "float64", "0.1"),
        ("0.5", "float64", "float32", "0.5"), ("NaN", "float64", "float32", "NaN"),
        ("-Infinity", "float32", "float64", "-Infinity"),
        ("12.50", "decimal(10,2)", "decimal(3,1)", "12.5"), ("12.00", "decimal(10,2)", "int8", "12"),
        ("7", "int8", "decimal(5,3)", "7.000"),
        ("12345678901234567.89", "decimal(19,2)", "utf8", "12345678901234567.89"), ("true", "bool", "int32", "1"),
        ("0", "int8", "bool", "false"),
        ("2024-02-29", "date", "timestamp(ms)", "2024-02-29T00:00:00"),
        ("2024-02-29T00:00:00", "timestamp(us)", "date", "2024-02-29"),
        ("1969-12-31T23:59:59Z", "timestamp(ns, UTC)", "timestamp(s)", "1969-12-31T23:59:59"),
        ("2024-02-29", "date", "int32", "19782"),
        ("86399", "int64", "time(ms)", "00:01:26.399"), ("23:59:59.123", "time(ms)", "time(ns)", "23:59:59.123"),
        ("00112233-4455-6677-8899-aabbccddeeff", "uuid", "binary", "ABEiM0RVZneImaq7zN3u/w=="),
        ("Zm9v", "binary", "binary(3)", "Zm9v"),
        ("{\"a\":1}", "json", "utf8", "{\"a\":1}"), ("1", "int8", "json", "1"),
        ("\"x\\n\\u00e9\"", "json", "utf8", "\"x\\n\\u00e9\""),
        ("\"2024-02-29\"", "json", "date", "2024-02-29"), ("null", "json", "int8", "null"),
        ("+12024-02-29", "utf8", "date", "+12024-02-29"),
        ("-0044-03-15T12:00:00Z", "utf8", "timestamp(s, UTC)", "-0044-03-15T12:00:00Z"),
        ("2024-02-29", "utf8", "timestamp(s)", "2024-02-29T00:00:00"),
        ("1e3", "utf8", "decimal(6,1)", "1000.0"), ("-0.0", "float32", "float64", "-0.0"),
    ])
    func valuesThatFitBecomeTheOtherType(text: String, from: String, to: String, expected: String) throws {
        let result = try cast(text, from, to)
        #expect(result == expected)
    }

    @Test(arguments: [
        ("128", "int64", "int8"), ("-1", "int8", "uint64"), ("9007199254740993", "int64", "float64"),
        ("2049", "int16", "float16"),
        ("1.5", "float64", "int8"), ("NaN", "float64", "int64"), ("1e300", "float64", "int64"),
        ("0.1", "float64", "float32"),
        ("0.125", "float64", "decimal(3,2)"), ("NaN", "float64", "decimal(3,2)"),
        ("12.55", "decimal(10,2)", "decimal(3,1)"),
        ("12345678901234567.89", "decimal(19,2)", "float64"), ("12.50", "decimal(10,2)", "int8"),
        ("1000", "int32", "decimal(5,3)"), ("2", "int8", "bool"),
        ("2024-02-29T00:00:01", "timestamp(s)", "date"), ("9999-12-31", "date", "timestamp(ns)"),
        ("2024-02-29T00:00:00.5", "timestamp(ms)", "timestamp(s)"),
        ("86400", "int64", "time(s)"), ("abc", "utf8", "int64"), ("", "utf8", "date"), ("Zm9v", "binary", "binary(4)"),
        ("Zm9", "utf8", "uuid"),
        ("{", "utf8", "json"), ("2024-02-29T00:00:00Z", "utf8", "timestamp(s)"), ("2023-02-29", "utf8", "date"),
        ("1e400", "utf8", "float64"),
    ])
    func valuesThatDoNotFitAreReportedOrNull(text: String, from: String, to: String) throws {
        let error = #expect(throws: SluiceError.self) { try cast(text, from, to) }
        #expect(error?.place.row == 1)
        #expect(error?.message.hasPrefix("'") == true)
        let result = try cast(text, from, to, .nullOnFailure)
        #expect(result == "null")
    }

    @Test(arguments: [
        ("1.5", "float64", "int8", "2"), ("0.1", "float64", "float32", "0.1"),
        ("0.125", "float64", "decimal(3,2)", "0.13"),
        ("-12.55", "decimal(10,2)", "decimal(3,1)", "-12.6"),
        ("12345678901234567.89", "decimal(19,2)", "float64", "1.2345678901234568e+16"),
        ("1969-12-31T23:59:59.5", "timestamp(ms)", "timestamp(s)", "1969-12-31T23:59:59"),
        ("9007199254740993", "int64", "float64", "9007199254740992.0"),
    ])
    func roundingTakesTheNearestValue(text: String, from: String, to: String, expected: String) throws {
        let result = try cast(text, from, to, .rounding)
        #expect(result == expected)
    }

    @Test func roundingDoesNotHideWhatIsOutOfRange() {
        #expect(throws: SluiceError.self) { try cast("300", "int32", "int8", .rounding) }
        #expect(throws: SluiceError.self) { try cast("1e39", "float64", "float32", .rounding) }
        #expect(throws: SluiceError.self) { try cast("99.95", "decimal(4,2)", "decimal(3,1)", .rounding) }
    }

    @Test func nullsAndSlicesKeepTheirPlaces() throws {
        let column = try Column(.int32, (0..<100).map { $0 % 7 == 0 ? .null : .int($0 * 10) })
        let cut = column.slice(13..<77)
        let expected: [Value] = (13..<77).map { $0 % 7 == 0 ? .null : .int($0 * 10) }
        let wide = try cut.cast(to: .int64)
        #expect(wide.allValues == expected)
        #expect(wide.nullCount == cut.nullCount)
        let narrow = try cut.cast(to: .uint8, mode: .nullOnFailure)
        #expect(narrow.allValues == expected.map { if case .int(let value) = $0, value > 255 { .null } else { $0 } })
        #expect(narrow.nullCount == narrow.allValues.count { $0 == .null })
        let error = #expect(throws: SluiceError.self) { try cut.cast(to: .uint8) }
        #expect(error?.description == "row 14: '260' does not fit uint8")
    }

    @Test func whatLiesUnderANullDoesNotMatter() throws {
        let values = Buffer(values: [1 as Int32, 1_000_000, 3])
        let column = Column(type: .int32, count: 3, nullCount: 1, validity: Buffer([0b101]), values: values)
        let cast = try column.cast(to: .int8)
        #expect(cast.allValues == [.int(1), .null, .int(3)])
    }

    @Test func nestedValuesAreCastPartByPart() throws {
        let type = try DataType(parsing: "list<item: struct<a: int32, b: utf8>>")
        let row = Value.list([.structure([.int(1), .text("2")]), .null])
        let column = try Column(type, [.list([.structure([.int(9), .text("9")])]), row, .null]).slice(1..<3)
        let target = try DataType(parsing: "list<item: struct<b: int8, c: date, a: int64>>")
        let cast = try column.cast(to: target)
        #expect(cast.allValues == [.list([.structure([.int(2), .null, .int(1)]), .null]), .null])
        let lossy = try DataType(parsing: "list<item: struct<b: int8>>")
        #expect(throws: SluiceError.self) { try column.cast(to: lossy) }
        let bad = try Column(type, [.list([]), .list([.structure([.int(1), .text("x")])])])
        let error = #expect(throws: SluiceError.self) { try bad.cast(to: target) }
        #expect(error?.description == "column \"b\", row 2: 'x' does not fit int8")
    }

    @Test func typesThatHaveNothingInCommonAreRefused() throws {
        let bools = try Column(.bool, [.bool(true)])
        #expect(throws: SluiceError.self) { try bools.cast(to: .date) }
        #expect(throws: SluiceError.self) { try bools.cast(to: .list(Field("item", .bool))) }
        #expect(throws: SluiceError.self) { try bools.cast(to: .null) }
        let nulls = try Column.nulls(.bool, count: 3).cast(to: .uuid)
        #expect(nulls.nullCount == 3)
    }

    @Test(arguments: [
        ("{}", true), (" [1, -0.5e+3 ,\"\\u00e9\", {\"a\":[]}] ", true), ("01", false), ("1.", false), ("[1,]", false),
        ("\"\n\"", false), ("nul", false),
        ("{\"a\" 1}", false), ("", false), ("1 2", false), ("\"\\x\"", false), ("\"", false), ("-", false),
        ("[[]", false),
    ])
    func onlyJSONBecomesJSON(text: String, isJSON: Bool) throws {
        let result = try Column(.utf8, [.text(text)]).cast(to: .json, mode: .nullOnFailure)
        #expect((result.nullCount == 0) == isJSON)
    }

    @Test func absurdlyDeepJSONIsRefusedAndDoesNotCrash() throws {
        let deep = String(repeating: "[", count: 1_000_000)
        #expect(throws: SluiceError.self) { try Column(.utf8, [.text(deep)]).cast(to: .json) }
    }

    @Test(arguments: 0..<200) func everyTypeSurvivesText(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let field = random.field("x", depth: 0)
        if field.type == .null || field.type == .json { return }
        let column = try random.column(field, count: 100)
        let back = try column.cast(to: .utf8).cast(to: field.type)
        #expect(back.allValues.map { "\($0)" } == column.allValues.map { "\($0)" }, "\(field)")
        if field.type == .utf8 { return }
        let json = try column.cast(to: .json).cast(to: field.type)
        #expect(json.allValues.map { "\($0)" } == column.allValues.map { "\($0)" }, "\(field) by json")
    }
}
