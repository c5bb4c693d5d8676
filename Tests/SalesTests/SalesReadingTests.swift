import Storage
import Support
import Testing

@testable import Sales

/// Batches as text.
enum Batch {
    /// A valid record, with some of its members replaced.
    static func record(_ id: String, _ changes: [String: String] = [:]) -> String {
        var members = [
            "transaction_id": "\"\(id)\"", "timestamp": "\"2025-01-15T14:23:45Z\"",
            "customer": #"{"customer_id": "C1", "name": "Ann", "email": "ann@example.com"}"#,
            "line_items": """
            [{"product_id": "P1", "product_name": "Pen", "category": "Office", "quantity": 2, "unit_price": 1.25, "subtotal": 2.5}]
            """,
            "subtotal": "2.50", "tax": "0.20", "shipping_cost": "1", "total": "3.7", "payment_method": "\"card\"",
            "status": "\"completed\"",
        ]
        members.merge(changes) { $1 }
        let order = [
            "transaction_id", "timestamp", "customer", "line_items", "subtotal", "tax", "shipping_cost", "total",
            "payment_method", "status",
        ]
        let known = order.filter { members[$0] != "" }.map { "\"\($0)\": \(members[$0] ?? "")" }
        let others = members.keys.filter { !order.contains($0) }.sorted().map { "\"\($0)\": \(members[$0] ?? "")" }
        return "{" + (known + others).joined(separator: ", ") + "}"
    }

    static func document(_ records: [String], separator: String = ",\n  ") -> String {
        #"{"batch_id": "b1", "transactions": ["# + records.joined(separator: separator) + "]}"
    }
}

@Suite struct SalesReadingTests {
    private func read(
        _ text: String, rules: SalesRules = SalesRules(), threads: Int = 2, part: SalesPart? = nil,
        rejects: (any ByteSink)? = nil
    ) async throws -> SalesPartial {
        let source = MemorySource(Buffer(Array(text.utf8)), name: "b.json")
        return try await SalesReading(rules: rules, threads: threads, now: 1_800_000_000_000_000)
            .read(source, name: "b.json", part: part, rejects: rejects)
    }

    private func json(_ partial: SalesPartial) throws -> String { try partial.report(at: 0, seconds: 0).json() }

    @Test("adds exactly, whatever the order and the threads")
    func exact() async throws {
        let records = (0..<3000).map {
            Batch.record("T\($0)", ["total": "3.7000000000000001\($0 % 10)", "tax": "0.1"])
        }
        let one = try json(await read(Batch.document(records), threads: 1))
        let other = try json(await read(Batch.document(records.reversed()), threads: 2))
        #expect(one == other)
        #expect(one.contains("\"total_revenue\": 11100.00"))
        #expect(one.contains("\"total_tax\": 300.00"))
    }

    @Test(
        "rejects a broken record alone, and says why",
        arguments: [
            (["customer": "null"], "customer: is null, not an object"),
            (["customer": ""], "customer: is missing"),
            (["total": "\"3.70\""], "total: is a string, not a number"),
            (["total": "0.00"], "total: 0.00 is not above 0"),
            (["total": "100000.01"], "total: 100000.01 is above 100000"),
            (["tax": "1e12"], "tax: 1e12 is too large"),
            (["timestamp": "\"soon\""], "timestamp: \"soon\" is not a time"),
            (["timestamp": "\"2025-02-29\""], "timestamp: \"2025-02-29\" is not a time"),
            (["timestamp": "\"1999-12-31\""], "timestamp: \"1999-12-31\" is before 2000-01-01T00:00:00Z"),
            (["line_items": "[]"], "line_items: is empty"),
            (["line_items": "[null]"], "line_items[0]: is null, not an object"),
            (["transaction_id": "1.5"], "transaction_id: 1.5 is not a whole number"),
            (["status": "\"\""], "status: is empty"),
            (["currency": "\"EUR\""], "currency: \"EUR\" is not \"USD\""),
            (["shipping": "6"], "shipping: 6 differs from shipping_cost, which is 1"),
            (["total": "NaN"], "record: is not valid JSON: something stands where nothing of the kind may"),
            (["tax": "0.2, \"tax\": 0.2"], "tax: is there twice"),
        ])
    func rejects(_ changes: [String: String], _ reason: String) async throws {
        let good = (0..<20).map { Batch.record("T\($0)") }
        let text = Batch.document(good + [Batch.record("bad", changes)] + good.map { $0 })
        let partial = try await read(text)
        let report = try partial.report(at: 0, seconds: 0)
        #expect(report.records == 41)
        #expect(report.errors.map(\.reasons) == [[reason]])
        #expect(report.errors.first?.index == 20)
    }

    @Test("takes escapes, unusual numbers and ids that are numbers as what they stand for")
    func unusual() async throws {
        let plain = try await read(Batch.document([Batch.record("17")]))
        let odd = Batch.record(
            "17",
            [
                "transaction_id": "17", "total": "37e-1", "subtotal": "2.500000000000", "shipping_cost": "",
                "shipping": "1", "payment_method": #""c\u0061rd""#,
            ])
        #expect(try json(plain) == json(await read(Batch.document([odd]))))
    }

    @Test("notices that it cut at the wrong place, and begins again")
    func wrongGuess() async throws {
        // What stands between records also stands inside of a string, in pieces of half a megabyte.
        let trap = String(repeating: #"}, {\"transaction_id\""#, count: 60_000)
        let trapped = Batch.record("trap", ["note": "\"\(trap)\""])
        let nested = String(repeating: #"}, {"transaction_id": 1"#, count: 60_000)
        let hollow = Batch.record("hollow", ["note": "[{\"transaction_id\": 2\(nested)}]"])
        let records = (0..<50).map { Batch.record("T\($0)") }
        let text = Batch.document(records + [trapped, hollow] + records, separator: ", ")
        let partial = try await read(text)
        #expect(partial.records == 102)
        #expect(partial.invalid == 0)
    }

    @Test("is the same for an input and for its parts, merged in any order", arguments: [1, 2, 7, 64])
    func parts(_ count: Int) async throws {
        let records = (0..<2000).map { number in
            Batch.record("T\(number % 1990)", number % 97 == 0 ? ["total": "null"] : ["total": "\(number).01"])
        }
        let text = Batch.document(records)
        let whole = try json(await read(text))
        let merged = SalesPartial(rules: SalesRules())
        for index in (0..<count).shuffled() {
            let part = try await read(text, part: SalesPart(index: index, of: count))
            try merged.merge(await saved(part))
        }
        #expect(try json(merged) == whole)
    }

    /// A partial report that was written and read again.
    private func saved(_ partial: SalesPartial) async throws -> SalesPartial {
        let sink = MemorySink()
        try await partial.write(to: sink)
        return try await SalesPartial.read(MemorySource(sink.contents, name: "partial"))
    }

    @Test("does not merge the same input twice, nor what other rules made")
    func refusesToMerge() async throws {
        let text = Batch.document([Batch.record("T1")])
        let first = try await read(text)
        await #expect(throws: SluiceError.self) { try first.merge(await read(text)) }
        var rules = SalesRules()
        rules.tolerance = Amount(1)
        await #expect(throws: SluiceError.self) { try first.merge(await read(text, rules: rules)) }
    }

    @Test("tells a damaged partial report from a whole one, whatever byte is wrong")
    func damaged() async throws {
        let sink = MemorySink()
        try await read(Batch.document([Batch.record("T1"), Batch.record("T2")])).write(to: sink)
        let bytes = sink.contents.bytes
        for at in stride(from: 0, to: bytes.count, by: 7) {
            var broken = bytes
            broken[at] ^= 0x40
            let source = MemorySource(Buffer(broken), name: "partial")
            await #expect(throws: SluiceError.self) { _ = try await SalesPartial.read(source) }
        }
        let cut = MemorySource(Buffer(Array(bytes.dropLast(1))), name: "partial")
        await #expect(throws: SluiceError.self) { _ = try await SalesPartial.read(cut) }
    }

    @Test(
        "fails as a whole when the document is none",
        arguments: [
            "", "{}", #"{"transactions": 1}"#, #"{"transactions": [{}"#, #"{"transactions": []}, 1"#,
            #"{"transactions": [], "transactions": []}"#, #"{"transactions": [}"#,
            "{\"transactions\": [\"\u{0}\"",
        ])
    func noDocument(_ text: String) async {
        await #expect(throws: SluiceError.self) { _ = try await read(text) }
    }

    @Test("reads lines, arrays alone, and empty batches")
    func shapes() async throws {
        let records = [Batch.record("T1"), Batch.record("T2")]
        let expected = try await read(Batch.document(records)).report(at: 0, seconds: 0).summary
        for text in [
            "[\(records[0]),\(records[1])]", "\(records[0])\n\(records[1])\n", "\(records[0])\r\n\r\n\(records[1])",
        ] {
            #expect(try await read(text).report(at: 0, seconds: 0).summary == expected)
        }
        let lines = try await read("\(records[0])\n{\"transaction_id\": \n\(records[1])")
        #expect(lines.records == 3)
        #expect(lines.invalid == 1)
        #expect(try await read(#"{"transactions": []}"#).records == 0)
        // A stray comma makes a record of nothing.
        let stray = try await read(#"{"transactions": [1,]}"#).report(at: 0, seconds: 0)
        #expect(stray.errors.first?.reasons == ["record: is a number, not an object"])
        #expect(stray.errors.last?.reasons.first?.hasPrefix("record: is not valid JSON") == true)
    }

    @Test("finds duplicates among more ids than are held in memory")
    func manyIDs() throws {
        let ids = IDStore()
        for number in 0..<700_000 {
            let text = "550e8400-e29b-41d4-a716-\(100_000_000_000 + number % 699_998)"
            text.utf8.withContiguousStorageIfAvailable { bytes in
                if let start = bytes.baseAddress { ids.add(Bytes(start, bytes.count)) }
            }
        }
        let found = try ids.duplicates(10)
        #expect(found.count == 2)
        #expect(found.most.map(\.count) == [2, 2])
        #expect(found.most.first?.id == "550e8400-e29b-41d4-a716-100000000000")
    }

    @Test("checks what settings ask for")
    func checks() async throws {
        var rules = SalesRules()
        rules.checks = [
            SalesCheck(path: ["payment_method"], kind: .oneOf(["card", "cash"])),
            SalesCheck(path: ["unit_price"], isInItems: true, kind: .range(min: Amount("0.5"), max: nil)),
            SalesCheck(path: ["transaction_id"], kind: .pattern("^T[0-9]+$")),
            SalesCheck(
                path: ["total"], kind: .equals(sum: [["subtotal"], ["tax"], ["shipping_cost"]], tolerance: Amount())),
            SalesCheck(path: ["customer", "country"], kind: .required),
        ]
        let customer = #"{"customer_id": "C1", "email": "a@b.c", "country": "US"}"#
        let records = [
            Batch.record("T1", ["customer": customer]), Batch.record("X", ["customer": customer]),
            Batch.record("T2"), Batch.record("T3", ["customer": customer, "payment_method": "\"shell\""]),
            Batch.record("T4", ["customer": customer, "total": "3.71"]),
        ]
        let errors = try await read(Batch.document(records), rules: rules).report(at: 0, seconds: 0).errors
        #expect(
            errors.map(\.reasons) == [
                ["transaction_id: \"X\" does not match ^T[0-9]+$"], ["customer.country: is missing"],
                ["payment_method: \"shell\" is not one of card, cash"],
                ["total: 3.71 is not 3.7, the sum of subtotal and tax and shipping_cost"],
            ])
    }
}

/// Bytes that are written to memory.
final class MemorySink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because a test writes to it from one task.

    let name = "memory"
    private let bytes = MutableBuffer()

    var contents: Buffer { bytes.withUnsafeBytes { Buffer(copying: $0) } }
    func write(_ bytes: Buffer) async throws(SluiceError) { self.bytes.append(bytes) }
    func finish() async throws(SluiceError) {}
    func abandon() async {}
}
