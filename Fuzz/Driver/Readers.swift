import Columns
import Parquet
import Support
import TextFormats

/// Rows beyond this are not looked at, so that a few bytes that stand for billions of rows do not take forever.
private let mostRows = 200_000

/// Reads to the end. A `SluiceError` is a good answer to bad bytes; nil then. Any other error is not.
private func read(
    widenings: Int = 1, _ open: (Schema?) async throws -> any BatchReader
) async -> (schema: Schema, batches: [RecordBatch])? {
    var schema: Schema?
    for _ in 0...widenings {
        do {
            let reader = try await open(schema)
            var batches: [RecordBatch] = []
            var rows = 0
            while rows < mostRows, let batch = try await reader.next() {
                guard batch.schema == reader.schema else { violated("a batch has another schema than its reader") }
                for (field, column) in zip(batch.schema.fields, batch.columns) { check(column, field, field.name) }
                rows += batch.rowCount
                batches.append(batch)
            }
            return (reader.schema, batches)
        } catch let widened as SchemaWidened {
            schema = widened.schema
        } catch let error as SluiceError {
            if error.description.isEmpty { violated("an error says nothing") }
            return nil
        } catch {
            violated("an error that is no SluiceError: \(error)")
        }
    }
    violated("the schema was widened twice")
}

func readParquet(_ input: Buffer) async {
    let limits = ParquetLimits(maxPageBytes: 16 << 20, maxBatchBytes: 4 << 20, windowBytes: 4 << 10)
    _ = await read { _ in
        let file = try await ParquetFile.open(MemorySource(input), limits: limits)
        return try file.reader()
    }
}

/// A footer as a file.
func framed(_ footer: Buffer) -> Buffer {
    let file = MutableBuffer(capacity: footer.count + 12)
    file.append(utf8: "PAR1")
    file.append(footer)
    file.append(UInt32(footer.count))
    file.append(utf8: "PAR1")
    return file.freeze()
}

func readCSV(_ input: Buffer) async {
    // A byte of the input decides on what it is like; text formats have no place of their own for this.
    let kind = input.count == 0 ? 0 : input[input.count / 2]
    var options = CSVOptions()
    options.ragged = kind & 1 == 0 ? .error : .null
    // Whether there is a header is found out by looking at the first chunk, and may depend on where that ends.
    options.header = kind & 2 == 0
    options.maxRecordBytes = 1 << 16
    options.maxColumns = 1000
    await compareChunks(sizes: [1 << 20, 1 + Int(kind >> 2)]) { size, schema in
        var options = options
        options.chunkBytes = size
        return try await CSVReader.open(MemorySource(input), options: options, schema: schema)
    }
}

private func openJSON(_ input: Buffer, chunkBytes: Int, _ schema: Schema?) async throws -> any BatchReader {
    let kind = input.count == 0 ? 0 : input[input.count / 2]
    var options = JSONOptions()
    // Values that do not count still have a say in the schema, if they lie in a chunk that it is inferred from: the
    // outcome then depends on the chunks.
    options.duplicateKeys = Target.chosen == .json ? .error : .last
    options.nested = kind & 4 == 0 ? .keep : .json
    options.limits.maxRecordBytes = 1 << 16
    options.chunkBytes = chunkBytes
    return try await JSONReader.open(MemorySource(input), options: options, schema: schema)
}

func readJSON(_ input: Buffer) async {
    let size = input.count == 0 ? 1 : 1 + Int(input[input.count / 2] >> 2)
    await compareChunks(sizes: [1 << 20, size]) { try await openJSON(input, chunkBytes: $0, $1) }
}

/// What a file says does not depend on how it is cut into chunks.
private func compareChunks(
    sizes: [Int], _ open: (Int, Schema?) async throws -> any BatchReader
) async {
    let whole = await read { try await open(sizes[0], $0) }
    let cut = await read { try await open(sizes[1], $0) }
    guard (whole == nil) == (cut == nil) else { violated("chunks of \(sizes[1]) bytes make a difference: an error") }
    guard let whole, let cut else { return }
    guard whole.schema.fields == cut.schema.fields else {
        violated("chunks of \(sizes[1]) bytes make a difference: \(whole.schema.fields) or \(cut.schema.fields)")
    }
    guard rows(whole.batches) == rows(cut.batches) else {
        violated("chunks of \(sizes[1]) bytes make a difference in the values")
    }
}

func rewriteAsParquet(_ input: Buffer) async {
    guard let found = await read({ try await openJSON(input, chunkBytes: 1 << 20, $0) }) else { return }
    let sink = MemorySink()
    let kind = input.count == 0 ? 0 : input[0]
    let encodings: [Encoding?] = [
        nil, .plain, .deltaBinaryPacked, .deltaLengthByteArray, .deltaByteArray, .byteStreamSplit,
    ]
    let options = ParquetWriterOptions(
        compression: kind & 1 == 0 ? .uncompressed : .snappy, rowGroupRows: kind & 2 == 0 ? 1 << 20 : 3,
        pageRows: kind & 4 == 0 ? nil : 2, dictionaryBytes: kind & 8 == 0 ? 1 << 20 : 8,
        pageVersion: kind & 16 == 0 ? 1 : 2, encoding: encodings[Int(kind >> 5) % encodings.count], parallelism: 1)
    do {
        let writer = try await ParquetWriter(sink, schema: found.schema, options: options)
        for batch in found.batches { try await writer.write(batch) }
        try await writer.finish()
    } catch let error as SluiceError where error.code == .unsupported {
        return
    } catch {
        violated("what was read cannot be written: \(error)")
    }
    guard let contents = sink.contents else { violated("the finished file is not there") }
    let again: [RecordBatch]
    do {
        let reader = try await ParquetFile.open(MemorySource(contents)).reader()
        var batches: [RecordBatch] = []
        while let batch = try await reader.next() { batches.append(batch) }
        guard reader.schema.fields == found.schema.fields else {
            violated("the schema changed: \(found.schema.fields) into \(reader.schema.fields)")
        }
        again = batches
    } catch {
        violated("what was written cannot be read: \(error)")
    }
    guard rows(found.batches) == rows(again) else { violated("the values changed on their way through Parquet") }
}

/// The values of all rows; NaN as one text, because it does not equal itself.
private func rows(_ batches: [RecordBatch]) -> [[Value]] {
    func comparable(_ value: Value) -> Value {
        switch value {
        case .float(let number): .text("\(number)")
        case .list(let items): .list(items.map(comparable))
        case .structure(let items): .structure(items.map(comparable))
        default: value
        }
    }
    return batches.flatMap { batch in
        (0..<batch.rowCount).map { row in batch.columns.map { comparable($0.value(at: row)) } }
    }
}
