import Testing

@testable import Classic

@Suite struct RuleTests {
    @Test(arguments: [
        ("customer", "null", "'NoneType' object has no attribute 'get'"),
        ("timestamp", "1", "'int' object has no attribute 'replace'"),
        ("line_items", "null", "'NoneType' object is not iterable"),
        ("line_items", "[1]", "'int' object has no attribute 'get'"),
        ("line_items", "{\"a\": 1}", "'str' object has no attribute 'get'"),
        ("line_items", "[{\"quantity\": \"1\"}]", "'>' not supported between instances of 'str' and 'int'"),
        ("line_items", "[{\"unit_price\": []}]", "'>' not supported between instances of 'list' and 'float'"),
        ("total", "null", "'>' not supported between instances of 'NoneType' and 'float'"),
    ])
    func oneBrokenTransactionEndsTheBatch(name: String, value: String, details: String) async throws {
        #expect(try await failure(batch([name: value])) == "Processing failed: \(details)")
    }

    @Test(arguments: [
        ("total", "100000.01", "Total amount exceeds maximum: 100000.01"),
        ("total", "-0.0", "Invalid total amount: -0.0"),
        ("total", "1e16", "Total amount exceeds maximum: 1e+16"), ("total", "false", "Invalid total amount: False"),
        ("total", "-Infinity", "Invalid total amount: -inf"), ("line_items", "[]", "No line items in transaction"),
        ("line_items", "[{}]", "Line item 0: invalid quantity"),
        ("line_items", "[{\"quantity\": 101}]", "Line item 0: quantity exceeds maximum"),
        ("customer", "{\"customer_id\": 0, \"email\": 1}", "Missing customer_id"),
        ("timestamp", "\"2025-02-29\"", "Invalid timestamp format"),
    ])
    func aTransactionIsInvalidByItself(name: String, value: String, error: String) async throws {
        let made = try await outcome(batch([name: value]))
        #expect(made.counts.invalid == 1)
        #expect(try await report(batch([name: value])).contains("\"errors\": [\n          \"\(error)\"\n        ]"))
    }

    @Test(arguments: [
        ("total", "100000"), ("total", "NaN"), ("line_items", "[{\"quantity\": 100, \"unit_price\": 1e4}]"),
    ])
    func whatIsAtALimitIsValid(name: String, value: String) async throws {
        #expect(try await outcome(batch([name: value])).counts.valid == 1)
    }

    @Test func missingFieldsAreListedInTheirOrder() async throws {
        let made = try await report("{\"transactions\": [{\"total\": 1}]}")
        let names = [
            "transaction_id", "timestamp", "customer", "line_items", "subtotal", "tax", "payment_method", "status",
        ]
        let lines = names.map { "          \"Missing required field: \($0)\"" }.joined(separator: ",\n")
        #expect(made.contains(lines))
        #expect(made.contains("\"transaction_id\": \"unknown\""))
    }

    @Test func anAbandonedRowKeepsWhatWasCounted() async throws {
        let made = try await report(batch(["tax": "\"x\""]))
        #expect(made.contains("\"total_revenue\": 3.0,"))
        #expect(made.contains("\"top_customers\": [],"))
        #expect(made.contains("\"payment_methods\": {},"))
        let item = try await report(
            batch(["line_items": "[{\"quantity\": 1, \"category\": \"A\", \"subtotal\": \"4\"}]"]))
        #expect(item.contains("\"revenue_by_category\": {\n      \"A\": 0.0\n    },"))
    }

    @Test func equalKeysAreOneAndShownAsTheyCameFirst() async throws {
        let rows = ["1", "1.0", "true", "NaN", "NaN", "null", "\"null\"", "1e22", "10000000000000000000000"]
            .map { sale(["payment_method": $0]) }.joined(separator: ",")
        let made = try await report("{\"transactions\": [\(rows)]}")
        #expect(
            made.contains(
                """
                    "payment_methods": {
                      "1": 3,
                      "NaN": 2,
                      "null": 1,
                      "null": 1,
                      "1e+22": 2
                    },
                """))
    }

    @Test func spentTotalsKeepTheirType() async throws {
        func spent(_ total: String) async throws -> String {
            let rows = (0..<11).map { sale(["transaction_id": "\($0)", "total": total]) }.joined(separator: ",")
            return try await report("{\"transactions\": [\(rows)]}")
        }
        #expect(try await spent("15").contains("\"total_spent\": 165\n"))
        #expect(try await spent("0.1").contains("\"total_spent\": 1.0999999999999999\n"))
    }

    @Test(arguments: [(0.125, 0.12), (0.375, 0.38), (2.675, 2.67), (1.005, 1.0), (0.615, 0.61), (1e300, 1e300)])
    func roundingIsOfTheBinaryValue(value: Double, rounded: Double) { #expect(PythonFloat.round2(value) == rounded) }

    @Test(arguments: [
        ("2025-01-15", true), ("20250115T142345Z", true), ("2025-W03-3", true), ("2025-01-15x14", true),
        ("2025-01-15T14:23:45,1234567890Z", true), ("2025-01-15T14:23:45 Z", true), ("2025-01-15Z", true),
        ("2025-01-15T14:23:45z", false), ("2025-01-15T24:00", false), ("2025-01-15T14:23:60", false),
        ("2025-015", false), (" 2025-01-15", false), ("2025-01-15T00:00+24:00", false), ("", false),
        ("2025-02-30", false),
        ("9999-W52-6", false), ("2020-W53-7", true), ("2021-W53-1", false), ("2025-01-15T", false),
    ])
    func timestampsAreThoseThatPythonTakes(text: String, isTaken: Bool) {
        var timestamps = IsoTimestamp()
        let bytes = Array(text.utf8)
        #expect(bytes.withUnsafeBufferPointer { timestamps.accepts($0) } == isTaken)
    }
}
