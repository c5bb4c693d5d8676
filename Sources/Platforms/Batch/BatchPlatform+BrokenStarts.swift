import Azure
import Runs
import Support
import Transport

/// Starts that broke off between a job and the last of its tasks: whoever asks has the job sealed, or given up, and whoever starts
/// the same goes on with it.
extension BatchPlatform {
    /// What a job was ended for whose start broke off.
    static let startBroken = "SluiceStartBroken"
    /// The mark of whoever took a start up, and when. A job that bears it is no longer only of the one who made it.
    static let takenMark = "sluice-taken"

    static func isSealed(_ job: JSONText) -> Bool { job["onAllTasksComplete"]?.text?.lowercased() == "terminatejob" }

    // MARK: Asked

    /// How a run stands whose job does not end with its tasks yet.
    ///
    /// - returns: nil when it does now, so that the run is as any other.
    func beginning(_ job: JSONText, _ id: String, _ handle: RunHandle) async throws(SluiceError) -> PlatformStatus? {
        let work = BatchWork(job: job)
        var counts = try await counts(id)
        var status = PlatformStatus(.starting, word: "tasks are added")
        status.startedAt = Self.moment(job["creationTime"])
        if isOverdue(job) {
            // The counts may lag behind, and a start that takes long is none that broke off.
            let tasks = try await batch().list(
                "jobs/\(id)/tasks", query: [("$select", "id,creationTime"), ("maxresults", "1000")])
            counts.waiting += max(0, tasks.count - counts.all)
            let newest = tasks.compactMap { Self.moment($0["creationTime"]) }.max()
            if tasks.count < work?.count ?? .max, isOverdue(newest) { return try await giveUp(id, handle) }
        }
        if let work, counts.all >= work.count {
            do throws(SluiceError) {
                // What has ended meanwhile is told as such.
                return try await seal(id) ? nil : try await self.status(handle)
            } catch {
                // Whoever may only look sees it run.
                guard error.code == .permission else { throw error }
                return nil
            }
        }
        if let work, work.count > 1 {
            status.word = "\(counts.all) of \(work.count) tasks are added"
            status.tasks = counts
        }
        return status
    }

    /// Whether a job that is not sealed has been so for longer than a start takes.
    private func isOverdue(_ job: JSONText) -> Bool {
        isOverdue([Self.moment(job["creationTime"]), Self.taken(job)].compactMap { $0 }.max())
    }

    private func isOverdue(_ moment: Int64?) -> Bool {
        guard let moment else { return true }
        return .microseconds(Moment.now.microseconds - moment) > startLimit
    }

    private static func taken(_ job: JSONText) -> Int64? {
        mark(takenMark, of: job).flatMap { Moment(iso: $0)?.microseconds }
    }

    /// Ends a job whose start broke off, with what runs of it.
    private func giveUp(_ id: String, _ handle: RunHandle) async throws(SluiceError) -> PlatformStatus {
        let answer = try await batch().send(
            .post, "jobs/\(id)/terminate", body: ["terminateReason": .string(Self.startBroken)], isRepeatable: true,
            accepting: [404, 409])
        if answer.status == 404 { throw unknown(handle) }
        guard let job = try await batch().get("jobs/\(id)") else { throw unknown(handle) }
        // Another was quicker, whatever he did.
        guard Self.reason(of: job) == Self.startBroken else { return try await self.status(handle) }
        return try await givenUp(job, id)
    }

    /// The status of a run that was given up.
    func givenUp(_ job: JSONText, _ id: String) async throws(SluiceError) -> PlatformStatus {
        var status = PlatformStatus(.failed, word: Self.startBroken)
        status.startedAt = Self.moment(job["creationTime"])
        status.finishedAt =
            Self.moment(job["executionInfo"]?["endTime"]) ?? Self.moment(job["stateTransitionTime"])
        status.reason =
            "whoever started it did not add all of its tasks; a new start goes on with what is not done yet"
        let counts = try await counts(id)
        if counts.all > 0 { status.tasks = counts }
        return status
    }

    // MARK: Taken up

    /// Goes on with a start of the same kind of work that broke off, as the run that it began: what is not done yet is what its
    /// job has, and what is added to it.
    ///
    /// - returns: nil when there is none.
    func takeUp(
        _ form: BatchTaskForm, _ work: BatchWork, _ job: JobDeployment
    ) async throws(SluiceError) -> RunHandle? {
        let owner = Owner(project: project, environment: environment, job: job.job)
        let found = try await batch().list(
            "jobs",
            query: [
                ("$filter", "state eq 'active' and startswith(id,'\(Self.runPrefix)')"),
                ("$select", "id,creationTime,onAllTasksComplete,metadata"), ("maxresults", "1000"),
            ])
        // The oldest first, so that all who look choose the same.
        let open = found.filter { !Self.isSealed($0) && Self.owner(of: $0) == owner }.sorted {
            ($0["creationTime"]?.text ?? "", $0["id"]?.text ?? "") < (
                $1["creationTime"]?.text ?? "", $1["id"]?.text ?? ""
            )
        }
        var handle: RunHandle?
        for older in open {
            guard let id = older["id"]?.text else { continue }
            let run = String(id.dropFirst(Self.runPrefix.count))
            let known = RunHandle(run: run, platform: name, reference: id, job: job.job)
            if handle == nil, let begun = BatchWork(job: older), begun.fingerprint == work.fingerprint {
                var form = form
                form.request.run = run
                if try await goOn(older, id, begun, try form.tasks()) { handle = known }
            } else if isOverdue(older) {
                // Nobody else may ever ask for it, and until then it counts among the account's jobs.
                _ = try? await status(known)
            }
        }
        return handle
    }

    /// Adds to a job what it does not have of `tasks`, and has it end with them.
    ///
    /// - returns: Whether all of the work is in it.
    private func goOn(
        _ job: JSONText, _ id: String, _ begun: BatchWork, _ tasks: [JSONText]
    ) async throws(SluiceError) -> Bool {
        let there = try await names(id)
        var missing = tasks.filter { !there.contains(Self.name(of: $0)) }
        if there.count >= begun.count, Self.isLast(missing) { missing = [] }
        guard try await claim(job, id, count: max(begun.count, there.count + missing.count)) else { return false }
        if try await fill(id, with: missing) { return true }
        // It ended meanwhile: whoever began it may be alive, and has done the rest.
        if try await isGivenUp(id) { return false }
        let later = try await names(id)
        return Self.isLast(missing.filter { !later.contains(Self.name(of: $0)) })
    }

    /// Whether these are no more than the one that comes after all others. It is about what is done by then, and a job that is whole
    /// has one already, by another name when its start had more to do.
    private static func isLast(_ tasks: [JSONText]) -> Bool {
        tasks.count <= 1 && tasks.allSatisfy { $0["dependsOn"]?["taskIds"]?.items?.isEmpty == false }
    }

    private static func name(of task: JSONText) -> String { task["id"]?.text?.lowercased() ?? "" }

    private func names(_ id: String) async throws(SluiceError) -> Set<String> {
        let tasks = try await batch().list("jobs/\(id)/tasks", query: [("$select", "id"), ("maxresults", "1000")])
        return Set(tasks.map(Self.name(of:)))
    }

    /// Marks a job as taken up, so that whoever made it does not remove it when its own start fails, and says how many tasks there
    /// are to be now.
    ///
    /// - returns: Whether it is still there to be taken up.
    private func claim(_ job: JSONText, _ id: String, count: Int) async throws(SluiceError) -> Bool {
        let marks = [(Self.takenMark, Moment.now.iso), (BatchWork.countMark, "\(count)")]
        let kept = (job["metadata"]?.items ?? []).filter { item in !marks.contains { $0.0 == item["name"]?.text } }
        let metadata = kept + marks.map { ["name": .string($0.0), "value": .string($0.1)] as JSONText }
        let answer = try await batch().send(
            .patch, "jobs/\(id)", body: ["metadata": .array(metadata)], isRepeatable: true, accepting: [404, 409])
        return answer.error == nil
    }
}
