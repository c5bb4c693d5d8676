import Glibc
import Support
import Synchronization

/// One execution of a job, from its place in the queue to its last replica.
final class ExecutionRun: Sendable {
    /// What it needs of others.
    struct Surroundings: Sendable {
        let store: ResourceStore
        let switches: ManagementSwitches
        let workloads: Workloads
        let secrets: JobSecrets
        let local: LocalAddress
    }

    let id: ResourceID
    let log: ExecutionLog
    private let job: Resource
    private let template: JSONText
    private let around: Surroundings
    private let state = Mutex(State())

    private struct State: Sendable {
        var isStopped = false
        /// Whether it is not somebody's wish that it ends, but the emulator's own end.
        var isAbandoned = false
        var runs: [WorkloadRun] = []
        var replicas: [Replica] = []
    }

    /// A replica as answers tell of it.
    struct Replica: Sendable {
        let name: String
        let created: Moment
        var containers: [Container]
        var isOver = false
    }

    /// A container of a replica.
    struct Container: Sendable {
        let name: String
        let isInit: Bool
        var status = "Waiting"
        var code = -1
        var information = ""
    }

    init(_ id: ResourceID, _ job: Resource, _ template: JSONText, home: String, _ around: Surroundings) {
        self.id = id
        self.job = job
        self.template = template
        self.around = around
        log = ExecutionLog(home: home)
    }

    private var document: JobDocument { JobDocument(document: job.document) }
    private var isStopped: Bool { state.withLock { $0.isStopped } }

    /// The replicas as they are now.
    var replicas: [Replica] { state.withLock { $0.replicas } }

    /// Ends everything that runs.
    ///
    /// - parameter isAbandoned: Whether it is the emulator that ends, which is a failure of the platform.
    func stop(isAbandoned: Bool = false) {
        let runs = state.withLock { state in
            state.isStopped = true
            state.isAbandoned = state.isAbandoned || isAbandoned
            return state.runs
        }
        for run in runs { run.stop() }
    }

    /// Runs it, and keeps what came of it.
    func run() async {
        var outcome = await outcome()
        if outcome.status == "Stopped", state.withLock({ $0.isAbandoned }) {
            outcome = .failed("PlatformRestarted", "The emulator ended while it ran.")
        }
        let end = outcome
        log.add(
            end.status == "Succeeded" ? "Completed" : end.status == "Stopped" ? "Stopped" : "Failed",
            end.message, isWarning: end.status == "Failed")
        let shown = replicasJSON
        _ = try? await around.store.update(id) { resource in
            resource.document = resource.document.setting("properties.status", .string(end.status))
                .setting("properties.endTime", .string(Self.time(.now)))
            resource.hidden = [
                "replicas": shown, "reason": .string(end.reason), "message": .string(end.message),
                "home": .string(log.home),
            ]
            return true
        }
    }

    /// `2024-11-01T11:21:35+00:00`, as executions write times.
    static func time(_ moment: Moment) -> String { moment.isoSeconds.dropLast() + "+00:00" }

    /// The replicas as the newest interface shows them.
    var replicasJSON: JSONText {
        .array(
            replicas.map { replica in
                [
                    "name": .string(replica.name), "created": .string(replica.created.isoSeconds),
                    "containers": .array(
                        replica.containers.map { container in
                            [
                                "name": .string(container.name), "code": .number(container.code),
                                "additionalInformation": .string(container.information),
                                "status": .string(container.status), "isInit": .bool(container.isInit),
                            ]
                        }),
                ]
            })
    }

    // MARK: The way of an execution

    private struct Outcome {
        let status: String
        let reason: String
        let message: String

        static func failed(_ reason: String, _ message: String) -> Outcome {
            Outcome(status: "Failed", reason: reason, message: message)
        }
        static let stopped = Outcome(status: "Stopped", reason: "Stopped", message: "The execution was stopped.")
    }

    private func outcome() async -> Outcome {
        log.add("Created", "Created job execution \(id.name)")
        guard await pause(around.switches.now.queue) else { return .stopped }
        let secrets: [String: String]
        do throws(SecretProblem) { secrets = try await around.secrets.values(of: job) } catch {
            log.add("SecretNotResolved", error.message, isWarning: true)
            return .failed("SecretNotResolved", error.message)
        }
        var images: [String: UnpackedImage] = [:]
        for container in containers("initContainers") + containers("containers") where images[container.image] == nil {
            log.add("PullingImage", "Pulling image \"\(container.image)\"")
            guard await pause(around.switches.now.pull) else { return .stopped }
            do throws(ImageProblem) {
                try await around.secrets.checkPull(container.image, for: job)
                let image = try await around.workloads.images.image(container.image)
                images[container.image] = image
                log.add("PulledImage", "Successfully pulled image \"\(container.image)\" (\(image.digest))")
            } catch {
                log.add(
                    "ErrImagePull", "Failed to pull image \"\(container.image)\": \(error.message)", isWarning: true)
                return .failed("ImagePullFailure", error.message)
            }
        }
        return await replicate(secrets, images)
    }

    private func containers(_ key: String) -> [ContainerDocument] {
        (template.at(key)?.items ?? []).map(ContainerDocument.init)
    }

    /// Waits; false when the execution is stopped meanwhile.
    private func pause(_ milliseconds: Int) async -> Bool {
        let end = Moment.now.later(milliseconds)
        while !isStopped, Moment.now < end { try? await Task.sleep(for: .milliseconds(20)) }
        return !isStopped
    }

    /// Runs replicas side by side until so many have succeeded, or too many have failed.
    private func replicate(_ secrets: [String: String], _ images: [String: UnpackedImage]) async -> Outcome {
        let (parallelism, completions) = document.counts
        let retries = document.retries
        return await withTaskGroup(of: ReplicaEnd.self) { group in
            var (running, succeeded, failures) = (0, 0, 0)
            var failure: Outcome?
            while true {
                while failure == nil, !isStopped, running < min(parallelism, completions - succeeded) {
                    running += 1
                    group.addTask { await self.replica(secrets, images) }
                }
                guard let end = await group.next() else { break }
                running -= 1
                switch end {
                case .succeeded: succeeded += 1
                case .timedOut:
                    failure =
                        failure
                        ?? .failed(
                            "DeadlineExceeded",
                            "Job was active longer than specified deadline of \(document.timeout) seconds")
                case .failed(let message):
                    failures += 1
                    if failures > retries, failure == nil {
                        failure = .failed(
                            "BackoffLimitExceeded", "Job has reached the specified backoff limit: \(message)")
                    } else if failure == nil, !isStopped {
                        log.add(
                            "ReplicaRetry", "Retrying after a failed replica (\(failures) of \(retries))",
                            isWarning: true)
                    }
                }
                if failure != nil {
                    for run in state.withLock({ $0.runs }) { run.stop() }
                }
            }
            if let failure, !isStopped { return failure }
            if succeeded >= completions {
                return Outcome(
                    status: "Succeeded", reason: "Completed", message: "Execution has successfully completed")
            }
            return .stopped
        }
    }

    private enum ReplicaEnd: Sendable {
        case succeeded
        case failed(String)
        case timedOut
    }

    private func replica(_ secrets: [String: String], _ images: [String: UnpackedImage]) async -> ReplicaEnd {
        let name = "\(id.name)-\(JobRunner.letters(5))"
        let inits = containers("initContainers")
        let main = containers("containers")
        let index = state.withLock { state in
            let all =
                inits.map { Container(name: $0.name, isInit: true) }
                + main.map { Container(name: $0.name, isInit: false) }
            state.replicas.append(Replica(name: name, created: .now, containers: all))
            return state.replicas.count - 1
        }
        log.add("AssigningReplica", "Replica '\(name)' has been scheduled to run on a node.", replica: name)
        defer { state.withLock { $0.replicas[index].isOver = true } }
        let deadline = Moment.now.later(document.timeout * 1000)
        for (number, container) in inits.enumerated() {
            let end = await run(container, number, index, name, deadline, secrets, images)
            if case .succeeded = end { continue }
            return end
        }
        return await withTaskGroup(of: ReplicaEnd.self) { group in
            for (number, container) in main.enumerated() {
                group.addTask {
                    await self.run(container, inits.count + number, index, name, deadline, secrets, images)
                }
            }
            var worst = ReplicaEnd.succeeded
            for await end in group {
                switch (end, worst) {
                case (.timedOut, _): worst = end
                case (.failed, .succeeded): worst = end
                default: break
                }
            }
            return worst
        }
    }

    private func run(
        _ container: ContainerDocument, _ number: Int, _ index: Int, _ replica: String, _ deadline: Moment,
        _ secrets: [String: String], _ images: [String: UnpackedImage]
    ) async -> ReplicaEnd {
        func note(_ status: String, _ code: Int, _ information: String = "") {
            state.withLock { state in
                state.replicas[index].containers[number].status = status
                state.replicas[index].containers[number].code = code
                state.replicas[index].containers[number].information = information
            }
        }
        guard let image = images[container.image], !isStopped else { return .failed("it was stopped") }
        var workload = Workload(
            image.words(command: container.command, arguments: container.arguments),
            folder: "\(log.home)/\(replica)/\(container.name)", image: image)
        guard !workload.words.isEmpty else {
            note("Terminated", 128, "StartError")
            return .failed("container \(container.name): no command specified")
        }
        workload.environment = environment(container, replica, secrets)
        workload.memory = Int((container.memory ?? 1) * Double(1 << 30))
        workload.time = .milliseconds(max(0, (deadline.microseconds - Moment.now.microseconds) / 1000))
        workload.grace = .milliseconds(around.switches.now.grace)
        let started: WorkloadRun
        do throws(SluiceError) {
            workload.mounts = try mounts(container, replica, secrets)
            started = try around.workloads.start(workload)
        } catch {
            note("Terminated", 128, "StartError")
            log.add(
                "ContainerStartFailed", "\(container.name): \(error.description)", isWarning: true, replica: replica)
            return .failed("container \(container.name) could not be started")
        }
        let isStopped = state.withLock { state in
            state.runs.append(started)
            return state.isStopped
        }
        if isStopped { started.stop() }
        note("Running", -1)
        log.add("ContainerStarted", "Started container '\(container.name)'", replica: replica)
        let end = await started.end()
        state.withLock { $0.runs.removeAll { $0 === started } }
        // The image is still there, and what was written on top of it is nobody's any more.
        for part in ["upper", "work", "root"] { try? RootFolder.remove("\(workload.folder)/\(part)") }
        switch end.reason {
        case .outOfMemory:
            note("Terminated", 137, "OOMKilled")
            log.add(
                "ContainerTerminated",
                "Container '\(container.name)' was terminated with exit code '137' and reason 'OOMKilled'",
                isWarning: true, replica: replica)
            return .failed("container \(container.name) ran out of memory")
        case .timedOut:
            note("Terminated", end.code, "DeadlineExceeded")
            return .timedOut
        default:
            let word = end.code == 0 ? "Completed" : "Error"
            note("Terminated", end.code, word)
            log.add(
                "ContainerTerminated",
                "Container '\(container.name)' was terminated with exit code '\(end.code)' and reason '\(word)'",
                isWarning: end.code != 0, replica: replica)
            return end.code == 0 ? .succeeded : .failed("container \(container.name) ended with exit code \(end.code)")
        }
    }

    private func environment(
        _ container: ContainerDocument, _ replica: String, _ secrets: [String: String]
    ) -> [String: String] {
        var all = around.local.environment(
            identityHeader: document.hasIdentity ? (around.secrets.directory.identityHeader ?? "sluice") : nil)
        for variable in container.environment {
            guard let name = variable.at("name")?.text else { continue }
            all[name] = variable.at("secretRef")?.text.flatMap { secrets[$0] } ?? variable.at("value")?.text ?? ""
        }
        all["CONTAINER_APP_JOB_NAME"] = job.id.name
        all["CONTAINER_APP_JOB_EXECUTION_NAME"] = id.name
        all["CONTAINER_APP_REPLICA_NAME"] = replica
        all["HOSTNAME"] = replica
        return all
    }

    /// The folders of its volumes, which the containers of a replica share.
    private func mounts(
        _ container: ContainerDocument, _ replica: String, _ secrets: [String: String]
    ) throws(SluiceError) -> [(source: String, target: String)] {
        let volumes = template.at("volumes")?.items ?? job.document.at("properties.template.volumes")?.items ?? []
        var all: [(source: String, target: String)] = []
        for (index, volume) in volumes.enumerated() {
            guard let name = volume.at("name")?.text,
                let mount = container.mounts.first(where: { $0.at("volumeName")?.text == name }),
                let target = mount.at("mountPath")?.text
            else { continue }
            let folder = try EmulatorFolder("\(log.home)/volumes/\(replica)-\(index)")
            chmod(folder.path, 0o1777)
            if volume.at("storageType")?.text?.lowercased() == "secret" {
                for (name, value) in secrets where !name.contains("/") {
                    try folder.write(value, to: name)
                    chmod("\(folder.path)/\(name)", 0o644)
                }
            }
            all.append((folder.path, target))
        }
        return all
    }
}
