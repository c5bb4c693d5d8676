import Columns
import Support
import Synchronization
import Testing

@testable import Tables

@Suite struct ConversionTests {
    @Test func copiesEveryRowInOrder() async throws {
        let output = FakeOutput()
        let table = FakeTable((0..<50).map { [$0, $0 + 1000] })
        let result = try await Conversion(source: table, makeWriter: output.makeWriter).run()
        #expect(result.rows == 100)
        #expect(output.published == (0..<50).flatMap { [.int($0), .int($0 + 1000)] })
        #expect(output.abandoned == 0)
    }

    @Test func writesAnEmptyTableToo() async throws {
        let output = FakeOutput()
        let result = try await Conversion(source: FakeTable([]), makeWriter: output.makeWriter).run()
        #expect(result.rows == 0)
        #expect(output.published == [])
    }

    @Test func startsAgainUnderTheWiderSchema() async throws {
        let output = FakeOutput()
        let table = FakeTable([[1], [2], [3]], widensAfter: 2)
        let reasons = Mutex<[Int?]>([])
        let monitor = ConversionMonitor { reason in reasons.withLock { $0.append(reason.place.line) } }
        let result = try await Conversion(source: table, makeWriter: output.makeWriter, monitor: monitor).run()
        #expect(result.restarts == 1)
        #expect(result.schema.fields == [Field("n", .utf8)])
        #expect(output.published == [.text("1"), .text("2"), .text("3")])
        #expect(output.abandoned == 1)
        #expect(table.timesOpened == 2)
        #expect(reasons.withLock { $0 } == [7])
        #expect(monitor.rowsWritten == 3)
    }

    @Test func failingReaderAbandonsTheOutput() async throws {
        let output = FakeOutput()
        let error = await #expect(throws: SluiceError.self) {
            try await Conversion(source: FakeTable([[1], [2]], failsAfter: 1), makeWriter: output.makeWriter).run()
        }
        #expect(error?.message == "broken")
        #expect(output.published == nil)
        #expect(output.abandoned == 1)
    }

    @Test func failingWriterStopsTheReader() async throws {
        let output = FakeOutput(failsAfter: 3)
        let table = FakeTable((0..<10_000).map { [$0] })
        let error = await #expect(throws: SluiceError.self) {
            try await Conversion(source: table, makeWriter: output.makeWriter).run()
        }
        #expect(error?.message == "disk full")
        #expect(output.abandoned == 1)
        #expect(table.batchesTaken < 20)
    }

    @Test func readerIsOnlyAFewBatchesAhead() async throws {
        let output = FakeOutput(delay: .milliseconds(20))
        let table = FakeTable((0..<10).map { [$0] })
        let conversion = Conversion(source: table, makeWriter: output.makeWriter)
        async let result = conversion.run()
        while output.state.withLock({ $0.values.count }) < 3 { try await Task.sleep(for: .milliseconds(1)) }
        let written = output.state.withLock { $0.values.count }
        #expect(table.batchesTaken <= written + 4)
        #expect(try await result.rows == 10)
    }

    @Test func cancelledConversionAbandonsTheOutput() async throws {
        let output = FakeOutput(delay: .milliseconds(20))
        let table = FakeTable((0..<1_000).map { [$0] })
        let task = Task { try await Conversion(source: table, makeWriter: output.makeWriter).run() }
        while output.state.withLock({ $0.values.isEmpty }) { try await Task.sleep(for: .milliseconds(1)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(output.published == nil)
        #expect(output.abandoned == 1)
    }

    @Test(arguments: [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (100, 4)])
    func rowLimitCutsBatches(limit: Int, expected: Int) async throws {
        let output = FakeOutput()
        var conversion = Conversion(source: FakeTable([[1, 2], [3, 4]]), makeWriter: output.makeWriter)
        conversion.shape.rowLimit = limit
        #expect(try await conversion.run().rows == expected)
        #expect(output.published == (0..<expected).map { .int(Int128($0 + 1)) })
    }
}

@Suite struct TableShapeTests {
    private let schema = Schema([Field("id", .int64), Field("price", .float64), Field("note", .utf8)])

    @Test func everythingStaysAsItIs() throws {
        let (places, result) = try TableShape().resolve(schema, table: "t")
        #expect(places == [0, 1, 2])
        #expect(result == schema)
    }

    @Test func columnsComeInTheOrderWanted() throws {
        let shape = TableShape(columns: ["note", "id"], renames: [("id", "key")])
        let (places, result) = try shape.resolve(schema, table: "t")
        #expect(places == [2, 0])
        #expect(result.fields.map(\.name) == ["note", "key"])
    }

    @Test func namesCanBeSwapped() throws {
        let shape = TableShape(renames: [("id", "price"), ("price", "id")])
        #expect(try shape.resolve(schema, table: "t").schema.fields.map(\.name) == ["price", "id", "note"])
    }

    @Test func unknownColumnSuggestsTheNearest() {
        let error = #expect(throws: SluiceError.self) {
            try TableShape(columns: ["prize"]).resolve(schema, table: "t")
        }
        #expect(error?.hint == "Did you mean 'price'?")
    }

    @Test func clashingNamesAreRefused() {
        #expect(throws: SluiceError.self) { try TableShape(renames: [("id", "note")]).resolve(schema, table: "t") }
        #expect(throws: SluiceError.self) { try TableShape(columns: ["id", "id"]).resolve(schema, table: "t") }
    }

    @Test func renamingWhatIsNotChosenIsRefused() {
        #expect(throws: SluiceError.self) {
            try TableShape(columns: ["id"], renames: [("note", "x")]).resolve(schema, table: "t")
        }
    }
}
