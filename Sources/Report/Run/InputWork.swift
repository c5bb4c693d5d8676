import Runs
import Sales
import Storage
import Support

/// The work on one input: from its bytes to its report and everything beside it.
struct InputWork: Sendable {
    let run: ReportRun
    let input: ReportInput
    /// What the file bore before it was read.
    let stamp: FileStamp?
    let ledger: ReportLedger?
    let threads: Int

    init(_ run: ReportRun, _ input: ReportInput, _ stamp: FileStamp?, _ ledger: ReportLedger?, threads: Int) {
        self.run = run
        self.input = input
        self.stamp = stamp
        self.ledger = ledger
        self.threads = threads
    }

    /// What came of it.
    struct Outcome: Sendable {
        var input: ReportInput
        var outcome: ReportOutcome
        /// By what the report is known; nil when the input could not be read.
        var key: ReportLedger.Key?
        /// What the ledger is to learn; nil when it knows.
        var entry: ReportLedger.Entry?
        /// What was read; nil when nothing was.
        var partial: SalesPartial?
        var report: SalesReport?
        /// What is to be loaded into the warehouse.
        var tables: [ReportTable] = []
        /// Whether the partial went into the sum over all inputs.
        var isInSum = false
        /// Why the whole run ends.
        var stop: SluiceError?
    }

    /// Does it. Does not throw: whatever happens is in the outcome.
    func perform() async -> Outcome {
        let start = Moment.now
        var failed = Outcome(input: input, outcome: ReportOutcome(input: input.name, state: .failed))
        do throws(SluiceError) {
            if let ledger, let stamp, let content = try await ledger.content(of: input.path, stamp),
                let entry = try await run.written(run.key(input.name, content), in: ledger)
            {
                run.monitor.countBytes(stamp.size)
                return known(try run.key(input.name, content), entry)
            }
            run.monitor.enter("reading \(input.name)")
            return try await work(since: start)
        } catch {
            if error.code == .cancelled || Task.isCancelled {
                failed.stop = SluiceError(.cancelled, "the run was cancelled")
                return failed
            }
            failed.outcome.error = error
            if run.task == nil { failed.outcome.log = await ReportLog(run).failure(of: input.name, error) }
            run.monitor.say(
                "input-failed", "\(input.name) has no report: \(error)", level: .warning,
                ["input": .string(input.name), "error": .string(Redactor.shared.redact("\(error)"))])
            return failed
        }
    }

    func known(_ key: ReportLedger.Key, _ entry: ReportLedger.Entry) -> Outcome {
        var outcome = ReportOutcome(input: input.name, state: .known)
        outcome.report = run.output.url(entry.report)
        outcome.records = entry.records
        outcome.valid = entry.valid
        run.monitor.say("known", "\(input.name) has its report: \(entry.report)", level: .debug)
        return Outcome(input: input, outcome: outcome, key: key)
    }

    private func work(since start: Moment) async throws(SluiceError) -> Outcome {
        let source = try await open()
        if run.job.format == .classic { return try await classic(source, since: start) }
        let rejects = LateSink()
        do throws(SluiceError) {
            let partial = try await read(source, into: run.job.keepsRejects ? rejects.held : nil, at: start)
            let content = try await source.content()
            if let ledger, let stamp { try await ledger.note(content, of: input.place, stamp) }
            let key = try run.key(input.name, content)
            run.monitor.countRead(partial.records)
            run.monitor.countRejected(partial.records - partial.valid)
            if let entry = try await run.written(key, in: ledger) {
                await rejects.held.abandon()
                var outcome = known(key, entry)
                outcome.partial = partial
                return outcome
            }
            return try await write(partial, key, rejects, since: start)
        } catch {
            await rejects.held.abandon()
            throw error
        }
    }

    private func open() async throws(SluiceError) -> InputSource {
        try await InputSource(input.place, input: run.input) { [monitor = run.monitor] in monitor.countBytes($0) }
    }

    private func read(
        _ source: InputSource, into rejects: (any ByteSink)?, at now: Moment
    ) async throws(SluiceError) -> SalesPartial {
        try await SalesReading(rules: run.job.rules, threads: threads, now: now.microseconds)
            .read(source.source, name: input.name, part: nil, rejects: rejects)
    }

    /// What is in the input, without a report.
    func partial() async throws(SluiceError) -> SalesPartial { try await read(try await open(), into: nil, at: .now) }

    private func write(
        _ partial: SalesPartial, _ key: ReportLedger.Key, _ rejects: LateSink, since start: Moment
    ) async throws(SluiceError) -> Outcome {
        let names = try ReportNames(of: input.name, content: key.content, rules: key.rules, format: key.format)
        let writer = ReportWriter(run, names)
        var outcome = ReportOutcome(input: input.name, state: .written)
        if partial.records > partial.valid, run.job.keepsRejects {
            try await rejects.pass(to: try await run.output.create(names.rejects))
            outcome.rejects = run.output.url(names.rejects)
        } else {
            await rejects.held.abandon()
        }
        FaultPoint.reportRead.reach()
        let written: (report: SalesReport, tables: [ReportTable])
        do throws(SluiceError) {
            written = try await writer.write(partial, input: input.name, since: start, &outcome)
        } catch {
            guard let rejects = outcome.rejects, error.code == .invalidData else { throw error }
            // Too many records are invalid, and whoever has to mend the source needs to see them.
            var error = error
            error.hint = (error.hint.map { "\($0); " } ?? "") + "the rejected records are in \(rejects)"
            throw error
        }
        if let ledger, run.job.mayCombine {
            let sink = try await ledger.partials.create(try ReportLedger.partialName(key))
            do throws(SluiceError) {
                try await partial.write(to: sink)
                try await sink.finish()
            } catch {
                await sink.abandon()
                throw error
            }
        }
        if run.task == nil { outcome.log = await ReportLog(run).success(of: input.name, outcome, since: start) }
        let entry = ReportLedger.Entry(
            report: names.report, records: partial.records, valid: partial.valid, extras: run.extras, run: run.id)
        return Outcome(
            input: input, outcome: outcome, key: key, entry: entry, partial: partial, report: written.report,
            tables: written.tables)
    }
}

/// A sink whose place is known when everything has been written: a report's name follows from what is read.
final class LateSink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    private var base: (any ByteSink)?
    /// What is written to: it holds everything back.
    private(set) lazy var held = HeldSink(self)

    var name: String { "rejected records" }

    /// Puts everything into `base`, which appears.
    func pass(to base: any ByteSink) async throws(SluiceError) {
        self.base = base
        try await held.finish()
    }

    func write(_ bytes: Buffer) async throws(SluiceError) { try await base?.write(bytes) }
    func finish() async throws(SluiceError) { try await base?.finish() }
    func abandon() async { await base?.abandon() }
}
