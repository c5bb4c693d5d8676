import Classic
import ReportPage
import Sluice
import Storage
import Support

/// What `sluice report` does with a job, in each of its ways.
struct ReportWork: Sendable {
    let job: ReportJob
    let context: Context

    // MARK: A folder of reports

    /// Reports into a folder, with its ledger beside them.
    func folder(again: Bool) async throws -> ExitCode {
        let output = try context.store(at: job.output)
        let ledger = output is FolderStore ? "\(output.name)/.sluice" : context.reportLedger
        var options = ReportOptions()
        options.again = again
        let id = RunID.make()
        let result = try await watched("report") { [options] monitor in
            try await ReportRun(
                id, of: job, into: output, ledger: ledger, stores: context.stores, options: options, monitor: monitor,
                input: context.input
            ).perform()
        }
        show(result)
        if let failure = result.failure {
            ErrorReport(failure, command: ["report"]).tell(context)
            return ExitCode(failure)
        }
        return result.isPartial ? .partial : .succeeded
    }

    private func show(_ result: ReportResult) {
        if context.options.isJSON { return context.answer(result.json) }
        if let report = result.shown { show(report) }
        ReportLines(result).tell("report", in: context)
    }

    private func show(_ report: SalesReport) {
        let lines = ReportSummary.text(
            of: report, width: context.terminal.width ?? 100, styled: context.terminal.colorsOutput)
        for line in lines { context.output.print(line) }
    }

    // MARK: One report

    /// Writes one report to standard output, or into one file.
    func direct() async throws -> ExitCode {
        if job.output == Storage.standardName, context.options.isJSON {
            throw SluiceError(
                .usage, "standard output cannot hold both the report and the answer of --json",
                hint: "Leave --json out: the report is a JSON document.")
        }
        if job.format == .classic { return try await classic() }
        let report = try await watched("report") { monitor in
            try await DirectReport(of: job, monitor: monitor, stores: context.stores, input: context.input).report()
        }
        try await write(Buffer(Array(report.json().utf8)))
        if job.output != Storage.standardName {
            if context.options.isJSON {
                context.answer([
                    "report": .string(try context.shown(job.output)), "total_transactions": .number(report.records),
                ])
            } else {
                show(report)
            }
        }
        return .succeeded
    }

    private func classic() async throws -> ExitCode {
        guard job.input.count == 1, let name = job.input.first else {
            throw SluiceError(
                .usage, "classic/1 has no report over several inputs", hint: "Name a folder with --output.")
        }
        let outcome = try await DirectReport(of: job, stores: context.stores, input: context.input).classic()
        // A batch that failed has a report too, which says why.
        if let report = outcome.report { try await write(report) }
        if let failure = outcome.failure { throw failure.error(file: name) }
        return .succeeded
    }

    private func write(_ bytes: Buffer) async throws {
        let sink = try await context.create(job.output)
        do {
            try await sink.write(bytes)
            try await sink.finish()
        } catch {
            await sink.abandon()
            throw error
        }
    }

    // MARK: Partials

    /// Writes what is in the input, or in a part of it, to be merged later.
    func partial(_ file: String, part text: String?) async throws -> ExitCode {
        guard job.format == .sales else {
            throw SluiceError(.usage, "classic/1 has no partials: its sums depend on the order of records")
        }
        var part: SalesPart?
        if let text {
            let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
            guard numbers.count == 2, let index = numbers[0], let count = numbers[1],
                let found = SalesPart(index: index - 1, of: count)
            else {
                throw SluiceError(
                    .usage, "--part is '\(text)', which part of how many was expected",
                    hint: "Write 1/4 for the first of four parts, 4/4 for the last.")
            }
            part = found
        }
        let rejects =
            job.keepsRejects && file != Storage.standardName
            ? HeldSink(try await context.create(file + ".rejects.ndjson")) : nil
        do {
            let partial = try await watched("report") { [part] monitor in
                try await DirectReport(of: job, monitor: monitor, stores: context.stores, input: context.input)
                    .partial(part: part, rejects: rejects)
            }
            let sink = try await context.create(file)
            do {
                try await partial.write(to: sink)
                if partial.invalid > 0 { try await rejects?.finish() } else { await rejects?.abandon() }
                try await sink.finish()
            } catch {
                await sink.abandon()
                throw error
            }
            if context.options.isJSON {
                context.answer([
                    "partial": .string(file), "total_transactions": .number(partial.records),
                    "valid_transactions": .number(partial.valid), "invalid_transactions": .number(partial.invalid),
                ])
            } else {
                context.say("\(partial.records) records, \(partial.invalid) invalid; the partial is in \(file)")
            }
        } catch {
            await rejects?.abandon()
            throw error
        }
        return .succeeded
    }

    /// Makes one report of partials.
    func merge(_ patterns: [String]) async throws -> ExitCode {
        guard !patterns.isEmpty else {
            throw SluiceError(.usage, "there is nothing to merge", hint: "Name partials: sluice report merge *.partial")
        }
        var sources: [any StreamSource] = []
        for pattern in patterns {
            if pattern == Storage.standardName {
                sources.append(try context.input())
            } else {
                for place in try await context.places(pattern) { sources.append(try await place.open()) }
            }
        }
        let start = Moment.now
        let merge = ReportMerge(sources)
        if job.output == Storage.standardName || job.output.hasSuffix(".json") {
            let partial = try await merge.partial()
            let now = Moment.now.microseconds
            let report = try partial.report(at: now, seconds: Double(now - start.microseconds) / 1e6)
            try await write(Buffer(Array(report.json().utf8)))
            return .succeeded
        }
        let output = try context.store(at: job.output)
        let written = try await merge.write(job, into: output, since: start)
        if context.options.isJSON {
            context.answer(written.outcome.json)
        } else {
            show(written.report)
            ReportLines.tell(written.outcome, in: context)
        }
        return .succeeded
    }

    // MARK: Progress

    /// Shows how far `work` has come while it works.
    private func watched<Result: Sendable>(
        _ title: String, _ work: (RunMonitor) async throws -> Result
    ) async throws -> Result {
        let context = context
        let monitor = RunMonitor { event in
            switch event.level {
            case .warning: context.messages.print(Display.safe(event.message))
            case .info: context.detail(event.message)
            case .debug: break
            }
        }
        return try await context.withProgress(
            title,
            {
                ProgressMeasure(
                    rows: monitor.rowsRead, bytes: monitor.bytesRead, totalBytes: monitor.bytesTotal,
                    stage: monitor.stage)
            }, { try await work(monitor) })
    }
}

/// What a run of a report did, in lines for people.
struct ReportLines {
    private let result: ReportResult

    init(_ result: ReportResult) { self.result = result }

    /// Tells it.
    func tell(_ title: String, in context: Context) {
        let known = result.known
        if result.written == 0, result.failures.isEmpty, result.combined?.state != .written {
            let inputs = known == 1 ? "1 input is" : "\(ProgressView.count(known)) inputs are"
            context.say("\(title): nothing new: \(inputs) reported on already")
            if let combined = result.combined, let path = combined.report { context.say("\(title): all: \(path)") }
            for input in result.inputs.prefix(20) { if let path = input.report { context.say("\(title): \(path)") } }
            return
        }
        for input in result.inputs where input.state == .written { ReportLines.tell(input, in: context) }
        if known > 0 { context.say("\(title): \(ProgressView.count(known)) reported on already") }
        if let combined = result.combined, combined.state != .failed { ReportLines.tell(combined, in: context) }
        if let missing = result.missing { context.messages.print(Display.safe("\(title): \(missing)")) }
        for failed in result.failures.prefix(20) {
            if let log = failed.log { context.say("\(title): why \(failed.input ?? "") failed is in \(log)") }
        }
    }

    /// Tells what there is of one input, or of all of them.
    static func tell(_ outcome: ReportOutcome, in context: Context) {
        let name = outcome.input ?? "all"
        let invalid = outcome.records - outcome.valid
        context.say(
            Display.safe(
                "\(name): \(ProgressView.count(outcome.records)) records, \(ProgressView.count(invalid)) invalid: "
                    + (outcome.report ?? "")))
        for path in [outcome.page, outcome.rejects].compactMap({ $0 }) { context.say(Display.safe("  \(path)")) }
        if let first = outcome.tables.first, let slash = first.lastIndex(of: "/") {
            context.say(Display.safe("  \(first[..<slash])/"))
        }
    }
}

extension ReportResult {
    /// The result for machines.
    var json: JSONText {
        let status = failure != nil ? "failure" : isPartial ? "partial" : "success"
        return [
            "run_id": .string(run), "status": .string(status), "written": .number(written), "known": .number(known),
            "failed": .number(failures.count), "inputs": .array(inputs.map(\.json)),
            "combined": combined?.json ?? .null, "rows_loaded": .number(rowsLoaded),
            "error": failure.map { ErrorReport($0, command: ["report"]).json } ?? .null,
        ]
    }
}
