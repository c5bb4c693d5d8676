import Support
import Synchronization

/// The executions of all jobs: starts them, knows which run, and keeps the newest hundred of each job.
final class JobRunner: Sendable {
    private let around: ExecutionRun.Surroundings
    /// Where the folders of executions lie.
    let home: String
    private let running = Mutex<[String: (run: ExecutionRun, task: Task<Void, Never>)]>([:])
    /// How many executions of a job are remembered.
    static let history = 100

    init(_ around: ExecutionRun.Surroundings) throws(SluiceError) {
        self.around = around
        home = try around.workloads.home("jobs")
    }

    /// Small letters and digits, as names of executions and replicas end with.
    static func letters(_ count: Int) -> String {
        let all = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        return String(decoding: (0..<count).map { _ in all[Int.random(in: 0..<36)] }, as: UTF8.self)
    }

    /// What an emulator that was killed left as running has failed.
    func recover() async throws(SluiceError) {
        for execution in try await around.store.list("microsoft.app/jobs/executions")
        where execution.document.at("properties.status")?.text == "Running" {
            try await around.store.update(execution.id) { resource in
                resource.document = resource.document.setting("properties.status", "Failed")
                    .setting("properties.endTime", .string(ExecutionRun.time(.now)))
                resource.hidden = resource.hidden.setting("reason", "PlatformRestarted")
                    .setting("message", "The emulator ended while it ran.")
                return true
            }
        }
    }

    /// Starts an execution.
    ///
    /// - parameter override: Containers that take the place of the job's own.
    func start(_ job: Resource, override: JSONText? = nil, facts: JSONText) async throws(SluiceError) -> Resource {
        let id = job.id.child("executions", "\(job.id.name)-\(Self.letters(7))")
        var template = job.document.at("properties.template") ?? .object([])
        for key in ["containers", "initContainers"] {
            guard let items = override?.at(key)?.items else {
                if override != nil, key == "initContainers" { template = template.setting(key, nil) }
                continue
            }
            template = template.setting(key, .array(items.map(JobValidation.filled)))
        }
        let folder = "\(home)/\(id.name)"
        let run = ExecutionRun(id, job, template, home: folder, around)
        try run.log.write(facts: facts.setting("execution", .string(id.name)).setting("job", .string(job.id.name)))
        let execution = Resource(
            id,
            [
                "properties": [
                    "status": "Running", "startTime": .string(ExecutionRun.time(.now)),
                    "template": Self.shown(template, job),
                ]
            ], hidden: ["home": .string(folder)])
        try await around.store.save(execution)
        try await trim(job.id)
        let task = Task {
            await run.run()
            // Answers about its replicas are given for a while longer.
            try? await Task.sleep(for: .milliseconds(self.around.switches.now.replicasStay))
            self.running.withLock { $0[id.key] = nil }
        }
        running.withLock { $0[id.key] = (run, task) }
        return execution
    }

    /// The template of an execution, with the variables that the platform adds, whose values are not shown.
    private static func shown(_ template: JSONText, _ job: Resource) -> JSONText {
        let added: [JSONText] = [
            ["name": "CONTAINER_APP_JOB_NAME", "value": .string(job.id.name)],
            ["name": "CONTAINER_APP_JOB_EXECUTION_NAME", "value": ""],
            ["name": "CONTAINER_APP_REPLICA_NAME", "value": ""],
        ]
        let containers = (template.at("containers")?.items ?? []).map { container in
            container.setting("env", .array((container.at("env")?.items ?? []) + added))
        }
        return [
            "containers": .array(containers), "initContainers": .array(template.at("initContainers")?.items ?? []),
        ]
    }

    private func trim(_ job: ResourceID) async throws(SluiceError) {
        let all = try await around.store.list(
            "microsoft.app/jobs/executions", parent: job, isNewestFirst: true)
        for old in all.dropFirst(Self.history) where old.document.at("properties.status")?.text != "Running" {
            try await around.store.remove(old.id)
            if let home = old.hidden.at("home")?.text { try? RootFolder.remove(home) }
        }
    }

    /// The execution as it runs, or has ended just now.
    func run(_ id: ResourceID) -> ExecutionRun? { running.withLock { $0[id.key]?.run } }

    /// Stops an execution, if it runs.
    func stop(_ id: ResourceID) { run(id)?.stop() }

    /// Stops all executions of a job.
    func stopAll(of job: ResourceID) {
        let prefix = job.key + "/"
        for (key, entry) in running.withLock({ $0 }) where key.hasPrefix(prefix) { entry.run.stop() }
    }

    /// Ends all, for good.
    func close() async {
        let all = running.withLock { Array($0.values) }
        for entry in all { entry.run.stop(isAbandoned: true) }
        await around.workloads.close()
        for entry in all { entry.task.cancel() }
        for entry in all { await entry.task.value }
    }
}
