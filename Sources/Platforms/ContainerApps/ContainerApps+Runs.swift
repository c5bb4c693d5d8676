import Azure
import Runs
public import Support
import Synchronization

extension ContainerAppsPlatform {
    // MARK: Starting

    /// Starts a run of a job that is deployed.
    ///
    /// The start has no key of Azure's by which a second one is known to be the same, so the run's id among the variables
    /// is looked for, before it is sent at all and before it is sent again.
    public func start(_ request: RunRequest) async throws(SluiceError) -> RunHandle {
        try Self.check(run: request.run)
        try request.refuseTasks(name)
        guard let job = request.job else {
            throw SluiceError(.usage, "a run on \(name) is the run of a job that is deployed there, and none is named")
        }
        if request.limits.time != nil || request.limits.memory != nil {
            throw SluiceError(
                .unsupported, "limits of a run cannot be given on \(name) when it is started",
                hint: "write timeout and memory under deploy of the job, and deploy it")
        }
        let name = try jobName(job)
        guard let there = try await existing(name) else {
            throw SluiceError(
                .notFound,
                "the job \(job.job) is not deployed to \(self.name): there is no job \(name) in \(settings.group)",
                hint: "'sluice deploy \(job.job)' shows what would be made, and makes it")
        }
        if try await execution(of: request.run, in: name) != nil {
            throw SluiceError(.conflict, "there is a run \(request.run) on \(self.name) already")
        }
        let body = try Self.template(of: there, for: request)
        var sends = 0
        while true {
            sends += 1
            do throws(SluiceError) {
                let answer = try await management().post(
                    "\(settings.job(name).text)/start", version: Self.version, body: body)
                if let execution = answer?["name"]?.text { return handle(request.run, name, execution, job.job) }
            } catch {
                guard error.isTransient else { throw error }
                if let found = try await settle(request.run, name, job) { return found }
                guard sends < 3 else { throw error }
                continue
            }
            // Azure has begun it, and does not say what it is called.
            if let found = try await settle(request.run, name, job) { return found }
            throw SluiceError(
                .inputOutput, "Azure started a run of \(name) and does not show it",
                hint: "'sluice status \(request.run)' asks again", isTransient: true)
        }
    }

    /// Looks for a run whose start may have arrived, until it would have to be seen.
    private func settle(_ run: String, _ name: String, _ job: JobDeployment) async throws(SluiceError) -> RunHandle? {
        for pause in [Duration.zero, pace.look, pace.look * 2] {
            do { try await Task.sleep(for: pause) } catch {
                throw SluiceError(.cancelled, "stopped while it is not known whether run \(run) was started")
            }
            if let found = try await execution(of: run, in: name) { return handle(run, name, found, job.job) }
        }
        return nil
    }

    /// What is started: the job's own container whole, since what is given takes its place, with what this run adds.
    private static func template(of job: ContainerJob, for request: RunRequest) throws(SluiceError) -> JSONText {
        guard let container = job.main else {
            throw SluiceError(.invalidData, "the job has no container", hint: "deploy it again")
        }
        var added = request.environment
        added[RunRequest.idVariable] = request.run
        let others = (container["env"]?.items ?? []).filter { added[$0["name"]?.text ?? ""] == nil }
        let new = added.sorted { $0.key < $1.key }.map { name, value -> JSONText in
            ["name": .string(name), "value": .string(value)]
        }
        let resources = container["resources"]
        let arguments = request.arguments.map { JSONText.string($0) }
        let whole = JSONText.members([
            "name": container["name"], "image": container["image"],
            "command": container["command"].flatMap { $0.items == nil ? nil : $0 },
            "args": arguments.isEmpty ? container["args"] : .array(arguments), "env": .array(others.map(plain) + new),
            "resources": .members(["cpu": resources?["cpu"], "memory": resources?["memory"]]),
        ])
        let rest = (job.body["properties"]?["template"]?["containers"]?.items ?? []).dropFirst()
        return ["containers": .array([whole] + rest)]
    }

    /// A variable without the members that are null.
    private static func plain(_ variable: JSONText) -> JSONText {
        .object((variable.members ?? []).filter { $0.value != .null })
    }

    private func handle(_ run: String, _ job: String, _ execution: String, _ declared: String?) -> RunHandle {
        RunHandle(run: run, platform: name, reference: "\(job)/\(execution)", job: declared)
    }

    private static func check(run: String) throws(SluiceError) {
        guard 1...64 ~= run.utf8.count,
            run.utf8.allSatisfy({ ($0 | 32 >= 97 && $0 | 32 <= 122) || 48...57 ~= $0 || $0 == 45 })
        else { throw SluiceError(.usage, "\"\(run)\" is no id of a run", hint: "'sluice runs' lists them") }
    }

    // MARK: Finding

    /// The run with this id, among those of all of the project's jobs.
    public func find(_ run: String) async throws(SluiceError) -> RunHandle? {
        try Self.check(run: run)
        let jobs = try await management().list(settings.jobs, version: Self.version)
        for job in jobs where job["tags"]?[ContainerJob.projectTag]?.text == project {
            guard let name = job["name"]?.text else { continue }
            do throws(SluiceError) {
                guard let execution = try await execution(of: run, in: name) else { continue }
                return handle(run, name, execution, job["tags"]?[ContainerJob.jobTag]?.text)
            } catch {
                // A job that was removed meanwhile has no runs.
                if error.code != .notFound { throw error }
            }
        }
        return nil
    }

    /// The execution that has the run's id.
    private func execution(of run: String, in job: String) async throws(SluiceError) -> String? {
        let executions = try await management().list(
            "\(settings.job(job).text)/executions", version: Self.version, limit: 1000)
        return executions.first { execution in
            (execution["properties"]?["template"]?["containers"]?.items ?? []).contains { container in
                (container["env"]?.items ?? []).contains {
                    $0["name"]?.text == RunRequest.idVariable && $0["value"]?.text == run
                }
            }
        }?["name"]?.text
    }

    // MARK: Asking

    static let words = StateWords(
        "Container Apps",
        [
            "Running": .running, "Processing": .starting, "Succeeded": .succeeded, "Failed": .failed,
            "Stopped": .cancelled, "Degraded": .running,
        ])

    /// The job and the execution that a handle names.
    func place(_ handle: RunHandle) throws(SluiceError) -> (job: String, execution: String) {
        let parts = handle.reference.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isNameByte) }) else {
            throw SluiceError(
                .notFound, "the run \(handle.run) was not started on \(name)", hint: "'sluice runs' lists what ran")
        }
        return (parts[0], parts[1])
    }

    private static func isNameByte(_ byte: UInt8) -> Bool { 97...122 ~= byte || 48...57 ~= byte || byte == 45 }

    /// An execution as the newest version of the interface tells it that there is.
    func execution(_ handle: RunHandle) async throws(SluiceError) -> JSONText {
        let (job, execution) = try place(handle)
        let path = "\(settings.job(job).text)/executions/\(execution)"
        let versions = memory.facts.withLock { $0.version }.map { [$0] } ?? [Self.newVersion, Self.version]
        // A region that has not got the newest yet tells the state all the same.
        if let (found, version) = try await management().get(path, versions: versions) {
            memory.facts.withLock { $0.version = version }
            return found
        }
        throw SluiceError(
            .notFound,
            "Container Apps does not know the run \(handle.run): there is no execution \(execution) of \(job)",
            hint: "about a hundred runs of a job are remembered, and none of a job that was deleted")
    }

    /// How a run stands.
    public func status(_ handle: RunHandle) async throws(SluiceError) -> PlatformStatus {
        let execution = try await execution(handle)
        let properties = execution["properties"] ?? .null
        let word = properties["status"]?.text ?? "Unknown"
        var status = PlatformStatus(try Self.words.state(word), word: word)
        status.startedAt = properties["startTime"]?.text.flatMap(Self.moment)
        status.finishedAt = properties["endTime"]?.text.flatMap(Self.moment)
        if word.lowercased() == "degraded", status.finishedAt != nil { status.state = .failed }
        guard status.state.isFinal else {
            status.finishedAt = nil
            return status
        }
        status.exitCode = Self.exitCode(properties) ?? (status.state == .succeeded ? 0 : nil)
        let told = [properties["reason"]?.text, properties["message"]?.text].compactMap { $0 }.filter { !$0.isEmpty }
        if status.state == .failed { try await explain(&status, handle, told) }
        if let resources = ContainerJob.resources(properties["template"]?["containers"]?.items?.first),
            let began = status.startedAt, let ended = status.finishedAt
        {
            let replicas = properties["detailedStatus"]?["replicas"]?.items?.count ?? 1
            status.usage = RunUsage(resources, .microseconds(ended - began), replicas: max(1, replicas)).text
        }
        return status
    }

    /// Tells apart why an execution failed.
    private func explain(_ status: inout PlatformStatus, _ handle: RunHandle, _ told: [String])
        async throws(SluiceError)
    {
        // What the program ended with by itself is its own word.
        let wasKilled = status.exitCode.map { $0 < 0 || $0 == 137 || $0 == 143 } ?? true
        if let code = status.exitCode, !wasKilled {
            status.state = RunState(exitCode: code)
            return
        }
        if let code = status.exitCode, code < 0 { status.exitCode = nil }
        status.reason = told.isEmpty ? nil : told.joined(separator: ": ")
        guard let began = status.startedAt, let ended = status.finishedAt,
            let seconds = try await existing(try place(handle).job)?.timeout
        else { return }
        let isLate = told.contains { $0.lowercased().contains("deadlineexceeded") }
        if isLate || (ended - began) >= Int64(seconds) * 1_000_000 - 500_000 {
            status.state = .timedOut
            status.reason = "it took longer than \(Quantities.describe(.seconds(seconds)))"
        }
    }

    /// The exit code of the newest replica, where this version of the interface tells it.
    private static func exitCode(_ properties: JSONText) -> Int? {
        let replicas = properties["detailedStatus"]?["replicas"]?.items ?? []
        let codes = replicas.compactMap { replica in
            let containers = replica["containers"]?.items ?? []
            let own = containers.first { $0["name"]?.text == ContainerJob.container } ?? containers.first
            return own?["code"]?.integer
        }
        // Of several, one that failed says more than those that did not.
        return codes.last { $0 != 0 } ?? codes.last
    }

    /// `2024-11-01T11:21:35+00:00`, or without a zone.
    static func moment(_ text: String) -> Int64? {
        Moment(iso: text)?.microseconds
    }

    // MARK: Ending

    /// Asks Azure to stop an execution. Its program is told, and has some seconds to put things in order.
    public func cancel(_ handle: RunHandle, byForce: Bool) async throws(SluiceError) {
        let (job, name) = try place(handle)
        let word = try await execution(handle)["properties"]?["status"]?.text ?? ""
        if ["succeeded", "failed", "stopped"].contains(word.lowercased()) { return }
        try await management().post("\(settings.job(job).text)/executions/\(name)/stop", version: Self.version)
    }
}
