import Columns
import Support
import TextFormats

/// A file with a schema and rows, as a reader gives it.
struct Table: Equatable {
    var schema: Schema
    var rows: [[Value]]

    var types: [DataType] { schema.fields.map(\.type) }
    var names: [String] { schema.fields.map(\.name) }
    func column(_ index: Int) -> [Value] { rows.map { $0[index] } }
}

/// Reads all rows, starting again with a wider schema like any consumer does; the schema that a restart gave must hold.
func readCSV(_ bytes: [UInt8], _ options: CSVOptions = .init(), schema: Schema? = nil) async throws -> Table {
    let source = MemorySource(Buffer(bytes), name: "test.csv")
    do {
        return try await rows(of: CSVReader.open(source, options: options, schema: schema))
    } catch let wider as SchemaWidened {
        return try await rows(of: CSVReader.open(source, options: options, schema: wider.schema))
    }
}

func readCSV(_ text: String, _ options: CSVOptions = .init(), schema: Schema? = nil) async throws -> Table {
    try await readCSV(Array(text.utf8), options, schema: schema)
}

private func rows(of reader: CSVReader) async throws -> Table {
    var table = Table(schema: reader.schema, rows: [])
    while let batch = try await reader.next() {
        for row in 0..<batch.rowCount { table.rows.append(batch.columns.map { $0.value(at: row) }) }
    }
    return table
}

/// Options from a change to the defaults.
func csv(_ change: (inout CSVOptions) -> Void) -> CSVOptions {
    var options = CSVOptions()
    change(&options)
    return options
}
