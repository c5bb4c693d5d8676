import CommandLine
import Storage
import Stores
import Support
import Synthetic

/// `sluice generate sales`: batches of sales transactions, as `sluice report` reads them.
struct GenerateSales: Command {
    let count = Parameter.option(
        "count", .integer(0...), short: "n", default: "1000", help: "The transactions of a file")
    let files = Parameter.option("files", .integer(in: 1...1_000_000), default: "1", help: "How many files")
    let output = Parameter.option(
        "output", .folder, short: "o", default: "./samples",
        help: "The folder or container for them; - writes one file to standard output")
    let seed = Parameter.option(
        "seed", .integer(0...), default: "\(SalesPlan.defaultSeed)",
        help: "A number that everything follows from: the same seed makes the same bytes")

    let start = Parameter.option("start", .day, default: "2025-01-01", help: "The first day, in UTC")
    let days = Parameter.option(
        "days", .integer(in: 1...SalesPlan.mostDays), default: "30",
        help: "How many days the transactions are spread over")
    let anomalyRate = Parameter.option(
        "anomaly-rate", .share, default: "0.01",
        help: "The share of transactions with 10 to 50 times the quantities or prices")
    let invalidRate = Parameter.option(
        "invalid-rate", .share, default: "0",
        help: "The share of transactions that are broken, each in one of \(SaleFault.allCases.count) ways")

    let format = Parameter.option(
        "format", .choice(SalesPlan.Layout.self, "FORMAT"), default: "document",
        help: "A batch document, or a transaction a line")
    let compact = Parameter.flag("compact", help: "Write the document without white space, on one line")
    let compression = Parameter.optional(
        "compression", .compression, short: "z", help: "Pack files with gzip or zstd, with a level as in zstd:9")
    let overwrite = Parameter.flag("overwrite", help: "Replace files of the same names that hold something else")
    let threads = Parameter.optional(
        "threads", .integer(1...), help: "How many files are made at once; all processors when not given")

    var model: CommandModel {
        CommandModel(
            "sales", "Make up batches of sales transactions",
            [
                ParameterGroup("How much, and where", [count, files, output, seed]),
                ParameterGroup("What is in it", [start, days, anomalyRate, invalidRate]),
                ParameterGroup("How it is written", [format, compact, compression, overwrite, threads]),
            ],
            discussion: """
                Nothing depends on the clock, the machine or the number of threads: the same options make the same \
                bytes, and file 2 is the same whether 2 or 200 are made. Files are named after the last day and \
                their number, as sales_batch_20250131_000000_001.json.

                Files that are there already are left alone when they hold what would be made. When one holds \
                something else, nothing is written, unless --overwrite says so.

                All amounts add up to the cent, and every transaction that is not broken on purpose is valid.
                """,
            examples: [
                .init("sluice generate sales", "1,000 sales in ./samples"),
                .init("sluice generate sales --files 3 --seed 7", "three files"),
                .init("sluice generate sales --invalid-rate 0.05", "one in twenty broken"),
                .init("sluice generate sales --count 1_000_000 -z zstd", "1.3 GB, packed"),
                .init("sluice generate sales -n 5 --format ndjson -o -", "a look at it"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let plan = try plan(arguments)
        let target = arguments[output]
        let monitor = SalesMonitor()
        let clock = ContinuousClock.now
        let total = plan.count.multipliedReportingOverflow(by: plan.files).partialValue
        let made = try await context.withProgress(
            "generating",
            {
                let done = monitor.transactions
                return ProgressMeasure(
                    rows: done, bytes: monitor.bytes,
                    stage: total > 0 ? "\(min(100, 100 * (done / 1000) / max(1, total / 1000)))%" : nil)
            },
            {
                if target == Storage.standardName {
                    return try await toStandardOutput(plan, arguments, monitor, in: context)
                }
                let store: any ObjectStore =
                    StoreURL.isURL(target) ? try context.store(at: target) : FolderStore(context.resolve(target))
                var files = SalesFiles(plan, in: store, overwrites: arguments[overwrite])
                if let threads = arguments[threads] { files.threads = threads }
                return try await files.write(monitor)
            })
        report(made, plan, target, ContinuousClock.now - clock, in: context)
        return .succeeded
    }

    private func plan(_ arguments: Arguments) throws(SluiceError) -> SalesPlan {
        let wanted = arguments[compression]
        let plan = SalesPlan(
            count: arguments[count], files: arguments[files], seed: UInt64(arguments[seed]),
            anomalyRate: arguments[anomalyRate], invalidRate: arguments[invalidRate], start: arguments[start],
            days: arguments[days], layout: arguments[format], isCompact: arguments[compact],
            compression: try wanted?.fileCompression(), compressionLevel: wanted?.level)
        try plan.check()
        return plan
    }

    private func toStandardOutput(
        _ plan: SalesPlan, _ arguments: Arguments, _ monitor: SalesMonitor, in context: Context
    ) async throws -> [SalesFiles.File] {
        if plan.files > 1 {
            throw SluiceError(
                .usage, "standard output cannot hold \(plan.files) files", hint: "Name a folder with --output.")
        }
        if context.options.isJSON {
            throw SluiceError(
                .usage, "standard output cannot hold both the data and the answer of --json",
                hint: "Name a folder with --output, or leave --json out.")
        }
        if plan.compression != nil, context.terminal.outputIsTerminal {
            throw SluiceError(
                .usage, "packed data is not for the eyes, and standard output is a terminal",
                hint: "Name a folder with --output, or send it on with > or |.")
        }
        return [try await SalesFiles.write(plan, file: 0, to: try await context.create(Storage.standardName), monitor)]
    }

    // MARK: - What is told

    private func report(
        _ files: [SalesFiles.File], _ plan: SalesPlan, _ target: String, _ duration: Duration, in context: Context
    ) {
        let invalid = files.reduce(0) { $0 + $1.invalid }
        let anomalies = files.reduce(0) { $0 + $1.anomalies }
        let transactions = files.reduce(0) { $0 + $1.transactions }
        let bytes = files.reduce(0) { $0 + $1.bytes }
        let shown = target == Storage.standardName ? nil : files.map { shownPath($0, plan, target) }
        if context.options.isJSON {
            context.answer(
                [
                    "transactions": .number(transactions), "anomalies": .number(anomalies),
                    "invalid": .number(invalid), "bytes": .number(bytes), "seed": .number(Int(plan.seed)),
                    "milliseconds": .number(Int(duration.seconds * 1000)),
                    "files": .array(zip(files, shown ?? []).map { file, path in describe(file, path) }),
                ])
            return
        }
        for path in shown ?? [] { context.output.print(path) }
        let there = files.count { $0.wasThere }
        var parts = [
            "\(ProgressView.counted(transactions, "transaction")) in \(ProgressView.counted(files.count, "file"))",
            "\(ProgressView.count(anomalies)) \(anomalies == 1 ? "anomaly" : "anomalies")",
        ]
        if invalid > 0 { parts.append("\(ProgressView.count(invalid)) broken") }
        parts += [Quantities.describe(bytes: bytes), Quantities.describe(duration)]
        if there > 0 { parts.append(there == files.count ? "all there already" : "\(there) there already") }
        context.say(parts.joined(separator: ", "))
    }

    /// The path as the user would type it; of a store, its URL without a signature.
    private func shownPath(_ file: SalesFiles.File, _ plan: SalesPlan, _ target: String) -> String {
        if StoreURL.isURL(target) { return file.path }
        let name = file.path.split(separator: "/").last.map(String.init) ?? file.path
        return target.hasSuffix("/") ? target + name : "\(target)/\(name)"
    }

    private func describe(_ file: SalesFiles.File, _ path: String) -> JSONText {
        let broken = SaleFault.allCases.compactMap { fault in
            file.faults[fault].map { (key: fault.rawValue, value: JSONText.number($0)) }
        }
        return [
            "path": .string(path), "batchId": .string(file.batchID), "transactions": .number(file.transactions),
            "anomalies": .number(file.anomalies), "invalid": .number(file.invalid), "faults": .object(broken),
            "bytes": .number(file.bytes), "wasThere": .bool(file.wasThere),
        ]
    }
}

extension ValueKind where Value == CalendarDay {
    /// A day: `2025-01-31`.
    fileprivate static var day: ValueKind {
        ValueKind("DAY") { text throws(ValueProblem) in
            guard let day = CalendarDay(text) else {
                throw ValueProblem("is not a day", hint: "Write a day that exists as 2025-01-31.")
            }
            return day
        }
    }
}

extension ValueKind where Value == Double {
    /// A share of a whole: from 0 to 1.
    fileprivate static var share: ValueKind {
        ValueKind("SHARE") { text throws(ValueProblem) in
            guard let share = Double(text), share.isFinite else {
                throw ValueProblem("is not a number", hint: "Write a share from 0 to 1: 0.01 is one in a hundred.")
            }
            guard 0...1 ~= share else {
                throw ValueProblem(
                    "is not between 0 and 1", hint: "Write a share from 0 to 1: 0.01 is one in a hundred.")
            }
            return share
        }
    }
}
