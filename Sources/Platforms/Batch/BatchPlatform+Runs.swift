import Azure
import Runs
public import Support
import Transport

extension BatchPlatform {
    /// What the names of jobs begin with that are runs.
    static let runPrefix = "sluice-"
    /// The task of a run that is not divided.
    static let onlyTask = "sluice-run"
    /// What a job that was cancelled was ended for.
    static let cancelled = "SluiceCancelled"
    /// The mark of the start that made a job, by which an answer that was lost is told from another's run.
    static let startMark = "sluice-start"

    /// Whose run a job of Batch's is.
    struct Owner: Equatable {
        var project: String?
        var environment: String?
        var job: String?
    }

    static func owner(of job: JSONText) -> Owner {
        Owner(
            project: mark(BatchPoolForm.projectMark, of: job),
            environment: mark(BatchPoolForm.environmentMark, of: job), job: mark("sluice-job", of: job))
    }

    /// What a job's metadata say under a name.
    static func mark(_ name: String, of job: JSONText) -> String? {
        job["metadata"]?.items?.last { $0["name"]?.text == name }?["value"]?.text
    }

    /// What a job was ended for; nil for one that was not.
    static func reason(of job: JSONText) -> String? { job["executionInfo"]?["terminateReason"]?.text }

    static func jobID(of run: String) throws(SluiceError) -> String {
        guard 1...(64 - runPrefix.utf8.count) ~= run.utf8.count,
            run.utf8.allSatisfy({ ($0 | 32 >= 97 && $0 | 32 <= 122) || 48...57 ~= $0 || $0 == 45 })
        else { throw SluiceError(.usage, "\"\(run)\" is no id of a run", hint: "'sluice runs' lists them") }
        return runPrefix + run
    }

    // MARK: Starting

    /// Starts a run: makes its job, adds the tasks, and only then has the job end with them, since one without tasks counts as
    /// complete at once.
    ///
    /// Every step can be asked again when its answer was lost: job and tasks have names that follow from the run. A start of the
    /// same work that broke off is taken up instead, so that what it began is not begun twice.
    public func start(_ request: RunRequest) async throws(SluiceError) -> RunHandle {
        let id = try Self.jobID(of: request.run)
        guard let job = request.job else {
            throw SluiceError(.usage, "a run on \(name) is the run of a job that is deployed there, and none is named")
        }
        if request.limits.memory != nil {
            throw SluiceError(
                .unsupported, "a limit of memory cannot be given on \(name): a task has its share of a node",
                hint: "choose other nodes: vm_size and slots under platforms.\(name)")
        }
        guard let pool = try await existing(), let image = pool.jobs[job.job] else {
            throw SluiceError(
                .notFound, "the job \(job.job) is not deployed to \(name): the pool \(settings.pool) does not have it",
                hint: "'sluice deploy \(job.job)' shows what would be made, and makes it")
        }
        let form = BatchTaskForm(
            settings: settings, job: job, request: request, image: image == BatchPoolForm.noImage ? nil : image,
            package: pool.packages[job.job])
        let tasks = try form.tasks()
        let work = try BatchWork(form)
        if let handle = try await takeUp(form, work, job) { return handle }
        let mark = randomMark()
        try await make(id, request, job, work, mark: mark)
        do throws(SluiceError) {
            // It may have ended: another has done the rest of this start, or somebody has ended it.
            if !(try await fill(id, with: tasks)), try await isGivenUp(id) {
                throw SluiceError(
                    .conflict, "the run \(request.run) was given up while its tasks were added",
                    hint: "start again: what was done is not done twice")
            }
        } catch {
            // Of what is certainly not whole nothing is left; else whoever asks finds what there is.
            if !error.isTransient { await remove(id, of: mark) }
            throw error
        }
        return RunHandle(run: request.run, platform: name, reference: id, job: job.job)
    }

    /// Adds tasks to a job, and has it end with them.
    ///
    /// - returns: Whether it is so; one that has ended takes no more.
    func fill(_ id: String, with tasks: [JSONText]) async throws(SluiceError) -> Bool {
        guard try await add(tasks[...], to: id), try await seal(id) else { return false }
        memory.noteWhole(id)
        return true
    }

    /// Whether a job has ended because its start seemed to have broken off.
    func isGivenUp(_ id: String) async throws(SluiceError) -> Bool {
        guard let job = try await batch().get("jobs/\(id)") else { return true }
        return Self.reason(of: job) == Self.startBroken
    }

    private func make(
        _ id: String, _ request: RunRequest, _ job: JobDeployment, _ work: BatchWork, mark: String
    ) async throws(SluiceError) {
        var metadata: [(String, String)] = [
            (BatchPoolForm.projectMark, project), ("sluice-job", job.job), (Self.startMark, mark),
        ]
        if let environment { metadata.append((BatchPoolForm.environmentMark, environment)) }
        metadata += work.metadata
        let body: JSONText = [
            "id": .string(id), "displayName": .string("\(job.job), run \(request.run)"),
            "poolInfo": ["poolId": .string(settings.pool)], "usesTaskDependencies": true,
            "onAllTasksComplete": "noaction",
            "metadata": .array(metadata.map { ["name": .string($0.0), "value": .string($0.1)] }),
        ]
        let answer = try await batch().send(.post, "jobs", body: body, isRepeatable: true, accepting: [409])
        guard let error = answer.error else { return }
        guard answer.code == "JobExists" else { throw error }
        // It is there: from this very start, whose first answer was lost, or from another.
        guard let there = try await batch().get("jobs/\(id)"), Self.mark(Self.startMark, of: there) == mark else {
            throw SluiceError(.conflict, "there is a run \(request.run) on \(name) already")
        }
    }

    private func randomMark() -> String {
        (0..<4).map { _ in String(UInt32.random(in: 0...(.max)), radix: 36) }.joined()
    }

    /// Removes the job that this start has made, unless another has taken it up.
    private func remove(_ id: String, of mark: String) async {
        // A start that is cancelled puts things in order all the same.
        await Task {
            guard let job = try? await batch().get("jobs/\(id)"), Self.mark(Self.startMark, of: job) == mark,
                Self.mark(Self.takenMark, of: job) == nil, let tag = job["eTag"]?.text
            else { return }
            _ = try? await batch().send(
                .delete, "jobs/\(id)", isRepeatable: true, match: tag, accepting: [404, 409, 412])
        }.value
    }

    /// Adds tasks, a hundred at a time. Those that are there already are this run's own: they were added before an answer was
    /// lost, or by another who starts the same.
    ///
    /// - returns: Whether the job takes tasks; one that has ended does not.
    private func add(_ tasks: ArraySlice<JSONText>, to id: String) async throws(SluiceError) -> Bool {
        var rest = tasks
        var size = 100
        var rounds = 0
        while !rest.isEmpty {
            let group = rest.prefix(size)
            let answer = try await batch().send(
                .post, "jobs/\(id)/addtaskcollection", body: ["value": .array(Array(group))], isRepeatable: true,
                accepting: [409, 413])
            if answer.status == 409, let error = answer.error {
                if Self.endedCodes.contains(answer.code ?? "") { return false }
                throw error
            }
            if answer.status == 413 {
                guard group.count > 1, let error = answer.error else {
                    throw SluiceError(
                        .limitExceeded, "the task \(group.first?["id"]?.text ?? "") is too large for Batch",
                        hint: "give it fewer arguments and variables: a task has at most 1 MB of both")
                }
                size = max(1, group.count / 2)
                if rounds > 100_000 { throw error }
                rounds += 1
                continue
            }
            var again: [JSONText] = []
            for result in answer.body?["value"]?.items ?? [] {
                let task = result["taskId"]?.text ?? ""
                let code = result["error"]?["code"]?.text ?? ""
                switch result["status"]?.text?.lowercased() {
                case "success": continue
                case "clienterror" where code == "TaskExists": continue
                case "servererror": again += group.filter { $0["id"]?.text == task }
                default:
                    let message = (result["error"]?["message"]?["value"]?.text ?? "").split(whereSeparator: \.isNewline)
                    throw SluiceError(
                        .inputOutput, "Batch does not take the task \(task): \(message.first ?? "") (\(code))")
                }
            }
            rest = rest.dropFirst(group.count)
            guard !again.isEmpty else { continue }
            rounds += 1
            guard rounds < 8 else {
                throw SluiceError(
                    .inputOutput, "Batch cannot take the task \(again[0]["id"]?.text ?? "") at this time",
                    hint: "start it again later", isTransient: true)
            }
            rest = ArraySlice(again + rest)
            do { try await Task.sleep(for: interval * rounds) } catch {
                throw SluiceError(.cancelled, "stopped while the tasks of \(id) were added")
            }
        }
        return true
    }

    /// What Batch says of a job that has ended, when it is to be changed.
    private static let endedCodes: Set<String> = ["JobCompleted", "JobBeingTerminated", "JobTerminating"]

    /// Has the job end with its tasks.
    ///
    /// - returns: Whether it is so; a job that has ended cannot be changed.
    func seal(_ id: String) async throws(SluiceError) -> Bool {
        let answer = try await batch().send(
            .patch, "jobs/\(id)", body: ["onAllTasksComplete": "terminatejob"], isRepeatable: true, accepting: [409])
        guard let error = answer.error else { return true }
        // Its tasks may have ended between a first time and this one.
        guard Self.endedCodes.contains(answer.code ?? "") else { throw error }
        return false
    }

    // MARK: Finding and ending

    /// The run with this id: the name of its job follows from it.
    public func find(_ run: String) async throws(SluiceError) -> RunHandle? {
        let id = try Self.jobID(of: run)
        guard let job = try await batch().get("jobs/\(id)"), job["state"]?.text?.lowercased() != "deleting" else {
            return nil
        }
        let owner = Self.owner(of: job)
        guard owner.project == project, owner.environment == environment else { return nil }
        return RunHandle(run: run, platform: name, reference: id, job: owner.job)
    }

    /// Asks Batch to end the run's job, with its tasks. Their programs are told, and have some seconds to put things in order.
    public func cancel(_ handle: RunHandle, byForce: Bool) async throws(SluiceError) {
        let id = try Self.place(handle)
        let answer = try await batch().send(
            .post, "jobs/\(id)/terminate", body: ["terminateReason": .string(Self.cancelled)], isRepeatable: true,
            accepting: [404, 409])
        guard let error = answer.error else { return }
        if answer.status == 409 { return }
        throw answer.status == 404 ? unknown(handle) : error
    }

    static func place(_ handle: RunHandle) throws(SluiceError) -> String {
        guard handle.reference.hasPrefix(runPrefix) else {
            throw SluiceError(
                .notFound, "the run \(handle.run) was not started on \(handle.platform)",
                hint: "'sluice runs' lists what ran")
        }
        return try jobID(of: String(handle.reference.dropFirst(runPrefix.count)))
    }

    func unknown(_ handle: RunHandle) -> SluiceError {
        SluiceError(
            .notFound,
            "Batch does not know the run \(handle.run): there is no job \(handle.reference) in \(settings.account)",
            hint: "it was deleted, or belongs to another account")
    }
}
