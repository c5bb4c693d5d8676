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
    private let options: TableReadOptions
    private let shape: TableShape
    private let context: Context

    init(
        _ place: FilePlace, named name: String, options: TableReadOptions, shape: TableShape, in context: Context
    ) async throws(SluiceError) {
        self.options = options
        self.shape = shape
        self.context = context
        if case .local(Storage.standardName) = place {
            path = "standard input"
            file = try context.input()
        } else {
            path = name
            file = try await place.open()
        }
    }

    /// The footer, when what is known stands in one.
    ///
    /// Where the end of a file tells that it is Parquet, nothing but the footer is read.
    private func footer() async throws(SluiceError) -> ParquetFile? {
        if options.format == nil || options.format == .parquet, let whole = file as? any RandomAccess, whole.size >= 12,
            try await whole.read(whole.size - 4..<whole.size).bytes == Array("PAR1".utf8)
        {
            return try await ParquetFile.open(whole, limits: options.parquet)
        }
        return try await FileTable(file, options: options).parquetFile()
    }

    /// What the footer says of a Parquet file, and what all of the data says of any other.
    ///
    /// - parameter refusing: What has no effect on what a footer says.
    func describe(refusing option: String?) async throws -> FileDescription {
        if let parquet = try await footer() {
            if let option {
                throw SluiceError(
                    .usage, "--\(option) has no effect on what a Parquet file's footer says",
                    hint: "Leave it out, or look at rows with --rows N.")
            }
            let size = try await file.randomAccess().size
            var description = FileDescription(path: path, format: FileFormat.parquet.rawValue, bytes: size)
            description.take(parquet)
            if let columns = shape.columns { try description.keep(columns) }
            return description
        }
        let monitor = ConversionMonitor()
        let table = try await FileTable(file, options: options, monitor: monitor)
        var description = FileDescription(path: path, format: table.format.rawValue, bytes: file.streamSize)
        let counter = RowCounter()
        try await context.withProgress(
            path,
            { [total = file.streamSize] in
                ProgressMeasure(rows: counter.rows, bytes: monitor.bytesRead, totalBytes: total)
            }
        ) {
            try await readAll(table, monitor) { schema, ranges, rows in
                counter.rows = rows
                description.take(schema, ranges, rows: rows)
            }
        }
        return description
    }

    /// Reads everything, from the start again when types turn out to be wider.
    private func readAll(_ table: FileTable, _ monitor: ConversionMonitor, _ tell: (Schema, [ColumnRange], Int) -> Void)
        async throws
    {
        var known: Schema?
        while true {
            do {
                let reader = try await table.open(under: known, shape: shape)
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
                monitor.startAgain(widened)
                known = widened.schema
            }
        }
    }

    /// The first `count` rows.
    func sample(_ count: Int) async throws -> FileSample {
        let table = try await FileTable(file, options: options)
        var known: Schema?
        while true {
            do {
                let reader = try await table.open(under: known, shape: shape)
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
}
