public import Columns
import Glibc
public import Storage
import Support

/// Turns tables of any format into one of any format.
///
///     let inputs = try Glob.expand("orders-*.csv").map { path throws(SluiceError) in try Storage.open(path) }
///     let output = try TableOutput("orders.parquet") { () throws(SluiceError) in try Storage.create("orders.parquet") }
///     let summary = try await Convert.run(inputs, output)
public enum Convert {
    /// Reads `inputs` one after the other and writes `output`.
    ///
    /// Several inputs become one table under a schema that holds all of them, in which a column that one of them lacks
    /// is null. The output is there whole when this returns, and untouched when it throws.
    ///
    /// - throws: `SluiceError`, or `CancellationError` when the task was cancelled.
    public static func run(
        _ inputs: [any InputFile], _ output: TableOutput, reading options: TableReadOptions = .init(),
        shape: TableShape = .init(), monitor: ConversionMonitor = .init()
    ) async throws -> ConversionSummary {
        let start = ContinuousClock.now
        var tables: [FileTable] = []
        var total: Int? = 0
        for input in inputs {
            if let identity = input.identity, identity == output.replaced {
                throw SluiceError(
                    .usage, "is both input and output", place: .init(file: input.name),
                    hint: "Write to another name, then move it over: mv NEW '\(input.name)'")
            }
            tables.append(try await FileTable(input, options: options, monitor: monitor))
            total = total.flatMap { total in input.streamSize.map { total + $0 } }
        }
        monitor.expect(total)
        let source = UnionSource(tables)
        let mayStartAgain = source.infersTypes
        let conversion = Conversion(
            source: source, shape: shape,
            makeWriter: { schema in
                try await output.writer(schema, mayStartAgain: mayStartAgain, monitor: monitor)
            }, monitor: monitor)
        let result = try await conversion.run()
        return ConversionSummary(
            schema: result.schema, rows: result.rows, files: inputs.count,
            bytesRead: min(total ?? .max, monitor.bytesRead),
            bytesWritten: monitor.bytesWritten, restarts: result.restarts, duration: ContinuousClock.now - start,
            inputFormats: tables.map(\.format), outputFormat: output.format)
    }
}

/// What a conversion did.
public struct ConversionSummary: Sendable {
    /// What was written.
    public let schema: Schema
    /// How many rows.
    public let rows: Int
    /// From how many files.
    public let files: Int
    /// How much of the inputs was read, as they are stored.
    public let bytesRead: Int
    /// The size of the output as it is stored.
    public let bytesWritten: Int
    /// How often everything was read again because types turned out to be wider.
    public let restarts: Int
    /// How long it took.
    public let duration: Duration
    /// What each input was made of.
    public let inputFormats: [FileFormat]
    /// What the output is made of.
    public let outputFormat: FileFormat

    /// The most memory that this program has held so far, in bytes.
    public static var peakMemory: Int {
        if let peak = statusPeak { return peak }
        // Where there is no /proc: it may be another's, since a program begins with the peak of the one that started it.
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }

    /// What the system has written down since the program began.
    private static var statusPeak: Int? {
        let descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4096)
        while text.count < 65_536 {
            let count = read(descriptor, &block, block.count)
            if count <= 0 { break }
            text += block[..<count]
        }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("VmHWM:") }) else { return nil }
        let words = line.split { $0 == " " || $0 == "\t" }
        return words.count > 1 ? Int(words[1]).map { $0 << 10 } : nil
    }
}
