import Glibc
import Runs
import Sales
import Storage
public import Support

extension ReportRun {
    /// Divides the work into tasks, and writes down what each is about. No input is read.
    ///
    /// - parameter size: How many inputs a task takes.
    @concurrent public func spread(size: Int) async throws(SluiceError) -> ReportSpread {
        let work = SpreadWork(self)
        let inputs = try await work.inputs()
        let done = options.again ? [] : try await work.done()
        let pending = inputs.filter { !done.contains($0.key) }
        var spread = ReportSpread(known: inputs.count - pending.count, total: inputs.count)
        for start in stride(from: 0, to: pending.count, by: max(1, size)) {
            let part = SpreadTask(Array(pending[start..<min(pending.count, start + max(1, size))]), isLast: false)
            spread.tasks.append(try await work.note(part))
        }
        if job.format == .sales, job.isCombined(inputs.count) {
            let last = SpreadTask(inputs, isLast: true)
            let isThere = pending.isEmpty ? try await work.isCombined(last) : false
            if !isThere { spread.last = try await work.note(last) }
        }
        return spread
    }

    /// The run of one task, which another run has divided its work into.
    public func share(task id: String) -> ReportRun {
        var run = self
        run.share = .task(id)
        return run
    }
}

/// What tasks do, and what they leave for each other in the output.
struct SpreadWork: Sendable {
    let run: ReportRun
    private let folder: String

    init(_ run: ReportRun) {
        self.run = run
        folder = ".sluice/work/\(ReportNames.safe(run.pipeline))"
    }

    // MARK: Inputs and what is done

    /// All inputs of the job, with their keys.
    func inputs() async throws(SluiceError) -> [SpreadInput] {
        var found: [SpreadInput] = []
        for input in try await run.inputs() {
            guard !input.isStandardInput, let stamp = try await FileStamp(input.place) else {
                throw SluiceError(
                    .usage, "\(input.name) cannot be handed to another machine: only files that can be read again can",
                    hint: "put it into a folder or container that the tasks reach")
            }
            found.append(SpreadInput(name: input.name, place: input.path, key: try key(input, stamp)))
        }
        return found
    }

    private func key(_ input: ReportInput, _ stamp: FileStamp) throws(SluiceError) -> String {
        let rules = run.job.format == .classic ? "" : try run.job.rules.fingerprint
        return String(
            try ReportNames.digest([
                input.name, input.path, stamp.text, rules, run.job.format.rawValue, run.extras,
            ]).prefix(32))
    }

    /// The keys of the inputs that are reported on.
    func done() async throws(SluiceError) -> Set<String> {
        var keys: Set<String> = []
        let listing: any ObjectListing
        do throws(SluiceError) {
            listing = try await run.output.entries("\(folder)/done", recursive: false)
        } catch {
            if error.code == .notFound { return [] }
            throw error
        }
        while let page = try await listing.next() {
            for entry in page where entry.path.hasSuffix(".json") {
                let name = entry.path.split(separator: "/").last ?? ""
                keys.insert(String(name.dropLast(".json".count)))
            }
        }
        return keys
    }

    /// Writes down what a task is about.
    func note(_ task: SpreadTask) async throws(SluiceError) -> ReportSpread.Task {
        let id = try task.id()
        // The id follows from what is in it, and a task of a run that is begun again may be reading it.
        _ = try await run.output.put("\(folder)/tasks/\(id).json", Buffer(Array(task.json.text().utf8)), .ifAbsent)
        return ReportSpread.Task(id: id, inputs: task.inputs.map(\.name))
    }

    private func json(_ path: String) async throws(SluiceError) -> JSONText {
        let text = try await run.output.text(of: path)
        do throws(SluiceError) { return try JSONText.parse(text) } catch {
            throw error.at(.init(file: run.output.url(path)))
        }
    }

    private func noted(_ input: SpreadInput) async throws(SluiceError) -> SpreadNote? {
        let path = "\(folder)/done/\(input.key).json"
        do throws(SluiceError) {
            return try SpreadNote(try await json(path), at: run.output.url(path))
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    // MARK: A task

    /// Does a task.
    func perform(_ id: String) async throws(SluiceError) -> ReportResult {
        guard id.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) || $0 == 45 }), !id.isEmpty else {
            throw SluiceError(.usage, "\"\(id)\" is no task of a run")
        }
        let path = "\(folder)/tasks/\(id).json"
        let task: SpreadTask
        do throws(SluiceError) {
            task = try SpreadTask(try await json(path), at: run.output.url(path))
        } catch {
            guard error.code == .notFound else { throw error }
            throw SluiceError(
                .notFound, "nobody has written down what the task \(id) is about",
                place: .init(file: run.output.url(path)),
                hint: "'sluice start' does so on a platform that divides work into tasks")
        }
        return task.isLast ? try await combine(task) : try await report(task)
    }

    private func report(_ task: SpreadTask) async throws(SluiceError) -> ReportResult {
        var result = ReportResult(run: run.id)
        let loader = run.warehouse.map { TableLoader(run, into: $0) }
        let outcome: Result<Void, SluiceError>
        do throws(SluiceError) {
            for input in task.inputs {
                result.inputs.append(try await report(input, loader))
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await loader?.close()
        try outcome.get()
        result.rowsLoaded = loader?.rows ?? 0
        return result
    }

    private func report(_ input: SpreadInput, _ loader: TableLoader?) async throws(SluiceError) -> ReportOutcome {
        if !run.options.again, let note = try await noted(input) { return known(input, note) }
        let found = ReportInput(try run.stores.place(of: input.place), name: input.name)
        guard let stamp = try await FileStamp(found.place), try key(found, stamp) == input.key else {
            // Another run will find it as it is now; this one would note it as what it was.
            var outcome = ReportOutcome(input: input.name, state: .failed)
            outcome.error = SluiceError(
                .conflict, "it is not what it was when the work was divided, or the job is not",
                place: .init(file: input.place), hint: "start the job again")
            return outcome
        }
        let threads = run.job.threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let done = await InputWork(run, found, nil, nil, threads: threads).perform()
        if let stop = done.stop { throw stop }
        guard let entry = done.entry, let content = done.key?.content else { return done.outcome }
        FaultPoint.reportWritten.reach()
        try await loader?.load(done.tables, of: input.name, content: content)
        if let partial = done.partial {
            let sink = try await run.output.create("\(folder)/done/\(input.key).partial")
            do throws(SluiceError) {
                try await partial.write(to: sink)
                try await sink.finish()
            } catch {
                await sink.abandon()
                throw error
            }
        }
        // The note comes last: where it is, everything is.
        let note = SpreadNote(entry, content: content)
        try await run.output.write(note.json.text(), to: "\(folder)/done/\(input.key).json")
        FaultPoint.reportNoted.reach()
        run.monitor.countLoaded(1)
        run.monitor.say(
            "written", "\(input.name): \(entry.report)", level: .info,
            ["input": .string(input.name), "report": .string(run.output.url(entry.report))])
        return done.outcome
    }

    private func known(_ input: SpreadInput, _ note: SpreadNote) -> ReportOutcome {
        var outcome = ReportOutcome(input: input.name, state: .known)
        outcome.report = run.output.url(note.report)
        outcome.records = note.records
        outcome.valid = note.valid
        return outcome
    }

    // MARK: The last task

    /// The names of the report over the inputs of `task`; nil when one of them is not reported on.
    private func names(_ task: SpreadTask) async throws(SluiceError) -> (ReportNames, [SpreadNote])? {
        var contents: [(name: String, content: String)] = []
        var notes: [SpreadNote] = []
        for input in task.inputs {
            guard let note = try await noted(input) else { return nil }
            contents.append((input.name, note.content))
            notes.append(note)
        }
        return (try ReportNames(combining: contents, rules: try run.job.rules.fingerprint), notes)
    }

    /// Whether the report over the inputs of `task` is there.
    func isCombined(_ task: SpreadTask) async throws(SluiceError) -> Bool {
        guard !run.options.again, let (names, _) = try await names(task) else { return false }
        return try await run.output.facts(names.report) != nil
    }

    private func combine(_ task: SpreadTask) async throws(SluiceError) -> ReportResult {
        let start = Moment.now
        guard let (names, notes) = try await names(task) else {
            throw SluiceError(
                .conflict, "there is no report over all inputs: it would lack some that are not reported on",
                hint: "start the job again: what is done is not done again")
        }
        var result = ReportResult(run: run.id)
        result.inputs = zip(task.inputs, notes).map { known($0, $1) }
        var combined = ReportOutcome(input: nil, state: .written)
        run.monitor.enter("combining \(task.inputs.count) inputs")
        var sum: SalesPartial?
        for input in task.inputs {
            let path = "\(folder)/done/\(input.key).partial"
            let partial = try await SalesPartial.read(try await run.output.open(path))
            if sum == nil { sum = partial } else { try sum?.merge(partial) }
        }
        guard let sum else { throw SluiceError(.notFound, "there is no input") }
        result.shown = try await ReportWriter(run, names).write(sum, input: nil, since: start, &combined).report
        FaultPoint.reportCombined.reach()
        run.monitor.countRead(sum.records)
        run.monitor.say(
            "combined", "all \(task.inputs.count) inputs: \(names.report)",
            ["report": .string(run.output.url(names.report))])
        result.combined = combined
        return result
    }
}
