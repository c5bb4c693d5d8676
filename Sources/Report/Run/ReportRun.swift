import Classic
public import Runs
import Sales
public import Storage
public import Support
public import Warehouse

/// One run of a report job: every input becomes a report, and all of them together another one.
///
/// Reports are written first, and then the ledger learns of them. Their names follow from what is in them, so a run that
/// dies leaves nothing that the next one would not write just so.
public struct ReportRun: Sendable {
    let id: String
    let job: ReportJob
    let output: any ObjectStore
    let ledgerFolder: String?
    let warehouse: (any Warehouse)?
    let stores: any StoreOpener
    let options: ReportOptions
    let monitor: RunMonitor
    let input: @Sendable () throws(SluiceError) -> any InputFile
    /// Whose work a report says it is; nil outside of a task container.
    var task: ClassicTask?
    /// Which part of the work this is.
    var share = ReportShare.whole

    /// The run `id` of `job`.
    ///
    /// - parameter output: Where reports and logs go.
    /// - parameter ledger: The folder of the ledger; nil to remember nothing.
    /// - parameter warehouse: The database for `into`.
    /// - parameter stores: Opens the stores that inputs may lie in.
    /// - parameter input: Opens standard input.
    public init(
        _ id: String, of job: ReportJob, into output: any ObjectStore, ledger: String?,
        warehouse: (any Warehouse)? = nil, stores: any StoreOpener = LocalStores(),
        options: ReportOptions = .init(), monitor: RunMonitor = .init(),
        input: @escaping @Sendable () throws(SluiceError) -> any InputFile = { () throws(SluiceError) in
            try Storage.open(Storage.standardName)
        }
    ) {
        self.id = id
        self.job = job
        self.output = output
        ledgerFolder = job.hasLedger ? ledger : nil
        self.warehouse = job.into == nil ? nil : warehouse
        self.stores = stores
        self.options = options
        self.monitor = monitor
        self.input = input
    }

    var pipeline: String { job.pipeline }

    /// The run of a task.
    init(_ id: String, of job: ReportJob, into output: any ObjectStore, ledger: String?, task: ClassicTask) {
        self.init(id, of: job, into: output, ledger: ledger)
        self.task = task
    }

    /// The inputs of the job.
    func inputs() async throws(SluiceError) -> [ReportInput] {
        try await InputFinder.find(job.input, in: job.folder, besides: output, of: stores)
    }

    /// What a report is known by.
    func key(_ name: String, _ content: String) throws(SluiceError) -> ReportLedger.Key {
        ReportLedger.Key(
            output: output is FolderStore ? InputFinder.absolute(output.name, from: nil) : output.name, name: name,
            content: content, rules: try (job.format == .classic ? "" : job.rules.fingerprint), format: job.format)
    }

    /// What is written beside every report, as the ledger notes it.
    var extras: String {
        [
            job.html && job.format == .sales ? "html" : nil, job.tables?.rawValue, job.keepsRejects ? "rejects" : nil,
            job.into.map { "into \($0) in \(warehouse?.name ?? "")" },
        ].compactMap { $0 }.joined(separator: ",")
    }

    /// What is known of a report, when it is still there with all that belongs to it.
    func written(_ key: ReportLedger.Key, in ledger: ReportLedger?) async throws(SluiceError) -> ReportLedger.Entry? {
        guard !options.again, let entry = try await ledger?.entry(key) else { return nil }
        let done = Set(entry.extras.split(separator: ","))
        guard extras.split(separator: ",").allSatisfy(done.contains) else { return nil }
        do throws(SluiceError) {
            _ = try await output.open(entry.report)
        } catch {
            // Whoever removed a report wants another one.
            if error.code == .notFound { return nil }
            throw error
        }
        return entry
    }

    // MARK: Plan

    /// Finds out what a run would do. Nothing is changed.
    @concurrent public func plan() async throws(SluiceError) -> ReportPlan {
        let inputs = try await inputs()
        let ledger: ReportLedger?
        if let ledgerFolder { ledger = try await ReportLedger.openIfAny(ledgerFolder) } else { ledger = nil }
        let result: Result<ReportPlan, SluiceError>
        do throws(SluiceError) {
            result = .success(try await plan(inputs, ledger))
        } catch {
            result = .failure(error)
        }
        await ledger?.close()
        return try result.get()
    }

    private func plan(_ inputs: [ReportInput], _ ledger: ReportLedger?) async throws(SluiceError) -> ReportPlan {
        var plan = ReportPlan(inputs: [], isCombined: job.isCombined(inputs.count), output: output.name)
        for input in inputs {
            // Nobody can read standard input, and leave it as it is.
            let stamp = input.isStandardInput ? nil : try await FileStamp(input.place)
            var planned = ReportPlan.Input(name: input.name, bytes: stamp?.size)
            if let ledger, let stamp {
                let content: String
                if let noted = try await ledger.content(of: input.path, stamp) {
                    content = noted
                } else {
                    content = try await ContentHash.hash(of: input.place)
                }
                planned.report = try await written(key(input.name, content), in: ledger)?.report
            }
            plan.inputs.append(planned)
        }
        return plan
    }
}
