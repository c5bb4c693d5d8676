import Columns
import Support

/// Reads a table and writes it as another, with reading, parsing, encoding and writing going on at the same time.
///
/// Memory stays bounded: the reader is at most a few batches ahead of the writer. When the types turn out to be wider
/// than was thought, what was written is thrown away, and everything is read again under types that hold for all of it.
/// The output becomes visible whole, at the end, or not at all.
struct Conversion: Sendable {
    /// What is read.
    var source: any TableSource
    /// Which part of it is wanted.
    var shape = TableShape()
    /// Makes the writer for a schema; called again when everything starts again.
    var makeWriter: @Sendable (Schema) async throws -> any BatchWriter
    /// Who watches.
    var monitor = ConversionMonitor()

    /// How many batches wait between reader and writer: one that is ready, while one is being made and one written.
    private static let batchesBetween = 1

    /// Does it.
    ///
    /// - returns: The schema that was written, the number of rows, and how often everything started again.
    /// - throws: `SluiceError`, or `CancellationError` when the task was cancelled; the output has been abandoned then.
    @concurrent func run() async throws -> (schema: Schema, rows: Int, restarts: Int) {
        var known: Schema?
        var restarts = 0
        while true {
            try Task.checkCancellation()
            do {
                let reader = try await open(under: known)
                let rows = try await pass(from: reader)
                return (reader.schema, rows, restarts)
            } catch let widened as SchemaWidened {
                restarts += 1
                // A reader promises that its wider schema holds; one that breaks the promise must not run for ever.
                if restarts > 8 {
                    throw SluiceError(.invalidData, "the types of the columns change with every reading")
                        .at(widened.place).at(.init(file: source.name))
                }
                known = widened.schema
                monitor.startAgain(widened)
            }
        }
    }

    private func open(under schema: Schema?) async throws -> ShapedReader {
        let base = try await source.open(under: schema, columns: shape.columns)
        do {
            return try ShapedReader(base, shape: shape, table: source.name)
        } catch  where shape.columns != nil {
            // Under all columns the error can say which ones there are.
            return try ShapedReader(
                try await source.open(under: schema, columns: nil), shape: shape, table: source.name)
        }
    }

    /// Reads and writes everything once.
    private func pass(from reader: ShapedReader) async throws -> Int {
        let writer = try await makeWriter(reader.schema)
        do {
            let rows = try await pump(from: reader, to: writer)
            try Task.checkCancellation()
            try await writer.finish()
            return rows
        } catch {
            await writer.abandon()
            throw error
        }
    }

    private func pump(from reader: ShapedReader, to writer: any BatchWriter) async throws -> Int {
        let relay = Relay<RecordBatch>(capacity: Self.batchesBetween)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    while let batch = try await reader.next() {
                        try Task.checkCancellation()
                        try await relay.send(batch)
                    }
                    relay.finish()
                } catch {
                    relay.finish(throwing: error)
                }
            }
            do {
                var rows = 0
                while let batch = try await relay.next() {
                    try await writer.write(batch)
                    rows += batch.rowCount
                    monitor.countRows(batch.rowCount)
                }
                return rows
            } catch {
                relay.close()
                group.cancelAll()
                throw error
            }
        }
    }
}
