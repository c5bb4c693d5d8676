import Columns
import CommandLine
import Storage
import Support
import Tables

/// `sluice convert`: tables in files of any format become one table in a file of any format.
struct ConvertCommand: Command {
    let inputs = Parameter.arguments("IN", .path, help: "Files or patterns like 'orders-*.csv'; - is standard input")
    let output = Parameter.argument("OUT", .path, help: "The file to write; - is standard output")
    let reading = TableReadParameters()
    let writing = TableWriteParameters()
    let threads = Parameter.optional("threads", .integer(1...), help: "How many processors to use; all when not given")
    let overwrite = Parameter.flag(
        "overwrite", default: true, help: "Replace an output that is there already")

    var model: CommandModel {
        CommandModel(
            "convert", "Turn CSV, TSV, JSON, NDJSON and Parquet files into one another",
            [.arguments(inputs, output)] + reading.groups + writing.groups + [.options(threads, overwrite)],
            discussion: """
                Formats go by the names of the files (.csv, .tsv, .json, .ndjson, .parquet, and .gz or .zst behind \
                them), then by their first bytes. Several inputs become one table: columns are matched by name, one \
                that a file lacks is null there, and types widen so that no value is lost.

                Types of text files are found out from all of the data, not from a sample. Should a late value need a \
                wider type, everything is read again, once.

                The output appears under its name when it is complete, and replaces what was there in one step. When \
                anything fails, what was there stays, and nothing half-written is left.
                """,
            examples: [
                .init("sluice convert orders.csv orders.parquet", "CSV to Parquet"),
                .init("sluice convert 'logs/**/*.ndjson.gz' logs.parquet", "many files into one"),
                .init("sluice convert orders.parquet - --to csv | head", "a look as CSV"),
                .init("curl -s URL | sluice convert - orders.parquet --from json", "from a pipe"),
                .init("sluice convert a.csv b.csv --delimiter ';' --encoding latin1", "another dialect"),
                .init("sluice convert a.csv a.parquet --schema 'id: int64, zip: utf8'", "with given types"),
                .init("sluice convert a.parquet b.parquet --columns id,at --compression zstd:9", "fewer columns"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let name = arguments[output]
        let shown = try context.shown(name)
        try await check(arguments, in: context)
        var readOptions = try await reading.options(arguments, in: context)
        var writeOptions = try writing.options(arguments, name: shown)
        readOptions.threads = arguments[threads]
        writeOptions.threads = arguments[threads]

        let table = try TableOutput(
            shown, options: writeOptions,
            replacing: name == Storage.standardName ? nil : FileIdentity(path: context.resolve(name))
        ) { () async throws(SluiceError) in try await context.create(name) }
        if name == Storage.standardName, context.terminal.outputIsTerminal, table.isBinary {
            throw SluiceError(
                .usage, "\(table.format.rawValue) is not for the eyes, and standard output is a terminal",
                hint: "Name a file, or send it on with > or |.")
        }
        let files = try await open(arguments[inputs], in: context)
        let monitor = ConversionMonitor { reason in context.say(explain(reason)) }
        let shape = reading.shape(arguments)
        let summary = try await context.withProgress(
            "converting",
            {
                ProgressMeasure(
                    rows: monitor.rowsWritten, bytes: monitor.bytesRead, totalBytes: monitor.bytesTotal)
            },
            { try await Convert.run(files, table, reading: readOptions, shape: shape, monitor: monitor) })
        report(summary, name: shown, in: context)
        return .succeeded
    }

    private func check(_ arguments: Arguments, in context: Context) async throws(SluiceError) {
        let name = arguments[output]
        if name == Storage.standardName {
            if context.options.isJSON {
                throw SluiceError(
                    .usage, "standard output cannot hold both the table and the answer of --json",
                    hint: "Name a file as the output, or leave --json out.")
            }
        } else if !arguments[overwrite], try await context.place(name).facts() != nil {
            throw SluiceError(.invalidConfiguration, "is there already", place: .init(file: try context.shown(name)))
        }
        if arguments[inputs].count(where: { $0 == Storage.standardName }) > 1 {
            throw SluiceError(.usage, "standard input can be read only once, and is named twice")
        }
    }

    /// The files that names and patterns stand for.
    private func open(_ names: [String], in context: Context) async throws(SluiceError) -> [any InputFile] {
        var files: [any InputFile] = []
        for name in names {
            if name == Storage.standardName {
                files.append(try context.input())
            } else {
                for place in try await context.places(name) { files.append(try await place.open()) }
            }
        }
        return files
    }

    // MARK: - What is told

    /// Why everything is read again.
    private func explain(_ reason: SchemaWidened) -> String {
        var place = reason.place
        let column = place.column
        place.column = nil
        let spot = SluiceError(.conversion, "", place: place).description
        guard let column, let index = reason.schema.index(of: column) else {
            return "\(spot)the data needs wider types than its start showed; reading again"
        }
        return "\(spot)column \"\(column)\" turns out to be \(reason.schema.fields[index].type); reading again"
    }

    private func report(_ summary: ConversionSummary, name: String, in context: Context) {
        let seconds = summary.duration.seconds
        let rate = Int(Double(summary.rows) / max(seconds, 1e-3))
        let memory = ConversionSummary.peakMemory
        if context.options.isJSON {
            context.answer([
                "output": .string(name),
                "format": .string(summary.outputFormat.rawValue),
                "rows": .number(summary.rows),
                "columns": .number(summary.schema.fields.count),
                "files": .number(summary.files),
                "bytesRead": .number(summary.bytesRead),
                "bytesWritten": .number(summary.bytesWritten),
                "restarts": .number(summary.restarts),
                "milliseconds": .number(Int(seconds * 1000)),
                "rowsPerSecond": .number(rate),
                "peakMemoryBytes": .number(memory),
            ])
            return
        }
        // What takes no time at all has no rate worth reading.
        let pace = seconds < 0.1 ? "" : "\(grouped(rate)) rows/s, "
        let shown = name == Storage.standardName ? "standard output" : name
        context.say(
            "\(shown): \(grouped(summary.rows)) \(summary.rows == 1 ? "row" : "rows") "
                + "from \(summary.files) \(summary.files == 1 ? "file" : "files"), "
                + "\(Quantities.describe(bytes: summary.bytesRead)) read, "
                + "\(Quantities.describe(bytes: summary.bytesWritten)) written, "
                + "\(Quantities.describe(summary.duration)), \(pace)"
                + "\(Quantities.describe(bytes: memory)) memory")
    }

    /// `1234567` as `1,234,567`.
    private func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }
}
