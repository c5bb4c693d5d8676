import Columns
import Parquet
import Storage
import Support
import Synchronization
import Tables

/// How many rows have been read, for whoever shows it.
private final class RowCounter: Sendable {
    private let count = Atomic(0)

    var rows: Int {
        get { count.load(ordering: .relaxed) }
        set { count.store(newValue, ordering: .relaxed) }
    }
}

/// One file that is looked into.
struct Inspection {
    private let path: String
    private let file: any InputFile
    private let table: FileTable
    private let options: TableReadOptions
    private let shape: TableShape
    private let context: Context

    init(_ path: String, options: TableReadOptions, shape: TableShape, in context: Context) async throws(SluiceError) {
        self.path = path == Storage.standardName ? "standard input" : path
        self.options = options
        self.shape = shape
        self.context = context
        file = try context.open(path)
        table = try await FileTable(file, options: options)
    }

    /// Whether what is known stands in a footer.
    var isFooter: Bool { table.format == .parquet }

    /// What the footer says of a Parquet file, and what all of the data says of any other.
    func describe() async throws -> FileDescription {
        var description = FileDescription(path: path, format: table.format.rawValue, bytes: file.streamSize)
        if table.format == .parquet {
            let parquet = try await ParquetFile.open(try await file.randomAccess(), limits: options.parquet)
            description.bytes = try await file.randomAccess().size
            description.take(parquet)
            if let columns = shape.columns { try description.keep(columns) }
            return description
        }
        let counter = RowCounter()
        try await context.withProgress(path, { ProgressMeasure(rows: counter.rows) }) {
            try await readAll { schema, ranges, rows in
                counter.rows = rows
                description.take(schema, ranges, rows: rows)
            }
        }
        return description
    }

    /// Reads everything, from the start again when types turn out to be wider.
    private func readAll(_ tell: (Schema, [ColumnRange], Int) -> Void) async throws {
        var known: Schema?
        while true {
            do {
                let reader = try await open(under: known)
                var ranges = reader.schema.fields.map { _ in ColumnRange() }
                var rows = 0
                tell(reader.schema, ranges, rows)
                while let batch = try await reader.next() {
                    try Task.checkCancellation()
                    for (index, column) in batch.columns.enumerated() { ranges[index].add(column) }
                    rows += batch.rowCount
                    tell(reader.schema, ranges, rows)
                }
                return
            } catch let widened as SchemaWidened {
                known = widened.schema
            }
        }
    }

    /// The first `count` rows.
    func sample(_ count: Int) async throws -> FileSample {
        var known: Schema?
        while true {
            do {
                let reader = try await open(under: known)
                var sample = FileSample(path: path, schema: reader.schema, areTypesKnown: !table.infersTypes)
                var left = count
                while left > 0, let batch = try await reader.next() {
                    try Task.checkCancellation()
                    sample.batches.append(batch.rowCount > left ? batch.slice(0..<left) : batch)
                    left -= min(left, batch.rowCount)
                }
                return sample
            } catch let widened as SchemaWidened {
                known = widened.schema
            }
        }
    }

    private func open(under schema: Schema?) async throws -> any BatchReader {
        try await table.open(under: schema, shape: shape)
    }
}
