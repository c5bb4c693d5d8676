import Columns
import Support
import Testing

@testable import TextFormats

@Suite struct JSONReaderTests {
    @Test(arguments: [
        "[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":null}]",
        " \n[ {\"a\" : 1 , \"b\":\"x\"}\n,{\"b\":null,\"a\":2 } ] \n",
        "{\"a\":1,\"b\":\"x\"}\n{\"a\":2}\n",
        "{\"a\":1,\"b\":\"x\"}{\"a\":2}",
        "{\n  \"a\": 1,\n  \"b\": \"x\"\n}\r\n\r\n{\n  \"a\": 2\n}",
        "\u{feff}{\"a\":1,\"b\":\"x\"}\n{\"a\":2}",
        "\u{feff} [{\"a\":1,\"b\":\"x\"},{\"a\":2}]",
    ])
    func recordsAreFoundHoweverTheyLie(_ text: String) async throws {
        for size in [1, 7, 64, 1 << 20] {
            let read = try await readJSON(text, .chunks(size))
            #expect(read.types == ["a: int64", "b: utf8"])
            #expect(read.rows == [[.int(1), .text("x")], [.int(2), .null]])
        }
    }

    @Test func nothingHasNoRows() async throws {
        for text in ["", " \n ", "[]", " [ \n ] ", "\u{feff}"] {
            let read = try await readJSON(text)
            #expect(read.rows.isEmpty)
            #expect(read.schema.fields.isEmpty)
        }
    }

    @Test func oneObjectIsOneRow() async throws {
        var options = JSONOptions()
        options.layout = .object
        let read = try await readJSON("{\"a\":[1,2],\"b\":{\"c\":true}}", options)
        #expect(read.types == ["a: list<item: int64>", "b: struct<c: bool>"])
        #expect(read.rows == [[.list([.int(1), .int(2)]), .structure([.bool(true)])]])
        let error = await failure { _ = try await readJSON("{}{}", options) }
        #expect(error?.code == .invalidData)
    }

    @Test func recordsThatAreNoObjectsAreOneColumn() async throws {
        #expect(try await readJSON("1\n2 3\n").column("value") == [.int(1), .int(2), .int(3)])
        #expect(try await readJSON("[[1],[],null]").column("value") == [.list([.int(1)]), .list([]), .null])
        for size in [1, 1000] {
            let mixed = try await readJSON("[{\"a\":1},{\"a\":2},{\"a\":3},\"x\", 1.50 ,[ 1 ]]", .chunks(size))
            #expect(mixed.types == ["value: json"])
            #expect(
                mixed.column("value") == [
                    .text("{\"a\":1}"), .text("{\"a\":2}"), .text("{\"a\":3}"), .text("\"x\""), .text("1.50"),
                    .text("[ 1 ]"),
                ])
            #expect(mixed.schema.metadata.isEmpty)
        }
    }

    @Test func scalarsBetweenCommasAreCutToo() async throws {
        let numbers = (0..<500).map { "\($0)" }.joined(separator: ",")
        let read = try await readJSON("[\(numbers)]", .chunks(16))
        #expect(read.column("value") == (0..<500).map { .int($0) })
    }

    @Test(arguments: [
        ("1", "2", "int64"), ("1", "1.5", "float64"), ("1", "18446744073709551615", "uint64"),
        ("-1", "18446744073709551615", "decimal(38,0)"), ("1", "18446744073709551616", "decimal(38,0)"),
        ("1", "1\(String(repeating: "0", count: 40))", "utf8"), ("9007199254740993", "0.5", "decimal(38,1)"),
        ("0.5", "0.1234567890123456789", "decimal(38,19)"), ("0.5", "1e400", "utf8"), ("1", "\"x\"", "json"),
        ("true", "1", "json"), ("null", "1", "int64"), ("{}", "null", "json"), ("{}", "{\"k\":1}", "struct<k: int64>"),
        ("[]", "[1]", "list<item: int64>"), ("[]", "[[]]", "list<item: list<item: utf8>>"),
        ("[1]", "[\"x\"]", "list<item: json>"), ("{\"k\":1}", "[1]", "json"),
        ("{\"k\":1}", "{\"k\":[]}", "struct<k: json>"),
        ("\"2024-02-29\"", "\"2024-03-01\"", "date"), ("\"2024-02-29\"", "\"2023-02-29\"", "utf8"),
        ("\"2024-02-29\"", "\"2024-03-01T10:00:00\"", "timestamp(us)"),
        ("\"2024-02-29T00:00:00Z\"", "\"2024-03-01T10:00:00.123+02:00\"", "timestamp(us, UTC)"),
        ("\"2024-02-29T00:00:00Z\"", "\"2024-03-01T10:00:00\"", "utf8"),
        ("\"2024-02-29T00:00:00\"", "\"2024-03-01T10:00:00.123456789\"", "timestamp(ns)"),
        ("\"10:00:00\"", "\"23:59:59.5\"", "time(us)"), ("null", "null", "utf8"), ("-0", "1", "float64"),
        ("1e2", "1", "float64"), ("1.0", "9007199254740992", "float64"),
    ])
    func laterValuesWidenTheType(_ first: String, _ second: String, _ type: String) async throws {
        // Whichever comes first, and however the text is cut, the type is the same.
        for (one, other) in [(first, second), (second, first)] {
            let lines =
                Array(repeating: "{\"v\":\(one)}", count: 20) + ["{\"v\":\(other)}"]
                + Array(repeating: "{\"v\":\(one)}", count: 3)
            var expected: ReadRows?
            for size in [1, 40, 200, 1 << 20] {
                let read = try await readJSON(lines.joined(separator: "\n"), .chunks(size))
                #expect(read.types == ["v: \(type)"], "\(one) then \(other), chunks of \(size)")
                #expect(read.rows.count == 24)
                if let expected { #expect(expected.rows == read.rows) }
                expected = read
                if type == "json" || type == "utf8", other != "null" {
                    let text = other.hasPrefix("\"") && type == "utf8" ? String(other.dropFirst().dropLast()) : other
                    #expect(read.rows[20] == [.text(text)])
                }
            }
        }
    }

    @Test func theLastRecordMayBringAKey() async throws {
        let lines = (0..<1000).map { "{\"a\":\($0)}" } + ["{\"b\":{\"c\":[\"x\"]},\"a\":1000}"]
        let read = try await readJSON(lines.joined(separator: "\n"), .chunks(256))
        #expect(read.types == ["a: int64", "b: struct<c: list<item: utf8>>"])
        #expect(read.widenings == 1)
        #expect(read.rows.count == 1001)
        #expect(read.rows[0] == [.int(0), .null])
        #expect(read.rows[1000] == [.int(1000), .structure([.list([.text("x")])])])
    }

    @Test func mixedValuesKeepTheirText() async throws {
        let read = try await readJSON(
            "{\"v\": 1.10}\n{\"v\":\"a\\u0041\"}\n{\"v\":{\"x\" : [1, 2]} }\n{\"v\":null}\n{\"v\":true}")
        #expect(read.types == ["v: json"])
        #expect(
            read.column("v") == [
                .text("1.10"), .text("\"a\\u0041\""), .text("{\"x\" : [1, 2]}"), .null, .text("true"),
            ])
    }

    @Test func nestedValuesStayTextWhenAsked() async throws {
        var options = JSONOptions()
        options.nested = .json
        let read = try await readJSON("{\"a\":{\"b\":1},\"c\":[1, 2],\"d\":1}\n{\"a\":{}}", options)
        #expect(read.types == ["a: json", "c: json", "d: int64"])
        #expect(read.rows == [[.text("{\"b\":1}"), .text("[1, 2]"), .int(1)], [.text("{}"), .null, .null]])
    }

    @Test func escapesStandForTheirCharacters() async throws {
        let read = try await readJSON(
            #"{"k\u0065y":"\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00é€😀","key2":"\\"}"# + "\n"
                + #"{"key":"","key2":"a long string, longer than thirty-two bytes, with \n one escape"}"#)
        #expect(read.schema.fields.map(\.name) == ["key", "key2"])
        #expect(read.rows[0] == [.text("\"\\/\u{8}\u{c}\n\r\té€😀é€😀"), .text("\\")])
        #expect(
            read.rows[1] == [.text(""), .text("a long string, longer than thirty-two bytes, with \n one escape")])
    }

    @Test func keysThatLookAlikeAreToldApart() async throws {
        // A key that holds a backslash must not be taken for the escape that it looks like.
        let read = try await readJSON(
            #"{"a\\n":1,"a\n":2,"abcdefgh":3,"abcdefghi":4,"abcdefg":5,"":6}"# + "\n"
                + #"{"a\n":2,"a\\n":1,"":6,"abcdefg":5,"abcdefghi":4,"abcdefgh":3}"#)
        #expect(read.rows[0] == (1...6).map { .int($0) })
        #expect(read.rows[1] == read.rows[0])
    }

    @Test func numbersKeepTheirValue() async throws {
        let read = try await readJSON(
            """
            {"i":-9223372036854775808,"f":1e-320,"g":0.30000000000000004,"u":18446744073709551615,"x":1E+2}
            {"i":9223372036854775807,"f":1.7976931348623157e308,"g":123456.75,"u":0,"x":-0.0}
            """)
        #expect(read.types == ["i: int64", "f: float64", "g: float64", "u: uint64", "x: float64"])
        #expect(
            read.rows[0] == [
                .int(Int128(Int64.min)), .float(Double(bitPattern: 2024)), .float(0.1 + 0.2), .int(Int128(UInt64.max)),
                .float(100),
            ])
        #expect(
            read.rows[1] == [
                .int(Int128(Int64.max)), .float(.greatestFiniteMagnitude), .float(123456.75), .int(0), .float(-0.0),
            ])
    }

    @Test func nullsAndMissingKeysAreNullAtEveryDepth() async throws {
        let read = try await readJSON(
            """
            {"s":{"a":1,"t":{"b":[1,null]}}}
            {"s":null}
            {"s":{"t":null}}
            {}
            {"s":{"t":{"b":[]},"a":null}}
            """)
        #expect(read.types == ["s: struct<a: int64, t: struct<b: list<item: int64>>>"])
        #expect(
            read.column("s") == [
                .structure([.int(1), .structure([.list([.int(1), .null])])]), .null, .structure([.null, .null]), .null,
                .structure([.null, .structure([.list([])])]),
            ])
    }

    @Test func duplicateKeysFollowThePolicy() async throws {
        let text = "{\"a\":[1,2],\"b\":\"x\",\"a\":[3],\"b\":\"yy\"}\n{\"b\":\"z\",\"a\":[]}"
        let error = await failure { _ = try await readJSON(text) }
        #expect(error?.message.contains("\"a\"") == true)
        var options = JSONOptions()
        options.duplicateKeys = .first
        #expect(try await readJSON(text, options).rows[0] == [.list([.int(1), .int(2)]), .text("x")])
        options.duplicateKeys = .last
        let last = try await readJSON(text, options)
        #expect(last.rows == [[.list([.int(3)]), .text("yy")], [.list([]), .text("z")]])
    }

    @Test func objectsWithVeryManyKeysStayText() async throws {
        var options = JSONOptions.chunks(64)
        options.limits.maxFields = 10
        let lines = (0..<30).map { "{\"m\":{\"k\($0)\":1}}" }
        for size in [32, 1 << 20] {
            options.chunkBytes = size
            let read = try await readJSON(lines.joined(separator: "\n"), options)
            #expect(read.types == ["m: json"])
            #expect(read.rows[29] == [.text("{\"k29\":1}")])
        }
        options.limits.maxColumns = 10
        let wide = "{" + (0..<30).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
        let error = await failure { _ = try await readJSON(wide, options) }
        #expect(error?.code == .limitExceeded)
    }

    @Test func deepNestingStaysTextBeyondALimit() async throws {
        var options = JSONOptions()
        options.limits.maxTypeDepth = 2
        let read = try await readJSON("{\"a\":{\"b\":{\"c\":{\"d\":1}}}}", options)
        #expect(read.types == ["a: struct<b: struct<c: json>>"])
        #expect(read.rows == [[.structure([.structure([.text("{\"d\":1}")])])]])
        // What Parquet has no room for, at two levels a list, is text by itself.
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let type = try await readJSON("{\"a\":\(deep)}").types[0]
        #expect(type.split(separator: "list<").count == 31 && type.contains("item: json"))
    }
}
