import Azure
import Connectors
import Ingest
import Init
import Map
public import Platforms
import Project
import Report
import Runs
import Settings
import Storage
import Support

/// Walks everything that a job stands on, and says of each whether it is as it has to be; nothing is changed.
///
///     let rows = await Doctor(workspace, job: "orders").examine()
public struct Doctor: Sendable {
    private let workspace: Workspace
    private let job: String?
    private let limit: Duration

    /// A doctor for one job, or for all that the project declares when none is named.
    ///
    /// - parameter limit: How long to wait for each answer.
    public init(_ workspace: Workspace, job: String? = nil, within limit: Duration = .seconds(30)) {
        self.workspace = workspace
        self.job = job
        self.limit = limit
    }

    /// Looks at everything.
    ///
    /// - parameter told: Told each row as soon as it is known.
    /// - returns: All rows.
    public func examine(told: (PlatformCheck) -> Void = { _ in }) async -> [PlatformCheck] {
        var rows: [PlatformCheck] = []
        func tell(_ row: PlatformCheck) {
            rows.append(row)
            told(row)
        }
        let jobs: [Project.Job]
        do throws(SluiceError) {
            jobs = try job.map { name throws(SluiceError) in [try workspace.job(name)] } ?? workspace.project.jobs
        } catch {
            tell(PlatformCheck("job", error))
            return rows
        }
        if await mayUseAzure(jobs) { tell(await signIn()) }
        var missing: [String: String] = [:]
        for secret in secrets(of: jobs) {
            let name = (secret.vault.map { "\($0)/" } ?? "") + secret.name
            let row = await row("secret \(name)", looking(for: secret))
            if row.outcome == .failed { missing[row.finding] = row.subject }
            tell(row)
        }
        for name in reached(by: jobs) {
            let subject = name == "lake" || name == "warehouse" ? name : "connection \(name)"
            let row = await row(subject) { [workspace] in try await workspace.check(name) }
            // One fault is told once.
            tell(missing[row.finding].map { PlatformCheck(subject, .notAsked, "until there is the \($0)") } ?? row)
        }
        for name in Set(jobs.map { workspace.project.platform(of: $0) }).sorted() {
            for row in await platformRows(name, jobs) { tell(row) }
        }
        guard let job else { return rows }
        if let row = await order(job) { tell(row) }
        tell(await lastRun(job))
        return rows
    }

    // MARK: Rows

    private func row(_ subject: String, _ look: @escaping @Sendable () async throws -> String) async -> PlatformCheck {
        let limit = limit
        do {
            let finding = try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask { try await look() }
                group.addTask {
                    try? await Task.sleep(for: limit)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            if let finding { return PlatformCheck(subject, .passed, finding) }
            return PlatformCheck(
                subject, .failed, "no answer within \(Quantities.describe(limit))",
                remedy: "check host, port and network, or wait longer with --timeout")
        } catch let error as SluiceError {
            return PlatformCheck(subject, error)
        } catch {
            return PlatformCheck(subject, .failed, "\(error)")
        }
    }

    private func signIn() async -> PlatformCheck {
        let subject = "sign-in"
        let client: AzureClient
        do throws(SluiceError) { client = try workspace.azure.client() } catch { return PlatformCheck(subject, error) }
        let found = await client.identity.explain(client.settings.cloud.managementScope)
        guard let source = found.attempts.first(where: { $0.detail != nil }), let token = found.token else {
            let ways = found.attempts.map { "\($0.kind.shown): \($0.absence ?? $0.error?.message ?? "")" }
            return PlatformCheck(
                subject, .failed, "nobody is signed in to Azure; \(ways.joined(separator: "; "))",
                remedy: found.error?.hint ?? "az login")
        }
        return PlatformCheck(
            subject, .passed, "\(token.claims?.shown ?? "an identity"), from \(source.kind.shown)")
    }

    private func looking(for secret: SecretReference) -> @Sendable () async throws -> String {
        { [workspace] in
            let value = try await workspace.secrets.value(of: secret)
            if value.isEmpty {
                throw SluiceError(.invalidConfiguration, "the secret is empty", hint: "give it a value")
            }
            return "is there, \(value.count) characters"
        }
    }

    private func platformRows(_ name: String, _ jobs: [Project.Job]) async -> [PlatformCheck] {
        let subject = "platform \(name)"
        do throws(SluiceError) {
            let platform = try workspace.platform(name)
            var rows: [PlatformCheck] = []
            let own = jobs.filter { workspace.project.platform(of: $0) == name }
            let deployments = try own.map { job throws(SluiceError) in try workspace.deployment(of: job.name) }
            for deployment in platform.abilities.deploys ? deployments.map(Optional.some) : [nil] {
                let prefix = deployment.map { "\(subject), \($0.job)" } ?? subject
                for row in await platform.check(deployment) {
                    var row = row
                    row.subject = "\(prefix): \(row.subject)"
                    // What holds for all jobs is told once.
                    if !rows.contains(where: { $0.isSame(as: row) }) { rows.append(row) }
                }
            }
            return rows
        } catch {
            return [PlatformCheck(subject, error)]
        }
    }

    private func order(_ job: String) async -> PlatformCheck? {
        let subject = "jobs before it"
        do throws(SluiceError) {
            let earlier = try workspace.job(job).settings.texts("after") ?? []
            if earlier.isEmpty { return nil }
            if let obstacle = try await workspace.obstacle(to: job) { return PlatformCheck(subject, obstacle) }
            return PlatformCheck(subject, .passed, "\(earlier.joined(separator: ", ")) succeeded")
        } catch {
            return PlatformCheck(subject, error)
        }
    }

    private func lastRun(_ job: String) async -> PlatformCheck {
        do throws(SluiceError) {
            let history = try await workspace.history()
            let run: RunRecord?
            do throws(SluiceError) { run = try await history.latest(of: job) } catch {
                await history.close()
                throw error
            }
            await history.close()
            var status: PlatformStatus?
            var log = ""
            if let run, workspace.platformNames.contains(run.platform) {
                let platform = try workspace.platform(run.platform)
                if let handle = try await platform.find(run.id) {
                    status = try await platform.status(handle)
                    if status?.state == .failed { log = await tail(of: handle, on: platform) }
                }
            }
            return RunDiagnosis(run: run, status: status, log: log).row(job)
        } catch {
            return PlatformCheck("last run", error)
        }
    }

    /// The last of what a run wrote; what cannot be read says nothing.
    private func tail(of handle: RunHandle, on platform: any Platform) async -> String {
        var bytes: [UInt8] = []
        var position = 0
        while position < 8 << 20, let page = try? await platform.log(handle, from: position), !page.bytes.isEmpty {
            bytes = (bytes + page.bytes).suffix(16 << 10)
            position = page.next
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: What jobs stand on

    private func mayUseAzure(_ jobs: [Project.Job]) async -> Bool {
        let project = workspace.project
        if jobs.contains(where: { project.platforms[project.platform(of: $0)]?.text("type") ?? "local" != "local" }) {
            return true
        }
        return (project.lake.literal ?? "").contains("://") && !jobs.isEmpty
    }

    /// The secrets that these jobs, their connections, the lake and the warehouse are written with.
    private func secrets(of jobs: [Project.Job]) -> [SecretReference] {
        var found: [SecretReference] = []
        func look(_ node: Node) {
            switch node.content {
            case .scalar(let scalar):
                for secret in scalar.secrets where !found.contains(secret) { found.append(secret) }
            case .sequence(let items): for item in items { look(item) }
            case .mapping(let entries): for entry in entries { look(entry.value) }
            }
        }
        for job in jobs { look(job.settings.node) }
        let names = reached(by: jobs)
        for name in names {
            switch name == "warehouse" ? workspace.project.warehouse : workspace.project.connections[name] {
            case .url(let scalar, _):
                for secret in scalar.secrets where !found.contains(secret) { found.append(secret) }
            case .settings(let section): look(section.node)
            case nil: break
            }
        }
        return found
    }

    /// The connections of these jobs in their order, and the lake and the warehouse where they are used.
    private func reached(by jobs: [Project.Job]) -> [String] {
        var names: [String] = []
        func add(_ name: String) { if !names.contains(name) { names.append(name) } }
        let shape = Shape.object(Vocabulary.standard.jobShape)
        for job in jobs {
            for reference in shape.references(in: job.settings.node) where reference.section == "connections" {
                add(reference.name)
            }
            switch job.kind {
            case IngestKeys.kind:
                if let source = job.settings.text("from"), workspace.project.connections[source] == nil { add(source) }
                add("lake")
                add("warehouse")
            case ReportKeys.kind: if job.settings.has("into") { add("warehouse") }
            case MapKeys.kind: add("lake")
            default: break
            }
        }
        if job == nil { for name in workspace.project.connections.keys.sorted() { add(name) } }
        return names
    }
}

extension PlatformCheck {
    /// Whether both say the same of the same, whichever job it was asked for.
    fileprivate func isSame(as other: PlatformCheck) -> Bool {
        func plain(_ subject: String) -> Substring {
            subject.lastIndex(of: ":").map { subject[subject.index(after: $0)...] } ?? subject[...]
        }
        return plain(subject) == plain(other.subject) && outcome == other.outcome && finding == other.finding
    }
}
