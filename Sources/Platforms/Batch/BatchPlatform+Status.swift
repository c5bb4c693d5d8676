import Azure
import Runs
public import Support
import Transport

extension BatchPlatform {
    private static let taskWords = StateWords(
        "Batch", ["active": .queued, "preparing": .starting, "running": .running, "completed": .succeeded])

    /// How a run stands.
    public func status(_ handle: RunHandle) async throws(SluiceError) -> PlatformStatus {
        let id = try Self.place(handle)
        if !memory.isWhole(id) {
            guard let job = try await batch().get("jobs/\(id)") else { throw unknown(handle) }
            if Self.reason(of: job) == Self.startBroken { return try await givenUp(job, id) }
            if !Self.isSealed(job), !Self.hasEnded(job), let status = try await beginning(job, id, handle) {
                return status
            }
            memory.noteWhole(id)
        }
        if let task = try await batch().get("jobs/\(id)/tasks/\(Self.onlyTask)") {
            return try await status(of: task, in: id, handle)
        }
        guard let job = try await batch().get("jobs/\(id)") else { throw unknown(handle) }
        return try await status(ofDivided: job, id)
    }

    // MARK: One task

    private func status(of task: JSONText, in id: String, _ handle: RunHandle) async throws(SluiceError)
        -> PlatformStatus
    {
        let word = task["state"]?.text ?? "unknown"
        let info = task["executionInfo"] ?? .null
        var status = PlatformStatus(try Self.taskWords.state(word), word: word)
        status.startedAt = Self.moment(info["startTime"])
        guard status.state.isFinal else {
            // One that never began stays as it is when its job is ended.
            guard status.state == .queued else { return status }
            if info["retryCount"]?.integer ?? 0 > 0 { status.reason = "it failed, and is tried again" }
            guard let job = try await batch().get("jobs/\(id)") else { throw unknown(handle) }
            guard Self.hasEnded(job) else { return status }
            status.state = Self.reason(of: job) == Self.cancelled ? .cancelled : .failed
            status.word = "never begun"
            status.finishedAt = Self.moment(job["executionInfo"]?["endTime"]) ?? Self.moment(job["stateTransitionTime"])
            status.reason = status.state == .failed ? "its job was ended before it began" : nil
            return status
        }
        status.finishedAt = Self.moment(info["endTime"])
        status.exitCode = info["exitCode"]?.integer
        if let began = status.startedAt, let ended = status.finishedAt {
            status.usage = "\(Quantities.describe(.microseconds(ended - began))) of a slot on \(settings.vmSize)"
        }
        guard let failure = info["failureInfo"], failure.members != nil else {
            status.exitCode = status.exitCode ?? 0
            return status
        }
        try await explain(&status, failure, task, id)
        return status
    }

    /// Tells apart why a task failed.
    private func explain(
        _ status: inout PlatformStatus, _ failure: JSONText, _ task: JSONText, _ id: String
    ) async throws(SluiceError) {
        let code = failure["code"]?.text ?? ""
        status.word = code.isEmpty ? status.word : code
        if code == "FailureExitCode", let exit = status.exitCode {
            status.state = RunState(exitCode: exit)
            return
        }
        status.state = .failed
        guard code == "TaskEnded" else {
            status.reason = Self.reason(failure)
            return
        }
        // What Batch ends a program with is none of its own words.
        status.exitCode = nil
        let job = try await batch().get("jobs/\(id)")
        if job.flatMap(Self.reason(of:)) == Self.cancelled {
            status.state = .cancelled
        } else if let most = Self.limit(of: task), let began = status.startedAt, let ended = status.finishedAt,
            Double(ended - began) >= most * 1_000_000 - 500_000
        {
            status.state = .timedOut
            status.reason = "it took longer than \(Quantities.describe(.seconds(most)))"
        } else {
            status.state = .cancelled
            status.reason = "somebody ended its task"
        }
    }

    /// What a failure says, in one line.
    static func reason(_ failure: JSONText) -> String {
        let details = (failure["details"]?.items ?? []).compactMap { detail -> String? in
            guard let name = detail["name"]?.text, let value = detail["value"]?.text, !value.isEmpty else { return nil }
            return "\(name) \(value)"
        }
        let message = failure["message"]?.text ?? failure["code"]?.text ?? "Batch says no more"
        return ([message] + details.prefix(4)).joined(separator: "; ").split(whereSeparator: \.isNewline).joined(
            separator: " ")
    }

    /// How long a task may run, in seconds.
    private static func limit(of task: JSONText) -> Double? {
        guard var text = task["constraints"]?["maxWallClockTime"]?.text?[...], text.hasPrefix("P"), !text.contains("D")
        else { return nil }
        text = text.dropFirst(text.hasPrefix("PT") ? 2 : 1)
        var seconds = 0.0
        while !text.isEmpty {
            let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            text = text.dropFirst(digits.count)
            guard let value = Double(digits), let unit = text.popFirst() else { return nil }
            seconds += value * (unit == "H" ? 3600 : unit == "M" ? 60 : 1)
        }
        return seconds
    }

    static func moment(_ text: JSONText?) -> Int64? { text?.text.flatMap { Moment(iso: $0)?.microseconds } }

    static func hasEnded(_ job: JSONText) -> Bool {
        ["terminating", "completed", "deleting"].contains(job["state"]?.text?.lowercased() ?? "")
    }

    // MARK: Many tasks

    /// How each task of a run stands.
    public func tasks(_ handle: RunHandle) async throws(SluiceError) -> [TaskStatus] {
        let id = try Self.place(handle)
        let found = try await batch().list(
            "jobs/\(id)/tasks", query: [("$select", "id,state,executionInfo"), ("maxresults", "1000")])
        var tasks: [TaskStatus] = []
        for task in found where task["id"]?.text != Self.onlyTask { tasks.append(try Self.status(of: task)) }
        return tasks
    }

    private static func status(of task: JSONText) throws(SluiceError) -> TaskStatus {
        let word = task["state"]?.text ?? "unknown"
        let info = task["executionInfo"]
        let began = moment(info?["startTime"])
        var status = TaskStatus(
            id: task["id"]?.text ?? "", state: try taskWords.state(word), word: word,
            attempts: (info?["retryCount"]?.integer ?? 0) + (began == nil ? 0 : 1),
            exitCode: info?["exitCode"]?.integer, startedAt: began, finishedAt: moment(info?["endTime"]))
        guard status.state.isFinal, let failure = info?["failureInfo"], failure.members != nil else { return status }
        let code = failure["code"]?.text ?? word
        status.word = code
        status.state = code == "FailureExitCode" ? RunState(exitCode: status.exitCode ?? 1) : .failed
        status.reason = code == "FailureExitCode" ? nil : reason(failure)
        return status
    }

    private func status(ofDivided job: JSONText, _ id: String) async throws(SluiceError) -> PlatformStatus {
        let word = job["state"]?.text ?? "unknown"
        let info = job["executionInfo"]
        var status = PlatformStatus(.running, word: word)
        status.startedAt = Self.moment(info?["startTime"])
        let tasks = try await counts(id)
        if tasks.all > 0 { status.tasks = tasks }
        if !Self.hasEnded(job) {
            if tasks.running == 0, tasks.waiting > 0, tasks.failed > 0, try await isStuck(id) {
                // What waits for a task that has failed will never begin.
                _ = try? await batch().send(
                    .post, "jobs/\(id)/terminate", body: ["terminateReason": "SluiceTaskFailed"], isRepeatable: true,
                    accepting: [404, 409])
                status.state = .failed
                status.finishedAt = Moment.now.microseconds
                status.reason = try await failures(id, tasks)
                return status
            }
            if tasks.running == 0, tasks.succeeded + tasks.failed == 0 { status.state = .queued }
            return status
        }
        // Its last tasks are being ended.
        if word.lowercased() == "terminating" { return status }
        status.finishedAt = Self.moment(info?["endTime"]) ?? Self.moment(job["stateTransitionTime"])
        // What was ended before all of it was there has not succeeded, however little of it there was.
        let isWhole = Self.isSealed(job) || BatchWork(job: job).map { tasks.all >= $0.count } ?? false
        if isWhole, tasks.failed == 0, tasks.waiting + tasks.running == 0 {
            status.state = .succeeded
        } else if Self.reason(of: job) == Self.cancelled {
            status.state = .cancelled
        } else {
            status.state = .failed
            status.reason = try await failures(id, tasks)
        }
        return status
    }

    /// How many of a job's tasks stand how.
    func counts(_ id: String) async throws(SluiceError) -> TaskCounts {
        let counts = try await batch().get("jobs/\(id)/taskcounts")?["taskCounts"]
        var tasks = TaskCounts()
        tasks.waiting = counts?["active"]?.integer ?? 0
        tasks.running = counts?["running"]?.integer ?? 0
        tasks.succeeded = counts?["succeeded"]?.integer ?? 0
        tasks.failed = counts?["failed"]?.integer ?? 0
        return tasks
    }

    /// Whether everything that waits does so for something that failed.
    private func isStuck(_ id: String) async throws(SluiceError) -> Bool {
        let tasks = try await batch().list(
            "jobs/\(id)/tasks", query: [("$select", "id,state,dependsOn,executionInfo")])
        var lost: Set<String> = []
        var waiting: [(id: String, after: [String])] = []
        for task in tasks {
            let id = (task["id"]?.text ?? "").lowercased()
            switch task["state"]?.text?.lowercased() {
            case "completed": if task["executionInfo"]?["result"]?.text?.lowercased() == "failure" { lost.insert(id) }
            case "active":
                waiting.append((id, (task["dependsOn"]?["taskIds"]?.items ?? []).compactMap { $0.text?.lowercased() }))
            default: return false
            }
        }
        while let index = waiting.firstIndex(where: { $0.after.contains { lost.contains($0) } }) {
            lost.insert(waiting[index].id)
            waiting.remove(at: index)
        }
        return waiting.isEmpty
    }

    /// Which tasks failed, and why, in one line.
    private func failures(_ id: String, _ counts: TaskCounts) async throws(SluiceError) -> String {
        let failed = try await batch().list(
            "jobs/\(id)/tasks",
            query: [
                ("$filter", "executionInfo/result eq 'failure'"), ("$select", "id,executionInfo"), ("maxresults", "5"),
            ],
            limit: 5)
        let names = failed.map { task -> String in
            let info = task["executionInfo"]
            let code = info?["failureInfo"]?["code"]?.text ?? ""
            let why = code == "FailureExitCode" ? "exit code \(info?["exitCode"]?.integer ?? -1)" : code
            return "\(task["id"]?.text ?? "") (\(why))"
        }
        let more = counts.failed > names.count ? ", …" : ""
        return "\(counts.failed) of \(counts.all) tasks failed: \(names.joined(separator: ", "))\(more)"
    }
}
