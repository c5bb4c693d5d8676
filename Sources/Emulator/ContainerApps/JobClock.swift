import Support
import Synchronization

/// Starts jobs that nobody starts: by the clock, and by how much waits in a queue.
final class JobClock: Sendable {
    private let store: ResourceStore
    private let runner: JobRunner
    private let queues: QueueStore
    private let task = Mutex<Task<Void, Never>?>(nil)
    /// When each event job was last looked at.
    private let looked = Mutex<[String: Moment]>([:])

    init(store: ResourceStore, runner: JobRunner, queues: QueueStore) {
        self.store = store
        self.runner = runner
        self.queues = queues
    }

    func start() {
        let new = Task { [weak self] in
            // A minute that was missed, because nobody ran, is not made up for.
            var minute = Moment.now.seconds / 60
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(250))
                guard let self, !Task.isCancelled else { return }
                let now = Moment.now
                while minute < now.seconds / 60 {
                    minute += 1
                    _ = try? await self.tick(Moment(seconds: minute * 60))
                }
                try? await self.scale(now)
            }
        }
        task.withLock { $0 = new }
    }

    func stop() { task.withLock { $0 }?.cancel() }

    private func jobs(_ trigger: JobDocument.Trigger) async throws(SluiceError) -> [Resource] {
        try await store.list("microsoft.app/jobs").filter { job in
            let document = JobDocument(document: job.document)
            return document.trigger == trigger && !document.isSuspended && !job.isBusy(at: .now)
        }
    }

    /// Starts the jobs that are due in the minute of a moment; the names of their executions.
    func tick(_ now: Moment) async throws(SluiceError) -> [String] {
        var started: [String] = []
        for job in try await jobs(.schedule) {
            guard let cron = JobDocument(document: job.document).cron, let schedule = try? CronSchedule(cron),
                schedule.isDue(now)
            else { continue }
            let facts = try await Self.facts(of: job, store)
            started.append(try await runner.start(job, facts: facts).id.name)
        }
        return started
    }

    /// Starts executions of the jobs whose queues have more than their running executions can take.
    private func scale(_ now: Moment) async throws(SluiceError) {
        for job in try await jobs(.event) {
            let scale = JobDocument(document: job.document).configuration.at("eventTriggerConfig.scale") ?? .object([])
            let interval = scale.at("pollingInterval")?.integer ?? 30
            let isDue = looked.withLock { looked in
                if let last = looked[job.id.key], last.later(interval * 1000) > now { return false }
                looked[job.id.key] = now
                return true
            }
            guard isDue else { continue }
            var wanted = 0
            for rule in scale.at("rules")?.items ?? [] {
                guard let (account, queue) = Self.queue(of: rule, job) else { continue }
                let count = try await queues.count(account, queue, now: now)
                let each = max(1, rule.at("metadata.queueLength")?.integer ?? 5)
                wanted = max(wanted, (count + each - 1) / each)
            }
            let most = scale.at("maxExecutions")?.integer ?? 100
            let least = scale.at("minExecutions")?.integer ?? 0
            let running = try await store.list("microsoft.app/jobs/executions", parent: job.id).count {
                $0.document.at("properties.status")?.text == "Running"
            }
            let new = max(min(wanted, most), least) - running
            guard new > 0 else { continue }
            let facts = try await Self.facts(of: job, store)
            for _ in 0..<new { _ = try await runner.start(job, facts: facts) }
        }
    }

    /// The account and the queue that a rule watches.
    private static func queue(of rule: JSONText, _ job: Resource) -> (String, String)? {
        guard let queue = rule.at("metadata.queueName")?.text else { return nil }
        if let account = rule.at("metadata.accountName")?.text { return (account.lowercased(), queue) }
        let connection = (rule.at("auth")?.items ?? []).first { $0.at("triggerParameter")?.text == "connection" }
        let secret = job.hidden.at("secrets")?.items?.first {
            $0.at("name")?.text == connection?.at("secretRef")?.text
        }
        let account = secret?.at("value")?.text?.split(separator: ";").first {
            $0.lowercased().hasPrefix("accountname=")
        }
        return account.map { ($0.dropFirst("accountname=".count).lowercased(), queue) }
    }

    /// What is written down of an execution, so that its logs are found: in which environment it runs, where logs go.
    static func facts(of job: Resource, _ store: ResourceStore) async throws(SluiceError) -> JSONText {
        guard let id = JobDocument(document: job.document).environmentID, let environment = try await store.find(id)
        else { return [:] }
        let logs = environment.document.at("properties.appLogsConfiguration")
        return .members([
            "environment": .string(environment.id.name), "jobID": .string(job.id.description),
            "destination": logs?.at("destination"),
            "workspace": logs?.at("logAnalyticsConfiguration.customerId"),
        ])
    }
}
