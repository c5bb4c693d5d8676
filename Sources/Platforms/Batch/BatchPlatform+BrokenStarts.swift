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

    /// Goes on with a start of the same work that broke off, as the run that it began.
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
        let open = found.filter { !Self.isSealed($0) && Self.owner(of: $0) == owner }
        // The oldest, so that all who look choose the same.
        let same = open.filter { BatchWork(job: $0) == work }.sorted {
            ($0["creationTime"]?.text ?? "", $0["id"]?.text ?? "") < (
                $1["creationTime"]?.text ?? "", $1["id"]?.text ?? ""
            )
        }
        for other in open where BatchWork(job: other) != work && isOverdue(other) {
            // Nobody else may ever ask for it, and until then it counts among the account's jobs.
            guard let id = other["id"]?.text else { continue }
            _ = try? await status(
                RunHandle(run: String(id.dropFirst(Self.runPrefix.count)), platform: name, reference: id))
        }
        for older in same {
            guard let id = older["id"]?.text, try await claim(older, id) else { continue }
            var form = form
            form.request.run = String(id.dropFirst(Self.runPrefix.count))
            guard try await fill(id, with: try form.tasks()) else { continue }
            return RunHandle(run: form.request.run, platform: name, reference: id, job: job.job)
        }
        return nil
    }

    /// Marks a job as taken up, so that whoever made it does not remove it when its own start fails.
    ///
    /// - returns: Whether it is still there to be taken up.
    private func claim(_ job: JSONText, _ id: String) async throws(SluiceError) -> Bool {
        let kept = (job["metadata"]?.items ?? []).filter { $0["name"]?.text != Self.takenMark }
        let mark: JSONText = ["name": .string(Self.takenMark), "value": .string(Moment.now.iso)]
        let answer = try await batch().send(
            .patch, "jobs/\(id)", body: ["metadata": .array(kept + [mark])], isRepeatable: true, accepting: [404, 409])
        return answer.error == nil
    }
}
