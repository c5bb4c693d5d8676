import Connectors
public import Map
import ODBC
import Runs
import Settings
import Storage
public import Support
import Warehouse

extension Workspace {
    /// What the map job called `name` does.
    public func map(_ name: String) throws(SluiceError) -> MapJob {
        let declared = try job(name)
        guard declared.kind == MapKeys.kind else {
            throw SluiceError(.invalidConfiguration, "job \"\(name)\" is of kind \(declared.kind), not map")
        }
        var job = try MapJob(declared.settings, name: name, project: project.name)
        synapse.complete(&job)
        // The usual folder is none that Synapse could read.
        if job.dialect == .synapse, job.lake == nil, job.location == nil, project.lake.literal == "./lake" {
            job.lake = synapse.lake
        }
        return job
    }

    /// What the environment says of Synapse, for jobs that say nothing themselves.
    private var synapse: SynapseEnvironment { SynapseEnvironment(context.environment) }

    /// What a run of the map job called `name` would do. Nothing is changed, save that what footers say is remembered.
    public func planMap(_ name: String, options: MapOptions = .init()) async throws(SluiceError) -> MapResult {
        return try await plan(try map(name), options: options)
    }

    /// What a run of a mapping would do, of the project or not.
    public func plan(_ job: MapJob, options: MapOptions = .init()) async throws(SluiceError) -> MapResult {
        var options = options
        options.plansOnly = true
        return try await mapRun("plan", job, options, .init(), try await warehouse(of: job)).perform()
    }

    /// The database that tables are copied into, where they are.
    private func warehouse(of job: MapJob) async throws(SluiceError) -> (any Warehouse)? {
        job.dialect.isScript ? nil : try await warehouse()
    }

    /// Runs a mapping, of the project or not, and keeps what is to be told of it in the history and in a log. Does not
    /// throw: whatever happens is in the outcome.
    public func run(
        _ job: MapJob, options: MapOptions = .init(), package: String = "", observer: JobObserver = .init()
    ) async -> JobOutcome {
        var record = RunRecord(
            id: RunID.make(), project: project.name, job: job.name, kind: MapKeys.kind,
            startedAt: Moment.now.microseconds)
        record.environment = project.environment
        record.parameters = options.json.text()
        record.package = package
        do throws(SluiceError) {
            return try await run(job, options: options, record: record, observer: observer)
        } catch {
            record.state = .failed
            record.error = "\(error)"
            return JobOutcome(record: record, error: error)
        }
    }

    func run(
        _ job: MapJob, options: MapOptions, record: RunRecord, observer: JobObserver, retry: RetryRule = .never
    ) async throws(SluiceError) -> JobOutcome {
        // What is wrong with the lake's name is told before a run begins.
        _ = try lake(of: job)
        if job.dialect.isScript, job.out == nil, !job.isConnected, !options.plansOnly {
            throw SluiceError(
                .invalidConfiguration,
                "for \(job.dialect.rawValue) the job has neither a file for a script nor a connection to a server",
                hint: job.dialect == .synapse
                    ? "write out: names.sql, or connection: NAME, or set SYNAPSE_SERVER" : "write out: names.sql")
        }
        let warehouse = try await warehouse(of: job)
        return await JobRun(record: record, stateFolder: stateFolder, observer: observer) {
            [self, id = record.id] monitor throws(SluiceError) in
            try mapRun(id, job, options, monitor, warehouse)
        }.retrying(retry).perform()
    }

    /// The run `id` of `job`.
    private func mapRun(
        _ id: String, _ job: MapJob, _ options: MapOptions, _ monitor: RunMonitor, _ warehouse: (any Warehouse)?
    ) throws(SluiceError) -> MapRun {
        var connect: (@Sendable (String?) async throws(SluiceError) -> ODBCConnection)?
        if job.isConnected, job.out == nil {
            connect = { (database: String?) async throws(SluiceError) -> ODBCConnection in
                try await session(of: job, with: database)
            }
        }
        return MapRun(
            id, of: job, over: try lake(of: job), memory: "\(stateFolder)/map.db", warehouse: warehouse,
            connect: connect,
            masterKey: synapse.masterKey, options: options, monitor: monitor,
            create: { path throws(SluiceError) in try await place(path).create() },
            remove: { path throws(SluiceError) in
                let (store, path) = try place(path).folder
                try await store.remove(path)
            },
            open: { path throws(SluiceError) in try lake(path) })
    }

    /// A session with the server of a job.
    private func session(of job: MapJob, with database: String?) async throws(SluiceError) -> ODBCConnection {
        let settings: ConnectionSettings
        if let name = job.connection {
            settings = try await connection(name)
        } else {
            guard let server = synapse.server else {
                throw SluiceError(.invalidConfiguration, "no server is named", hint: "set SYNAPSE_SERVER")
            }
            settings = try await registry.settings(
                url: Scalar("mssql://\(server.host)"), in: context,
                arguments: ["port": server.port, "username": server.username, "password": server.password])
        }
        return try await settings.openTransact(database: database) { host in
            job.dialect == .synapse ? SynapseEnvironment.serverless(host) : host
        }
    }

    private func lake(of job: MapJob) throws(SluiceError) -> any ObjectStore {
        if let path = job.lake { return try lake(path) }
        return try lake()
    }

    /// Where a file lies that a job names: from the project's folder on, or in a store.
    private func place(_ text: String) throws(SluiceError) -> FilePlace {
        let place = try stores.place(of: text)
        guard case .local(let path) = place, path != "-", !path.hasPrefix("/"), !project.folder.isEmpty,
            project.folder != "."
        else {
            return place
        }
        return .local("\(project.folder)/\(path)")
    }
}

extension FilePlace {
    /// The store that it lies in, and its path there.
    fileprivate var folder: (store: any ObjectStore, path: String) {
        switch self {
        case .stored(let store, let path): (store, path)
        case .local(let path):
            if let slash = path.lastIndex(of: "/") {
                (FolderStore(String(path[..<slash])), String(path[path.index(after: slash)...]))
            } else {
                (FolderStore("."), path)
            }
        }
    }
}
