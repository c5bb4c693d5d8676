import Testing

@testable import Classic

@Suite struct DocumentTests {
    @Test(arguments: [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[1,\r\n2\r,é", "Expecting value: line 3 column 2 (char 7)"),
        ("{} {}", "Extra data: line 1 column 4 (char 3)"),
        ("\u{feff}{}", "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)"),
        ("{\"a\": 1,}", "Expecting property name enclosed in double quotes: line 1 column 9 (char 8)"),
        ("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)"),
        ("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"),
        ("[\"abc", "Unterminated string starting at: line 1 column 2 (char 1)"),
        ("\"a\u{1}\"", "Invalid control character at: line 1 column 3 (char 2)"),
        ("\"\\x\"", "Invalid \\escape: line 1 column 2 (char 1)"),
        ("\"\\u0041", "Invalid \\uXXXX escape: line 1 column 3 (char 2)"),
        ("1.", "Extra data: line 1 column 2 (char 1)"),
        ("-Infinit", "Expecting value: line 1 column 1 (char 0)"),
    ])
    func mistakesAreWhereAndWhatPythonSays(text: String, details: String) async throws {
        #expect(try await failure(text) == "JSON parsing failed: \(details)")
    }

    @Test(arguments: [
        ("[]", "'list' object has no attribute 'get'"), ("1", "'int' object has no attribute 'get'"),
        ("{\"transactions\": null}", "object of type 'NoneType' has no len()"),
        ("{\"transactions\": 1.5}", "object of type 'float' has no len()"),
        ("{\"transactions\": \"x\"}", "'str' object has no attribute 'get'"),
        ("{\"transactions\": {\"a\": 1}}", "'str' object has no attribute 'get'"),
        ("{\"transactions\": [true]}", "argument of type 'bool' is not iterable"),
        ("{\"transactions\": [[]]}", "'list' object has no attribute 'get'"),
    ])
    func whatIsNoBatchEndsTheWork(text: String, details: String) async throws {
        #expect(try await failure(text) == "Processing failed: \(details)")
    }

    @Test(arguments: ["{}", "{\"transactions\": {}}", "{\"transactions\": \"\"}", "{\"transactions\": []}"])
    func whatHasNoTransactionsIsAnEmptyBatch(text: String) async throws {
        #expect(try await outcome(text).failure == nil)
        #expect(try await report(text).contains("\"average_order_value\": 0,"))
        #expect(try await report(text).contains("\"total_revenue\": 0.0,"))
        #expect(try await report(text).hasPrefix("{\n  \"batch_id\": \"unknown\",\n  \"input_transaction_count\": 0,"))
    }

    @Test func aMistakeInTheTextCountsBeforeOneInTheTransactions() async throws {
        let broken = batch(["customer": "null"])
        #expect(try await failure(broken) == "Processing failed: 'NoneType' object has no attribute 'get'")
        #expect(try await failure(broken.dropLast() + ", x}").hasPrefix("JSON parsing failed: Expecting property name"))
    }

    @Test func theLastTransactionsCount() async throws {
        let twice = batch(["customer": "null"]).dropLast() + ", \"transactions\": [\(sale())]}"
        #expect(try await outcome(String(twice)).counts.valid == 1)
    }

    @Test func nestingStopsWherePythonDoes() async throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try await failure(nested(993)) == "Processing failed: 'list' object has no attribute 'get'")
        #expect(
            try await failure(nested(994))
                == "Processing failed: maximum recursion depth exceeded while decoding a JSON array from a unicode string"
        )
        #expect(
            try await failure(String(repeating: "{\"a\":", count: 1_000_000)).hasSuffix(
                "a JSON object from a unicode string"))
    }

    @Test func integersOfTooManyDigitsAreNoSyntaxError() async throws {
        let digits = String(repeating: "9", count: 4301)
        #expect(try await failure("[\(digits)").hasPrefix("Processing failed: Exceeds the limit (4300 digits)"))
        #expect(
            try await report("{\"batch_id\": -\(digits.dropLast())}").contains("\"batch_id\": -\(digits.dropLast()),"))
    }

    @Test func valuesAreToldAsTheyWere() async throws {
        let made = try await report(
            "{\"batch_id\": [1e400, NaN, -0, -0.0, 1E5, 1e16, {\"b\": 1, \"a\": 2, \"b\": 3}, \"\\u00e9\\ud83d\\ude00\\n\"]}"
        )
        #expect(
            made.contains(
                """
                  "batch_id": [
                    Infinity,
                    NaN,
                    0,
                    -0.0,
                    100000.0,
                    1e+16,
                    {
                      "b": 3,
                      "a": 2
                    },
                    "é😀\\n"
                  ],
                """))
    }

    @Test(arguments: [
        ([0x22, 0xff, 0x22] as [UInt8], "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"),
        ([0x22, 0xe2, 0x82], "'utf-8' codec can't decode bytes in position 1-2: unexpected end of data"),
        ([0xe2, 0x28], "'utf-8' codec can't decode byte 0xe2 in position 0: invalid continuation byte"),
        ([0xed, 0xa0, 0x80], "'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte"),
    ])
    func whatIsNoTextHasNoReport(bytes: [UInt8], text: String) async throws {
        #expect(try await outcome(Pieces(bytes: bytes)).failure == .unreadable(text))
        #expect(try await outcome(Pieces(bytes: bytes)).report == nil)
    }

    @Test func halfACharacterCannotBeWritten() async throws {
        let reason = "'utf-8' codec can't encode characters in position 3-4: surrogates not allowed"
        #expect(try await outcome("{\"batch_id\": \"\\n\\udc80\\udc81\"}").failure == .unwritable(reason))
        #expect(try await outcome("{\"batch_id\": \"\\n\\udc80\\udc81\"}").report == nil)
        #expect(try await outcome("{\"other\": \"\\udc80\"}").failure == nil)
    }
}
