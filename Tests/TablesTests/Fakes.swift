import Columns
import Support
import Synchronization
import Testing

@testable import Tables

/// A table of numbers under one column, which may turn out to be text late.
final class FakeTable: TableSource {
    let name = "fake"
    let infersTypes = true
    let batches: [[Int64]]
    /// After how many batches a first pass finds that the column is text.
    let widensAfter: Int?
    /// After how many batches reading fails.
    let failsAfter: Int?
    private let state = Mutex((opened: 0, taken: 0))

    init(_ batches: [[Int64]], widensAfter: Int? = nil, failsAfter: Int? = nil) {
        self.batches = batches
        self.widensAfter = widensAfter
        self.failsAfter = failsAfter
    }

    var timesOpened: Int { state.withLock { $0.opened } }
    /// How many batches have been handed out in all.
    var batchesTaken: Int { state.withLock { $0.taken } }

    func open(under schema: Schema?, columns: [String]?) async throws -> any BatchReader {
        state.withLock { $0.opened += 1 }
        return Reader(self, schema: schema ?? Schema([Field("n", .int64)]), isFirst: schema == nil)
    }

    private final class Reader: BatchReader, @unchecked Sendable {
        let schema: Schema
        private let table: FakeTable
        private let isFirst: Bool
        private var index = 0

        init(_ table: FakeTable, schema: Schema, isFirst: Bool) {
            self.table = table
            self.schema = schema
            self.isFirst = isFirst
        }

        func next() async throws -> RecordBatch? {
            if isFirst, index == table.widensAfter {
                throw SchemaWidened(Schema([Field("n", .utf8)]), at: .init(line: 7))
            }
            if index == table.failsAfter { throw SluiceError(.invalidData, "broken", place: .init(row: index)) }
            guard index < table.batches.count else { return nil }
            defer { index += 1 }
            table.state.withLock { $0.taken += 1 }
            let builder = makeBuilder(schema.fields[0].type)
            for value in table.batches[index] {
                try builder.append(schema.fields[0].type == .utf8 ? .text("\(value)") : .int(Int128(value)))
            }
            return RecordBatch(schema: schema, columns: [builder.finish()])
        }
    }
}

/// A writer that notes what happens to it.
final class FakeOutput: Sendable {
    struct State {
        var values: [Value] = []
        var published: [Value]?
        var abandoned = 0
        var made = 0
    }

    let state = Mutex(State())
    /// After how many batches writing fails.
    let failsAfter: Int?
    /// Waits this long over every batch.
    let delay: Duration?

    init(failsAfter: Int? = nil, delay: Duration? = nil) {
        self.failsAfter = failsAfter
        self.delay = delay
    }

    func makeWriter(_: Schema) async throws -> any BatchWriter {
        state.withLock {
            $0.made += 1
            $0.values = []
        }
        return Writer(self)
    }

    var published: [Value]? { state.withLock { $0.published } }
    var abandoned: Int { state.withLock { $0.abandoned } }

    private final class Writer: BatchWriter, @unchecked Sendable {
        private let output: FakeOutput
        private var written = 0

        init(_ output: FakeOutput) { self.output = output }

        func write(_ batch: RecordBatch) async throws {
            if written == output.failsAfter { throw SluiceError(.inputOutput, "disk full") }
            if let delay = output.delay { try await Task.sleep(for: delay) }
            written += 1
            output.state.withLock { state in
                for row in 0..<batch.rowCount { state.values += batch.columns.map { $0.value(at: row) } }
            }
        }

        func finish() async throws { output.state.withLock { $0.published = $0.values } }
        func abandon() async { output.state.withLock { $0.abandoned += 1 } }
    }
}
