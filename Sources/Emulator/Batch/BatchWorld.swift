import Autoscale
import Support

/// All pools, jobs and tasks of the emulator, and what runs: one actor, so that everybody sees the same.
///
/// Calls change it and return when `save` has brought the changes to the disk. A clock moves what moves by itself: nodes
/// start, formulas are evaluated, tasks are given to slots, jobs end.
actor BatchWorld {
    /// Pools and jobs by account and id: `shop/small`.
    var pools: [String: BatchPool] = [:]
    var jobs: [String: BatchJob] = [:]
    /// The tasks that run, by job and id.
    var runs: [BatchTaskKey: BatchRun] = [:]
    /// Whether tasks may be ready that were not: looked at by the clock.
    var isStale = true
    /// What runs programs.
    var house: BatchHouse

    let switches: BatchSwitches
    let folder: String
    private let store: BatchStore
    private var dirty: [String: JSONText?] = [:]
    private var sequence = 0
    private var clock: Task<Void, Never>?
    private var isClosed = false

    init(store: BatchStore, folder: String, switches: BatchSwitches, house: BatchHouse) {
        self.store = store
        self.folder = folder
        self.switches = switches
        self.house = house
    }

    /// Takes up what an earlier run left. Nodes have to start anew, and what ran on them begins again, as after a power cut.
    func load() async throws(SluiceError) {
        let now = Moment.now
        for (key, document) in try await store.all() {
            let parts = key.split(separator: "/").map(String.init)
            guard parts.count >= 3 else { continue }
            switch parts[1] {
            case "pool":
                if let pool = BatchPool(record: document) { pools["\(parts[0])/\(parts[2])"] = pool }
                sequence = max(sequence, document["sequence"]?.integer ?? 0)
            case "job":
                if let job = BatchJob(record: document) { jobs["\(parts[0])/\(parts[2])"] = job }
                sequence = max(sequence, document["sequence"]?.integer ?? 0)
            case "task" where parts.count == 4:
                // Jobs come before their tasks in the order of keys.
                guard let task = BatchTask(record: document) else { continue }
                jobs["\(parts[0])/\(parts[2])"]?.tasks[parts[3]] = task
                sequence = max(sequence, task.sequence)
            default: continue
            }
        }
        for (job, value) in jobs {
            for task in value.tasks.values where task.state != .completed {
                let key = BatchTaskKey(job: job, task: task.key)
                if task.state != .active {
                    change(key) { task in
                        task.change(.active, now)
                        task.requeues += 1
                        task.lastRequeue = now
                        task.node = nil
                    }
                }
            }
            jobs[job]?.waiting = value.tasks.values.filter { $0.state != .completed }.sorted {
                $0.sequence < $1.sequence
            }
            .map(\.key)
            jobs[job]?.quietSince = now
        }
        let numbers = switches.now
        for key in pools.keys { pools[key]?.history = Self.history(numbers) }
        await save()
        clock = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(50))
                guard let self, await self.tick() else { return }
            }
        }
    }

    /// Ends what runs, and brings everything to the disk; what ran will begin again.
    func close() async {
        isClosed = true
        clock?.cancel()
        for run in runs.values { run.abandon() }
        await house.workloads.close()
        house.host = nil
        await save()
        await store.close()
    }

    func listen(_ host: EmulatorHost) { house.host = host }

    static func history(_ numbers: BatchNumbers) -> AutoscaleHistory {
        AutoscaleHistory(period: Double(numbers.sample) / 1000, delay: Double(numbers.sampleDelay) / 1000)
    }

    /// New numbers count from now on; samples of another period are of no use.
    func switched() {
        let numbers = switches.now
        for key in pools.keys where pools[key]?.history.period != Double(numbers.sample) / 1000 {
            pools[key]?.history = Self.history(numbers)
            pools[key]?.lastSample = nil
        }
    }

    // MARK: Changes

    func nextSequence() -> Int {
        sequence += 1
        return sequence
    }

    func change(pool key: String, _ body: (inout BatchPool) -> Void) {
        guard pools[key] != nil else { return }
        body(&pools[key, default: BatchPool("", [:], sequence: 0, now: .now)])
        note(pool: key)
    }

    func change(job key: String, _ body: (inout BatchJob) -> Void) {
        guard jobs[key] != nil else { return }
        body(&jobs[key, default: BatchJob("", [:], sequence: 0, now: .now)])
        note(job: key)
    }

    func change(_ key: BatchTaskKey, _ body: (inout BatchTask) -> Void) {
        guard var task = jobs[key.job]?.tasks[key.task] else { return }
        body(&task)
        task.modified = .now
        jobs[key.job]?.tasks[key.task] = task
        dirty[key.record] = task.record
        isStale = true
    }

    func note(pool key: String) {
        dirty[Self.record("pool", key)] = .some(pools[key]?.record)
        isStale = true
    }

    func note(job key: String) {
        dirty[Self.record("job", key)] = .some(jobs[key]?.record)
        isStale = true
    }

    func forget(_ key: BatchTaskKey) {
        jobs[key.job]?.tasks[key.task] = nil
        jobs[key.job]?.waiting.removeAll { $0 == key.task }
        dirty[key.record] = .some(nil)
        isStale = true
    }

    private static func record(_ kind: String, _ key: String) -> String {
        let parts = key.split(separator: "/", maxSplits: 1)
        return "\(parts[0])/\(kind)/\(parts.count > 1 ? parts[1] : "")"
    }

    /// Brings what has changed to the disk.
    func save() async {
        guard !dirty.isEmpty else { return }
        let changes = dirty
        dirty = [:]
        // A disk that takes nothing leaves the emulator with what it has in memory.
        try? await store.write(changes)
    }

    // MARK: The clock

    private func tick() async -> Bool {
        if isClosed { return false }
        let now = Moment.now
        movePools(now)
        moveJobs(now)
        if isStale {
            isStale = false
            schedule(now)
        }
        await save()
        return true
    }

    /// The folder of a task.
    func taskFolder(_ key: BatchTaskKey) -> String {
        // A job of the same id that came later has other files.
        "\(folder)/\(key.job)-\(jobs[key.job]?.created.microseconds ?? 0)/\(key.task)"
    }

    func jobFolder(_ key: String) -> String { "\(folder)/\(key)-\(jobs[key]?.created.microseconds ?? 0)" }
}

/// Which task.
struct BatchTaskKey: Hashable, Sendable {
    /// Account and job: `shop/nightly`.
    let job: String
    /// The task's id in small letters.
    let task: String

    /// What its record is called.
    var record: String {
        let parts = job.split(separator: "/", maxSplits: 1)
        return "\(parts[0])/task/\(parts.count > 1 ? parts[1] : "")/\(task)"
    }
}
