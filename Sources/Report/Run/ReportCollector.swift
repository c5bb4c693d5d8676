import Runs
import Sales
import Storage
import Support

/// Takes what comes of the inputs one by one: tells the ledger, loads tables, and makes the report over all of them.
final class ReportCollector {
    private let run: ReportRun
    private let ledger: ReportLedger?
    private let isCombined: Bool
    private let count: Int
    private let start = Moment.now
    private let loader: TableLoader?
    private var outcomes: [InputWork.Outcome] = []
    /// What was read in this run, as far as it goes into the report over all inputs.
    private var sum: SalesPartial?

    init(_ run: ReportRun, _ ledger: ReportLedger?, isCombined: Bool, count: Int) {
        self.run = run
        self.ledger = ledger
        self.isCombined = isCombined
        self.count = count
        loader = run.warehouse.map { TableLoader(run, into: $0) }
    }

    /// Takes the next one.
    func take(_ outcome: InputWork.Outcome) async throws(SluiceError) {
        if let stop = outcome.stop { throw stop }
        if outcome.entry != nil { FaultPoint.reportWritten.reach() }
        try await loader?.load(outcome.tables, of: outcome.input.name, content: outcome.key?.content ?? "")
        if let ledger, let key = outcome.key, let entry = outcome.entry {
            try await ledger.note(key, entry)
            FaultPoint.reportNoted.reach()
        }
        if let entry = outcome.entry {
            run.monitor.countLoaded(1)
            run.monitor.say(
                "written", "\(outcome.input.name): \(entry.report)", level: .info,
                ["input": .string(outcome.input.name), "report": .string(run.output.url(entry.report))])
        }
        var kept = outcome
        kept.tables = []
        if isCombined, let partial = outcome.partial {
            if sum == nil { sum = partial } else { try sum?.merge(partial) }
        }
        if isCombined || outcome.partial == nil || count > 1 { kept.report = nil }
        // Whether it is in the sum is all that is asked of it from now on.
        kept.partial = nil
        kept.isInSum = isCombined && outcome.partial != nil
        outcomes.append(kept)
    }

    /// Lets go of the warehouse.
    func close() async { await loader?.close() }

    /// Makes the report over all inputs, if there is to be one, and says what was done.
    func finish(into result: inout ReportResult) async throws(SluiceError) {
        outcomes.sort { $0.input.name.utf8.lexicographicallyPrecedes($1.input.name.utf8) }
        result.inputs = outcomes.map(\.outcome)
        result.shown = outcomes.first?.report
        result.rowsLoaded = loader?.rows ?? 0
        guard isCombined, result.failure == nil else { return }
        var combined = ReportOutcome(input: nil, state: .failed)
        do throws(SluiceError) {
            if let failed = outcomes.first(where: { $0.outcome.state == .failed }) {
                throw SluiceError(
                    .invalidData, "it would lack \(failed.input.name)", place: .init(file: failed.input.name),
                    hint: "mend that input or leave it out, and run again: what is done is not read again")
            }
            run.monitor.enter("combining \(count) inputs")
            result.shown = try await combine(&combined)
        } catch {
            if error.code == .cancelled || Task.isCancelled { throw error }
            combined.state = .failed
            combined.error = error
            run.monitor.say("not-combined", "there is no combined report: \(error)", level: .warning)
        }
        result.combined = combined
    }

    private func combine(_ combined: inout ReportOutcome) async throws(SluiceError) -> SalesReport? {
        let contents = outcomes.map { (name: $0.input.name, content: $0.key?.content ?? "") }
        let rules = try run.job.rules.fingerprint
        let names = try ReportNames(combining: contents, rules: rules)
        let key = try run.key("", ReportNames.contents(of: contents, rules: rules))
        if let entry = try await run.written(key, in: ledger) {
            combined.state = .known
            combined.report = run.output.url(entry.report)
            combined.records = entry.records
            combined.valid = entry.valid
            return nil
        }
        for outcome in outcomes where !outcome.isInSum {
            let partial = try await partial(of: outcome)
            if sum == nil { sum = partial } else { try sum?.merge(partial) }
        }
        guard let sum else { return nil }
        combined.state = .written
        let written = try await ReportWriter(run, names).write(sum, input: nil, since: start, &combined)
        FaultPoint.reportCombined.reach()
        try await ledger?.note(
            key,
            ReportLedger.Entry(
                report: names.report, records: sum.records, valid: sum.valid, extras: run.extras, run: run.id))
        run.monitor.say(
            "combined", "all \(count) inputs: \(names.report)", ["report": .string(run.output.url(names.report))])
        return written.report
    }

    /// What was read of an input in an earlier run; it is read again when that is not there any more.
    private func partial(of outcome: InputWork.Outcome) async throws(SluiceError) -> SalesPartial {
        if let ledger, let key = outcome.key {
            do throws(SluiceError) {
                return try await SalesPartial.read(try await ledger.partials.open(try ReportLedger.partialName(key)))
            } catch {
                if error.code == .cancelled { throw error }
                run.monitor.say(
                    "partial-lost", "\(outcome.input.name) is read again: \(error)", level: .debug)
            }
        }
        return try await InputWork(run, outcome.input, nil, ledger, threads: run.job.threads ?? 1).partial()
    }
}
