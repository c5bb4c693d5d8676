import Storage
import Support
import Testing

@testable import Synthetic

/// All bytes of one file of a plan.
func bytes(_ plan: SalesPlan, file: Int = 0) -> [UInt8] {
    let batch = SalesBatch(plan, file: file)
    var all: [UInt8] = []
    while let block = batch.next() { all += block.bytes }
    return all
}

func text(_ plan: SalesPlan, file: Int = 0) -> String { String(decoding: bytes(plan, file: file), as: UTF8.self) }

private func hash(_ bytes: [UInt8]) throws -> String {
    let hash = try SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.finish()
}

@Suite struct SalesBatchTests {
    /// What a seed makes is a promise: whoever changes these changes what every seed that somebody noted means.
    @Test(arguments: [
        (0 as UInt64, SalesPlan.Layout.document, "a5674dc7c48b8aa434ca156c0b88fc5e545a3f4f834b9ccdf7463b2db790ec13"),
        (0, .ndjson, "f5b747753e832dc71476944744f49f6e09ee3fa369670c304b62ca716fc4a5fa"),
        (42, .document, "1102a00b6d5d26e55f2ea52ba770101c343b913fdb7564ab5f5888aea00014ef"),
        (UInt64(Int64.max), .document, "ea6524c034e54d2bd709951451365a6aa373417cdcc77371c95889a94698eea4"),
    ])
    func aSeedMakesTheSameBytesOnEveryMachine(seed: UInt64, layout: SalesPlan.Layout, expected: String) throws {
        let plan = SalesPlan(count: 500, seed: seed, anomalyRate: 0.05, invalidRate: 0.1, layout: layout)
        #expect(try hash(bytes(plan)) == expected)
    }

    @Test func everySeedIsASeedLikeAnyOther() {
        let starts = (0..<50).map { bytes(SalesPlan(count: 3, seed: $0)) }
        #expect(Set(starts).count == 50)
    }

    @Test func aFileDependsOnItsNumberAlone() {
        let few = SalesPlan(count: 50, files: 2)
        let many = SalesPlan(count: 50, files: 200)
        #expect(bytes(few, file: 1) == bytes(many, file: 1))
        #expect(Set((0..<20).map { bytes(many, file: $0) }).count == 20)
        #expect(Set((0..<200).map { many.batchID($0) }).count == 200)
        #expect(Set((0..<200).map { many.fileName($0) }).count == 200)
        #expect((0..<200).map { many.fileName($0) } == (0..<200).map { many.fileName($0) }.sorted())
    }

    /// More transactions, other rates: the ones that they do not concern stay as they are.
    @Test func aTransactionDependsOnItsPlaceAlone() {
        func lines(_ change: (inout SalesPlan) -> Void) -> [Substring] {
            var plan = SalesPlan(count: 400, anomalyRate: 0, layout: .ndjson)
            change(&plan)
            return text(plan).split(separator: "\n")
        }
        let plain = lines { _ in }
        #expect(plain.count == 400)
        #expect(lines { $0.count = 100 } == Array(plain.prefix(100)))
        let broken = lines { $0.invalidRate = 0.25 }
        #expect((40...160).contains(zip(plain, broken).count { $0 != $1 }))
        let exaggerated = lines { $0.anomalyRate = 0.25 }
        let differing = zip(plain, exaggerated).filter { $0 != $1 }
        #expect((40...160).contains(differing.count))
        #expect(differing.allSatisfy { $0.1.contains("\"_is_synthetic_anomaly\":true") })
    }

    @Test(arguments: [SalesPlan.Layout.document, .ndjson], [false, true])
    func nothingIsStillWhole(layout: SalesPlan.Layout, isCompact: Bool) {
        let text = text(SalesPlan(count: 0, layout: layout, isCompact: isCompact))
        if layout == .ndjson { return #expect(text.isEmpty) }
        #expect(text.hasSuffix(isCompact ? "\"transactions\":[]}\n" : "\"transactions\": []\n}\n"))
    }

    /// The fast writer and the tree that broken transactions are made of say the same.
    @Test(arguments: [false, true])
    func bothWritersAgree(isCompact: Bool) {
        let source = SaleSource(
            SalesPlan(anomalyRate: 0.2, start: CalendarDay(year: 1969, month: 12, day: 1), days: 900))
        let writer = SaleWriter(isCompact: isCompact)
        var random = Randomness(seed: 5, stream: 0)
        var sale = Sale()
        var longest = 0
        let room = UnsafeMutablePointer<UInt8>.allocate(capacity: SaleWriter.mostBytes)
        defer { room.deallocate() }
        for _ in 0..<1000 {
            source.draw(&sale, from: &random)
            let count = writer.write(sale, to: room) - room
            longest = max(longest, count)
            let fast = String(decoding: UnsafeBufferPointer(start: room, count: count), as: UTF8.self)
            let tree = JSONText.object(sale.members).text(pretty: !isCompact)
            #expect(fast == (isCompact ? tree : tree.replacing("\n", with: "\n    ")))
        }
        // Well below what is reserved for one.
        #expect(longest < SaleWriter.mostBytes / 2)
    }

    @Test func blocksAreOfBoundedSize() {
        for invalidRate in [0, 1.0] {
            let batch = SalesBatch(SalesPlan(count: 1000, invalidRate: invalidRate), file: 0)
            var blocks = 0
            while let block = batch.next() {
                #expect(block.count <= (1 << 18) + 2 * SaleWriter.mostBytes)
                blocks += 1
            }
            #expect(blocks > 4)
        }
    }
}

@Suite struct SalesPlanTests {
    @Test func filesAreNamedAfterTheLastDay() {
        var plan = SalesPlan(files: 1000, start: CalendarDay(year: 2024, month: 2, day: 1), days: 28)
        #expect(plan.fileName(0) == "sales_batch_20240229_000000_001.json")
        #expect(plan.fileName(999) == "sales_batch_20240229_001639_1000.json")
        #expect(plan.batchID(999) == "batch_20240229_001639")
        plan.layout = .ndjson
        plan.compression = .zstd
        #expect(plan.fileName(1) == "sales_batch_20240229_000001_002.ndjson.zst")
    }

    @Test func whatCannotBeMadeIsRefused() {
        let changes: [(inout SalesPlan) -> Void] = [
            { $0.count = -1 }, { $0.files = 0 }, { $0.days = 0 }, { $0.days = -5 }, { $0.days = .max },
            { $0.anomalyRate = -0.1 }, { $0.anomalyRate = 1.1 }, { $0.anomalyRate = .nan }, { $0.invalidRate = 2 },
            { $0.invalidRate = .infinity }, { $0.start = CalendarDay(year: 9999, month: 12, day: 15) },
        ]
        for change in changes {
            var plan = SalesPlan()
            change(&plan)
            #expect(throws: SluiceError.self) { try plan.check() }
        }
        #expect(throws: Never.self) { try SalesPlan().check() }
    }

    @Test(arguments: [
        ("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2025-01-01", 20_089),
        ("9999-12-31", 2_932_896),
        ("0001-01-01", -719_162),
    ])
    func daysAreCounted(text: String, number: Int) throws {
        let day = try #require(CalendarDay(text))
        #expect(day.number == number)
        #expect(day.text == text)
    }

    @Test func everyDayIsTheDayBehindTheOneBefore() {
        for number in -80_000..<80_000 {
            let (year, month, day) = CalendarDay(number: number).civil
            if CalendarDay(year: year, month: month, day: day).number != number { Issue.record("day \(number)") }
        }
    }

    @Test(arguments: [
        "", "2025", "2025-1-1", "2025-02-29", "2025-13-01", "2025-00-10", "2025-04-31", "0000-01-01", "+025-01-01",
        "2025-01-01T00:00:00Z", "2025/01/01", "２０２５-01-01", "10000-01-01", " 2025-01-01",
    ])
    func whatIsNoDayIsRefused(text: String) {
        #expect(CalendarDay(text) == nil)
    }
}
