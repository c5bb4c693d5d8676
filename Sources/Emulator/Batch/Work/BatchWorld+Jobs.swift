import Support

extension BatchWorld {
    /// Moves jobs on that are between two states, and ends those that are complete or took too long.
    func moveJobs(_ now: Moment) {
        let transition = Int64(switches.now.transition) * 1000
        let empty = Int64(switches.now.emptyJob) * 1000
        for (key, job) in jobs {
            let runs = runs.keys.contains { $0.job == key }
            let isDue = now.microseconds - job.stateSince.microseconds >= transition
            switch job.state {
            case .terminating where isDue && !runs:
                change(job: key) { job in
                    job.change(.completed, now)
                    job.ended = now
                }
            case .deleting where isDue && !runs: remove(job: key)
            case .disabling where isDue && !runs: change(job: key) { $0.change(.disabled, now) }
            case .enabling where isDue: change(job: key) { $0.change(.active, now) }
            case .active, .disabled:
                let limit = job.body["constraints"]?["maxWallClockTime"]?.text.flatMap(BatchText.seconds)
                if let limit, Double(now.microseconds - job.created.microseconds) / 1_000_000 >= limit {
                    terminate(job: key, reason: "MaxWallClockTimeExpiry", now)
                    continue
                }
                guard job.state == .active, job.endsWithTasks, job.waiting.isEmpty, !runs else { continue }
                // A job without tasks has none that is not complete: it ends before anybody can add one.
                if job.tasks.isEmpty, now.microseconds - job.quietSince.microseconds < empty { continue }
                if job.tasks.values.allSatisfy({ $0.state == .completed }) {
                    terminate(job: key, reason: "AllTasksComplete", now)
                }
            default: break
            }
        }
    }

    /// Ends a job; its tasks that run are ended, those that wait never begin.
    func terminate(job key: String, reason: String, _ now: Moment) {
        guard let job = jobs[key], job.state != .terminating, job.state != .completed, job.state != .deleting else {
            return
        }
        change(job: key) { job in
            job.change(.terminating, now)
            job.reason = reason
            job.waiting = []
        }
        for (task, run) in runs where task.job == key { run.stop(.end) }
    }

    func disable(_ key: String, _ how: String, _ now: Moment) {
        change(job: key) { job in
            job.change(.disabling, now)
            job.disabling = how
        }
        guard how != "wait" else { return }
        for (task, run) in runs where task.job == key { run.stop(how == "requeue" ? .requeue : .end) }
    }

    func delete(job key: String, _ now: Moment) {
        change(job: key) { job in
            job.change(.deleting, now)
            job.waiting = []
        }
        for (task, run) in runs where task.job == key { run.stop(.end) }
    }

    private func remove(job key: String) {
        guard let job = jobs[key] else { return }
        let folder = jobFolder(key)
        for task in job.tasks.keys { forget(BatchTaskKey(job: key, task: task)) }
        jobs[key] = nil
        note(job: key)
        BatchFiles.remove(folder)
    }
}
