public import Classic
import Glibc
public import Runs
public import Sales
public import Storage
public import Support

/// Reports that are handed over, instead of being put into an output: nothing is hashed, named or remembered.
public struct DirectReport: Sendable {
    private let job: ReportJob
    private let monitor: RunMonitor
    private let stores: any StoreOpener
    private let input: @Sendable () throws(SluiceError) -> any InputFile

    /// Reports of `job`.
    ///
    /// - parameter stores: Opens the stores that inputs may lie in.
    /// - parameter input: Opens standard input.
    public init(
        of job: ReportJob, monitor: RunMonitor = .init(), stores: any StoreOpener = LocalStores(),
        input: @escaping @Sendable () throws(SluiceError) -> any InputFile
    ) {
        self.job = job
        self.monitor = monitor
        self.stores = stores
        self.input = input
    }

    /// What is in all inputs, or in a part of the only one.
    ///
    /// - parameter rejects: Takes the rejected records; it is left open.
    @concurrent public func partial(
        part: SalesPart? = nil, rejects: (any ByteSink)? = nil
    ) async throws(SluiceError) -> SalesPartial {
        let inputs = try await InputFinder.find(job.input, in: job.folder, besides: nil, of: stores)
        if part != nil, inputs.count > 1 {
            throw SluiceError(
                .usage, "\(inputs.count) inputs cannot be divided into parts together",
                hint: "name one of them; several are shared by giving each machine some")
        }
        let threads = job.threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let reading = SalesReading(rules: job.rules, threads: threads, now: Moment.now.microseconds)
        var sizes: [Int?] = []
        for input in inputs { sizes.append(input.isStandardInput ? nil : try await FileStamp(input.place)?.size) }
        monitor.expect(sizes.contains { $0 == nil } ? nil : sizes.reduce(0) { $0 + ($1 ?? 0) })
        var sum: SalesPartial?
        for input in inputs {
            monitor.enter("reading \(input.name)")
            let source = try await InputSource(input.place, isHashed: false, input: self.input) { [monitor] in
                monitor.countBytes($0)
            }
            let partial = try await reading.read(source.source, name: input.name, part: part, rejects: rejects)
            monitor.countRead(partial.records)
            monitor.countRejected(partial.invalid)
            if let sum { try sum.merge(partial) } else { sum = partial }
        }
        guard let sum else { throw SluiceError(.notFound, "there is no input") }
        return sum
    }

    /// The `classic/1` report on the only input; one that failed has a report too.
    @concurrent public func classic() async throws(SluiceError) -> ClassicOutcome {
        let inputs = try await InputFinder.find(job.input, in: job.folder, besides: nil, of: stores)
        guard inputs.count == 1 else {
            throw SluiceError(
                .usage, "classic/1 has no report over \(inputs.count) inputs", hint: "name a folder for a report each")
        }
        let source = try await InputSource(inputs[0].place, isHashed: false, input: input) { _ in }
        return try await ClassicBatch.report(on: source.source)
    }

    /// The report over all inputs.
    public func report() async throws(SluiceError) -> SalesReport {
        let start = Moment.now.microseconds
        let partial = try await partial()
        let now = Moment.now.microseconds
        return try partial.report(at: now, seconds: Double(now - start) / 1e6)
    }
}

/// Makes one report of partials that were written elsewhere.
public struct ReportMerge: Sendable {
    private let sources: [any StreamSource]

    /// A merge of `sources`, in any order.
    public init(_ sources: [any StreamSource]) { self.sources = sources }

    /// What is in all of them.
    @concurrent public func partial() async throws(SluiceError) -> SalesPartial {
        var sum: SalesPartial?
        for source in sources {
            let partial: SalesPartial
            do throws(SluiceError) {
                partial = try await SalesPartial.read(source)
                if let sum { try sum.merge(partial) }
            } catch {
                throw error.at(.init(file: source.name))
            }
            if sum == nil { sum = partial }
        }
        guard let sum else { throw SluiceError(.usage, "there is nothing to merge") }
        return sum
    }

    /// Writes the report over all of them into `output`, in the way of `job`.
    @concurrent public func write(
        _ job: ReportJob, into output: any ObjectStore, since start: Moment
    ) async throws(SluiceError) -> (outcome: ReportOutcome, report: SalesReport) {
        let partial = try await partial()
        // Its name follows from all that it says but when.
        let stem = "combined_\(try ReportNames.digest([try partial.report(at: 0, seconds: 0).json()]).prefix(12))"
        let run = ReportRun("merge", of: job, into: output, ledger: nil)
        var outcome = ReportOutcome(input: nil, state: .written)
        let written = try await ReportWriter(run, ReportNames(stem: stem))
            .write(partial, input: nil, since: start, &outcome)
        return (outcome, written.report)
    }
}
