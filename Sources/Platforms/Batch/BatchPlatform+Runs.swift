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
        func mark(_ name: String) -> String? {
            job["metadata"]?.items?.last { $0["name"]?.text == name }?["value"]?.text
        }
        return Owner(
            project: mark(BatchPoolForm.projectMark), environment: mark(BatchPoolForm.environmentMark),
            job: mark("sluice-job"))
    }

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
    /// Every step can be asked again when its answer was lost: job and tasks have names that follow from the run.
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
            settings: settings, job: job, request: request, image: image == BatchPoolForm.noImage ? nil : image)
        let tasks = try form.tasks()
        try await make(id, request, job)
        do throws(SluiceError) {
            try await add(tasks[...], to: id)
            try await seal(id)
        } catch {
            // Of what is certainly not whole nothing is left; else whoever asks finds what there is.
            if !error.isTransient {
                _ = try? await batch().send(.delete, "jobs/\(id)", isRepeatable: true, accepting: [404, 409])
            }
            throw error
        }
        return RunHandle(run: request.run, platform: name, reference: id, job: job.job)
    }

    private func make(_ id: String, _ request: RunRequest, _ job: JobDeployment) async throws(SluiceError) {
        let mark = randomMark()
        var metadata: [(String, String)] = [
            (BatchPoolForm.projectMark, project), ("sluice-job", job.job), (Self.startMark, mark),
        ]
        if let environment { metadata.append((BatchPoolForm.environmentMark, environment)) }
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
        let there = try await batch().get("jobs/\(id)")
        let found = there?["metadata"]?.items?.last { $0["name"]?.text == Self.startMark }?["value"]?.text
        guard found == mark else {
            throw SluiceError(.conflict, "there is a run \(request.run) on \(name) already")
        }
    }

    private func randomMark() -> String {
        (0..<4).map { _ in String(UInt32.random(in: 0...(.max)), radix: 36) }.joined()
    }

    /// Adds tasks, a hundred at a time. Those that are there already are this run's own: they were added before an answer was lost.
    private func add(_ tasks: ArraySlice<JSONText>, to id: String) async throws(SluiceError) {
        var rest = tasks
        var size = 100
        var rounds = 0
        while !rest.isEmpty {
            let group = rest.prefix(size)
            let answer = try await batch().send(
                .post, "jobs/\(id)/addtaskcollection", body: ["value": .array(Array(group))], isRepeatable: true,
                accepting: [413])
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
    }

    /// Has the job end with its tasks.
    private func seal(_ id: String) async throws(SluiceError) {
        let answer = try await batch().send(
            .patch, "jobs/\(id)", body: ["onAllTasksComplete": "terminatejob"], isRepeatable: true, accepting: [409])
        guard let error = answer.error else { return }
        // Its tasks may have ended between a first time and this one.
        guard ["JobCompleted", "JobBeingTerminated", "JobTerminating"].contains(answer.code) else { throw error }
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
