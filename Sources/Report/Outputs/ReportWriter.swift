import Columns
import Parquet
import ReportPage
import Sales
import Storage
import Support
import TextFormats

/// Writes a report and what belongs to it. The report itself comes last: where it is, everything is.
struct ReportWriter: Sendable {
    private let run: ReportRun
    private let names: ReportNames

    init(_ run: ReportRun, _ names: ReportNames) {
        self.run = run
        self.names = names
    }

    /// Writes the report over `partial`, and says in `outcome` what there is.
    ///
    /// - returns: The report, and its tables when they are to be loaded.
    func write(
        _ partial: SalesPartial, input: String?, since start: Moment, _ outcome: inout ReportOutcome
    ) async throws(SluiceError) -> (report: SalesReport, tables: [ReportTable]) {
        let job = run.job
        let now = Moment.now
        let seconds = Double(now.microseconds - start.microseconds) / 1e6
        let report = try partial.report(at: now.microseconds, seconds: seconds)
        outcome.records = partial.records
        outcome.valid = partial.valid
        var tables: [ReportTable] = []
        if job.tables != nil || job.into != nil {
            let whole = try partial.report(at: now.microseconds, seconds: seconds, caps: .unlimited)
            tables = ReportTable.all(of: whole, input: input)
        }
        if let format = job.tables {
            for table in tables {
                let path = "\(names.tables)/\(table.name).\(format.rawValue)"
                try await write(table.batch, to: path, format)
                outcome.tables.append(run.output.url(path))
            }
        }
        if job.html {
            try await run.output.write(ReportPage.html(of: report), to: names.page)
            outcome.page = run.output.url(names.page)
        }
        try await run.output.write(report.json(), to: names.report)
        outcome.report = run.output.url(names.report)
        return (report, job.into == nil ? [] : tables)
    }

    private func write(
        _ batch: RecordBatch, to path: String, _ format: ReportJob.TableFormat
    ) async throws(SluiceError) {
        let sink = try await run.output.create(path)
        do {
            let writer: any BatchWriter
            switch format {
            case .parquet: writer = try await ParquetWriter(sink, schema: batch.schema)
            case .csv: writer = try CSVWriter(sink, schema: batch.schema)
            }
            if batch.rowCount > 0 { try await writer.write(batch) }
            try await writer.finish()
        } catch let error as SluiceError {
            await sink.abandon()
            throw error
        } catch {
            await sink.abandon()
            throw SluiceError(.inputOutput, "\(error)", place: .init(file: run.output.url(path)))
        }
    }
}
