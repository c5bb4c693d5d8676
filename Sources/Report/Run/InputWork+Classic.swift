public import Classic
import Runs
import Storage
public import Support

extension InputWork {
    /// The work on an input that becomes a `classic/1` report.
    func classic(_ source: InputSource, since start: Moment) async throws(SluiceError) -> Outcome {
        let result = try await ClassicBatch.report(on: source.source, task: run.task)
        let content = try await source.content()
        if let ledger, let stamp { try await ledger.note(content, of: input.place, stamp) }
        let key = try run.key(input.name, content)
        if let entry = try await run.written(key, in: ledger) { return known(key, entry) }
        run.monitor.countRead(result.counts.total)
        run.monitor.countRejected(result.counts.invalid)
        if let failure = result.failure { throw failure.error(file: input.name) }
        let names = try ReportNames(of: input.name, content: content, rules: key.rules, format: key.format)
        var outcome = ReportOutcome(input: input.name, state: .written)
        outcome.records = result.counts.total
        outcome.valid = result.counts.valid
        FaultPoint.reportRead.reach()
        if let report = result.report { try await run.output.write(report, to: names.report) }
        outcome.report = run.output.url(names.report)
        if run.task == nil { outcome.log = await ReportLog(run).success(of: input.name, outcome, since: start) }
        let entry = ReportLedger.Entry(
            report: names.report, records: outcome.records, valid: outcome.valid, extras: run.extras, run: run.id)
        return Outcome(input: input, outcome: outcome, key: key, entry: entry)
    }
}

extension ClassicFailure {
    /// The failure of the batch in `file`.
    public func error(file: String) -> SluiceError {
        let place = SluiceError.Place(file: file)
        switch self {
        case .unreadable(let text): return SluiceError(.invalidData, text, place: place)
        case .unwritable(let text):
            return SluiceError(.invalidData, "the report cannot be written: \(text)", place: place)
        case .batch(let title, let details):
            return SluiceError(
                .invalidData, "\(title): \(details)", place: place,
                hint: "classic/1 gives up a whole batch for one record that it stumbles over; sales/1 rejects it alone")
        }
    }
}

extension ObjectStore {
    /// Writes a small file that appears whole.
    func write(_ bytes: Buffer, to path: String) async throws(SluiceError) {
        let sink = try await create(path)
        do throws(SluiceError) {
            try await sink.write(bytes)
            try await sink.finish()
        } catch {
            await sink.abandon()
            throw error
        }
    }
}
