public import Columns
public import Support

/// How JSON is written.
public struct JSONWriterOptions: Sendable {
    /// How records follow each other.
    public enum Layout: Sendable {
        /// Each on a line of its own (NDJSON).
        case lines
        /// As the elements of one array.
        case array
    }

    /// How records follow each other.
    public var layout = Layout.lines
    /// How many spaces each level is indented by, in an array, json values included; 0 puts each record on one line.
    public var indent = 0
    /// How many blocks of rows are formatted at a time.
    public var parallelism = 2

    /// Lines, unless said otherwise.
    public init(layout: Layout = .lines, indent: Int = 0) {
        self.layout = layout
        self.indent = indent
    }
}

/// Writes rows as JSON records, each an object with every column in order; what is missing is `null`.
///
/// Values are written as `ColumnFormatter` says: numbers in full, decimals as numbers, times as ISO 8601, bytes as
/// base64, json as it is. NaN and infinities, for which JSON has no number, are the strings `"NaN"`, `"Infinity"` and
/// `"-Infinity"`; a reader that is given a float type for the column takes them back. Maps are objects; two equal keys
/// in one map would be two equal keys in one object.
public final class JSONWriter: BatchWriter, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `BatchWriter` demands.

    private let sink: any ByteSink
    private let schema: Schema
    private let options: JSONWriterOptions
    private var hasRecords = false
    private static let blockRows = 4096

    /// A writer of rows under `schema`.
    ///
    /// - throws: `SluiceError` when two columns have the same name, which one object cannot hold.
    public init(_ sink: any ByteSink, schema: Schema, options: JSONWriterOptions = .init()) throws {
        var names: Set<String> = []
        for field in schema.fields where !names.insert(field.name).inserted {
            throw SluiceError(
                .invalidConfiguration,
                "two columns are named \"\(field.name)\", and an object can have only one of them",
                place: .init(file: sink.name, column: field.name), hint: "rename one of them")
        }
        self.sink = sink
        self.schema = schema
        self.options = options
    }

    /// Appends rows.
    public func write(_ batch: RecordBatch) async throws {
        let type = DataType.structure(schema.fields)
        var start = 0
        while start < batch.rowCount {
            var ranges: [Range<Int>] = []
            while start < batch.rowCount, ranges.count < max(1, options.parallelism) {
                let end = min(start + JSONWriter.blockRows, batch.rowCount)
                ranges.append(start..<end)
                start = end
            }
            let options = options
            let beginsFile = !hasRecords
            let blocks = await withTaskGroup(of: (Int, Buffer).self) { group in
                for (index, rows) in ranges.enumerated() {
                    group.addTask {
                        let records = Column(
                            type: type, count: batch.rowCount, nullCount: 0, children: batch.columns)
                        return (
                            index,
                            JSONWriter.format(records, rows, options, beginsFile: beginsFile && rows.lowerBound == 0)
                        )
                    }
                }
                var all = [Buffer](repeating: .empty, count: ranges.count)
                for await (index, block) in group { all[index] = block }
                return all
            }
            for block in blocks { try await sink.write(block) }
            hasRecords = true
        }
    }

    private static func format(
        _ records: Column, _ rows: Range<Int>, _ options: JSONWriterOptions, beginsFile: Bool
    ) -> Buffer {
        let formatter = ColumnFormatter(records, style: .json)
        let out = MutableBuffer(capacity: rows.count * 128)
        let line = MutableBuffer()
        let isArray = options.layout == .array
        let indent = isArray ? min(max(0, options.indent), 16) : 0
        for row in rows {
            if isArray {
                out.append(row == rows.lowerBound && beginsFile ? UInt8(ascii: "[") : UInt8(ascii: ","))
                out.append(UInt8(ascii: "\n"))
            }
            if indent > 0 {
                line.removeAll()
                formatter.append(row: row, to: line)
                line.withUnsafeBytes { JSONIndentation.append($0, indent: indent, depth: 1, to: out) }
            } else {
                formatter.append(row: row, to: out)
            }
            if !isArray { out.append(UInt8(ascii: "\n")) }
        }
        return out.freeze()
    }

    /// Writes what is held back and publishes the result.
    public func finish() async throws {
        if options.layout == .array { try await sink.write(Buffer(Array((hasRecords ? "\n]\n" : "[]\n").utf8))) }
        try await sink.finish()
    }

    /// Throws away what was written.
    public func abandon() async { await sink.abandon() }
}

/// JSON on one line, spread over several.
enum JSONIndentation {
    /// Appends `json` with every value on a line of its own, the first one indented by `depth` levels.
    static func append(_ json: UnsafeRawBufferPointer, indent: Int, depth: Int, to out: MutableBuffer) {
        var depth = depth
        var inString = false
        var index = 0
        func newLine() {
            out.append(UInt8(ascii: "\n"))
            out.append(repeating: 0x20, count: indent * depth)
        }
        out.append(repeating: 0x20, count: indent * depth)
        while index < json.count {
            let byte = json[index]
            index += 1
            if inString {
                out.append(byte)
                if byte == UInt8(ascii: "\\"), index < json.count {
                    out.append(json[index])
                    index += 1
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                inString = true
                out.append(byte)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                out.append(byte)
                var next = index
                while next < json.count, isSpace(json[next]) { next += 1 }
                if next < json.count, json[next] == byte + 2 {
                    // Nothing between the brackets.
                    out.append(byte + 2)
                    index = next + 1
                } else {
                    depth += 1
                    newLine()
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth = max(0, depth - 1)
                newLine()
                out.append(byte)
            case UInt8(ascii: ","):
                out.append(byte)
                newLine()
            case UInt8(ascii: ":"):
                out.append(byte)
                out.append(0x20 as UInt8)
            default:
                if !isSpace(byte) { out.append(byte) }
            }
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }
}
