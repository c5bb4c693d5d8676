import Columns
import Support

@testable import TextFormats

/// All rows of a reader, as values.
struct ReadRows {
    var schema: Schema
    var rows: [[Value]]
    /// How often the schema had to be widened.
    var widenings = 0

    /// One column's values.
    func column(_ name: String) -> [Value] {
        guard let index = schema.index(of: name) else { return [] }
        return rows.map { $0[index] }
    }

    /// The columns as a user writes them.
    var types: [String] { schema.fields.map(\.description) }
}

/// Reads all records the way a consumer does: again from the start when the schema turns out too narrow.
func readJSON(_ text: String, _ options: JSONOptions = .init(), schema: Schema? = nil) async throws -> ReadRows {
    try await readJSON(Array(text.utf8), options, schema: schema)
}

func readJSON(_ bytes: [UInt8], _ options: JSONOptions = .init(), schema: Schema? = nil) async throws -> ReadRows {
    let source = MemorySource(Buffer(bytes), name: "test.json")
    var schema = schema
    var widenings = 0
    while true {
        let reader = try await JSONReader.open(source, options: options, schema: schema)
        var read = ReadRows(schema: reader.schema, rows: [], widenings: widenings)
        do {
            while let batch = try await reader.next() {
                for row in 0..<batch.rowCount { read.rows.append(batch.columns.map { $0.value(at: row) }) }
            }
            return read
        } catch let widened as SchemaWidened {
            widenings += 1
            schema = widened.schema
        }
    }
}

extension JSONOptions {
    /// Options for tests: chunks of `bytes`.
    static func chunks(_ bytes: Int, parallelism: Int = 2) -> JSONOptions {
        var options = JSONOptions()
        options.chunkBytes = bytes
        options.parallelism = parallelism
        return options
    }
}

/// The error that `body` throws.
func failure(_ body: () async throws -> Void) async -> SluiceError? {
    do {
        try await body()
        return nil
    } catch { return error as? SluiceError }
}

/// Numbers that look random and are the same in every run.
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_f491_4f6c_dd1d
    }
}
