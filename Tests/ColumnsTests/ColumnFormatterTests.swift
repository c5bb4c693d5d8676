import Columns
import Support
import TestData
import Testing

/// The text of every row.
func texts(_ column: Column, _ style: ColumnFormatter.Style = .plain) -> [String] {
    let formatter = ColumnFormatter(column, style: style)
    return (0..<column.count).map { row in
        let out = MutableBuffer()
        formatter.append(row: row, to: out)
        return String(decoding: out.freeze().bytes, as: UTF8.self)
    }
}

@Suite struct ColumnFormatterTests {
    @Test func integersOfEveryLengthAreWrittenInFull() throws {
        var random = Randomness(1)
        var values: [Int64] = [0, .min, .max]
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            values += [power, power - 1, -power, 1 - power]
        }
        for _ in 0..<1000 { values.append(random.integer(Int64.self)) }
        #expect(texts(try Column(.int64, values.map { .int(Int128($0)) })) == values.map(\.description))
        let unsigned = values.map { UInt64(bitPattern: $0) }
        #expect(texts(try Column(.uint64, unsigned.map { .int(Int128($0)) })) == unsigned.map(\.description))
        let narrow = (Int8.min...Int8.max).map { Int128($0) }
        #expect(texts(try Column(.int8, narrow.map { .int($0) })) == narrow.map(\.description))
    }

    @Test(arguments: [
        (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-1.5, "-1.5"), (0.1, "0.1"), (1e15, "1000000000000000.0"),
        (1e16, "1e+16"), (123456.789, "123456.789"), (0.0001, "0.0001"), (0.00001, "1e-05"),
        (.leastNonzeroMagnitude, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (.nan, "NaN"), (.infinity, "Infinity"),
        (-.infinity, "-Infinity"), (9007199254740992, "9007199254740992.0"),
        (12345678901234568, "1.2345678901234568e+16"),
    ])
    func floatsAreWrittenAsPeopleWriteThem(value: Double, text: String) throws {
        #expect(texts(try Column(.float64, [.float(value)])) == [text])
    }

    @Test func floatsReadBackAsTheyWere() throws {
        var random = Randomness(2)
        let values = (0..<20_000).map { _ in random.double() }
        for (value, text) in zip(values, texts(try Column(.float64, values.map { .float($0) }))) where value.isFinite {
            #expect(Double(text)?.bitPattern == value.bitPattern, "\(value) became \(text)")
            #expect(text.utf8.count <= value.description.utf8.count, "\(text) is not the shortest for \(value)")
        }
        let singles = values.map { Float($0) }
        for (value, text) in zip(singles, texts(try Column(.float32, singles.map { .float(Double($0)) })))
        where value.isFinite {
            #expect(Float(text)?.bitPattern == value.bitPattern, "\(value) became \(text)")
        }
        let halves = (UInt16.min...UInt16.max).map { Float16(bitPattern: $0) }.filter(\.isFinite)
        for (value, text) in zip(halves, texts(try Column(.float16, halves.map { .float(Double($0)) }))) {
            #expect(Float16(text)?.bitPattern == value.bitPattern, "\(value) became \(text)")
        }
    }

    @Test(arguments: [
        (0 as Int128, 0, "0"), (0, 3, "0.000"), (5, 0, "5"), (-5, 1, "-0.5"), (1250, 2, "12.50"), (-1250, 4, "-0.1250"),
        (1, 38, "0." + String(repeating: "0", count: 37) + "1"), (7, -3, "7000"), (0, -3, "0"),
        (99_999_999_999_999_999_999_999_999_999_999_999_999, 19, "9999999999999999999.9999999999999999999"),
        (-99_999_999_999_999_999_999_999_999_999_999_999_999, 0, "-99999999999999999999999999999999999999"),
        (10_000_000_000_000_000_000, 0, "10000000000000000000"), (Int128.min, 0, Int128.min.description),
    ])
    func decimalsKeepEveryPlace(digits: Int128, scale: Int, text: String) throws {
        #expect(texts(try Column(.decimal(precision: 38, scale: scale), [.ticks(digits)])) == [text])
    }

    @Test(arguments: [
        (0 as Int128, "1970-01-01"), (-1, "1969-12-31"), (19782, "2024-02-29"), (11016, "2000-02-29"),
        (2_932_896, "9999-12-31"), (2_932_897, "+10000-01-01"), (-719_528, "0000-01-01"), (-719_529, "-0001-12-31"),
        (Int128(Int32.max), "+5881580-07-11"), (Int128(Int32.min), "-5877641-06-23"),
    ])
    func daysAreISO8601InAnyYear(days: Int128, text: String) throws {
        #expect(texts(try Column(.date, [.ticks(days)])) == [text])
        #expect(texts(try Column(.date, [.ticks(days)]), .json) == ["\"\(text)\""])
    }

    @Test(arguments: [
        (DataType.timestamp(.second, zone: nil), 0 as Int128, "1970-01-01T00:00:00"),
        (.timestamp(.millisecond, zone: "UTC"), -1, "1969-12-31T23:59:59.999Z"),
        (.timestamp(.microsecond, zone: "Europe/Berlin"), 1_709_211_909_123_456, "2024-02-29T13:05:09.123456Z"),
        (.timestamp(.microsecond, zone: nil), 1_709_211_909_120_000, "2024-02-29T13:05:09.120"),
        (.timestamp(.nanosecond, zone: nil), 1, "1970-01-01T00:00:00.000000001"),
        (.timestamp(.nanosecond, zone: nil), Int128(Int64.max), "2262-04-11T23:47:16.854775807"),
        (.timestamp(.nanosecond, zone: nil), Int128(Int64.min), "1677-09-21T00:12:43.145224192"),
        (.timestamp(.second, zone: nil), Int128(Int64.max), "+292277026596-12-04T15:30:07"),
        (.timestamp(.second, zone: nil), Int128(Int64.min), "-292277022657-01-27T08:29:52"),
        (.time(.second), 86399, "23:59:59"), (.time(.millisecond), 1, "00:00:00.001"),
        (.time(.microsecond), 3_600_000_000, "01:00:00"),
        (.time(.nanosecond), 86_399_999_999_999, "23:59:59.999999999"),
        (.time(.nanosecond), Int128(Int64.min), "-2562047:47:16.854775808"), (.time(.second), 86400, "24:00:00"),
    ])
    func momentsAreISO8601(type: DataType, ticks: Int128, text: String) throws {
        #expect(texts(try Column(type, [.ticks(ticks)])) == [text])
    }

    @Test func jsonStringsEscapeWhatTheyMustAndNothingElse() throws {
        var random = Randomness(3)
        var values = (0..<2000).map { _ in random.text() }
        values += (0...40).flatMap { length in
            ["\"", "\\", "\n", "\u{0}", "\u{1f}", "é"].map { String(repeating: "x", count: length) + $0 + "yz" }
        }
        func escaped(_ text: String) -> String {
            var result = "\""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"": result += "\\\""
                case "\\": result += "\\\\"
                case "\n": result += "\\n"
                case "\r": result += "\\r"
                case "\t": result += "\\t"
                case "\u{8}": result += "\\b"
                case "\u{c}": result += "\\f"
                case ..<" ": result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                default: result.unicodeScalars.append(scalar)
                }
            }
            return result + "\""
        }
        let column = try Column(.utf8, values.map { .text($0) })
        #expect(texts(column, .json) == values.map(escaped))
        #expect(texts(column) == values)
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
    func bytesAreBase64(bytes: String, text: String) throws {
        let column = try Column(.binary, [.bytes(Array(bytes.utf8))])
        #expect(texts(column) == [text])
        #expect(texts(column, .json) == ["\"\(text)\""])
    }

    @Test func uuidsAreWrittenInTheirFiveGroups() throws {
        let column = try Column(.uuid, [.bytes((0..<16).map { $0 * 17 })])
        #expect(texts(column) == ["00112233-4455-6677-8899-aabbccddeeff"])
    }

    @Test func nestedValuesAreJSON() throws {
        let type = DataType.structure([
            Field("a \"b\"", .list(Field("item", .int32))),
            Field("m", .map(key: Field("key", .int32, nullable: false), value: Field("value", .float64))),
            Field("t", .date), Field("j", .json),
        ])
        let column = try Column(
            type,
            [
                .structure([
                    .list([.int(1), .null]), .list([.structure([.int(7), .float(.nan)])]), .ticks(0), .text("{\n}"),
                ]),
                .null, .structure([.null, .list([]), .null, .null]),
            ])
        let row = #"{"a \"b\"":[1,null],"m":{"7":"NaN"},"t":"1970-01-01","j":{ }}"#
        #expect(texts(column) == [row, "", #"{"a \"b\"":null,"m":{},"t":null,"j":null}"#])
        #expect(texts(column, .json)[1] == "null")
    }

    @Test(arguments: 0..<50) func aSliceIsWrittenAsTheRowsOfTheWhole(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let column = try random.column(random.field("x"), count: 90)
        let whole = texts(column, .json)
        for start in [0, 1, 7, 8, 9, 64, 89] {
            #expect(texts(column.slice(start..<90), .json) == Array(whole[start...]))
        }
    }
}
