import Columns
import CommandLine
import Storage
import Support
import Tables

/// `sluice inspect`: what is in a file, whatever its format.
struct Inspect: Command {
    let files = Parameter.arguments("FILE", .path, help: "Files or patterns like 'orders-*.csv'; - is standard input")
    let rows = Parameter.optional(
        "rows", .integer(0...), short: "n", help: "Show the first N rows instead of what is known about the file")
    let reading = TableReadParameters()

    var model: CommandModel {
        CommandModel(
            "inspect", "Say what is in a file: schema, rows, sizes, statistics",
            [.arguments(files), .options(rows)] + reading.groups,
            discussion: """
                Of a Parquet file only the footer is read. CSV, TSV, JSON and NDJSON are read to their end, because only \
                all of the data tells the types. --rows reads no more than the rows it shows.

                With --json, numbers stand for sizes in bytes, and what is not known is null.
                """,
            examples: [
                .init("sluice inspect orders.parquet", "schema, row groups, statistics"),
                .init("sluice inspect --rows 20 orders.csv", "the first rows as a table"),
                .init("sluice inspect --json 'lake/**/*.parquet'", "for machines"),
                .init("sluice inspect -n 5 - < orders.json", "from a pipe"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let options = try await reading.options(arguments, in: context)
        let shape = reading.shape(arguments)
        let inputs = try await expand(arguments[files], in: context)
        // A footer speaks of all rows, under the names they have.
        let partial = [reading.limit.spec, reading.rename.spec].first { arguments.isGiven($0) }
        var answers: [JSONText] = []
        var failures: [SluiceError] = []
        for (number, file) in inputs.enumerated() {
            do {
                let inspection = try await Inspection(
                    file.place, named: file.name, options: options, shape: shape, in: context)
                if number > 0, !context.options.isJSON { context.output.print("") }
                if let count = arguments[rows] {
                    let sample = try await inspection.sample(count)
                    if context.options.isJSON {
                        answers.append(sample.json)
                    } else {
                        tell(sample.lines(in: context, named: inputs.count > 1), context)
                    }
                } else {
                    let description = try await inspection.describe(refusing: partial?.name)
                    if context.options.isJSON {
                        answers.append(description.json)
                    } else {
                        tell(description.lines(in: context), context)
                    }
                }
            } catch let error as SluiceError {
                // One file is not kept from being looked at by another.
                if inputs.count == 1 || error.code == .cancelled { throw error }
                let report = ErrorReport(error, command: ["inspect"])
                report.tell(context)
                answers.append(["file": .string(file.name), "error": report.json])
                failures.append(error)
            }
            if context.output.isClosed { break }
        }
        if context.options.isJSON { context.answer(["files": .array(answers)]) }
        guard let first = failures.first else { return .succeeded }
        return failures.count < inputs.count ? .partial : ExitCode(first)
    }

    private func tell(_ lines: [String], _ context: Context) {
        context.output.write(lines.joined(separator: "\n") + "\n")
    }

    /// The files that names and patterns stand for.
    private func expand(
        _ names: [String], in context: Context
    ) async throws(SluiceError) -> [(name: String, place: FilePlace)] {
        var files: [(name: String, place: FilePlace)] = []
        for name in names {
            if name != Storage.standardName, Glob.isPattern(name) {
                files += try await context.places(name).map { ($0.name, $0) }
            } else {
                files.append((name, name == Storage.standardName ? .local(name) : try context.place(name)))
            }
        }
        return files
    }
}
