import Connectors
public import Ingest
public import Init
import Runs
import Settings
public import Support
import Warehouse

extension Workspace {
    /// What the init job called `name` does.
    public func setup(_ name: String) throws(SluiceError) -> InitJob {
        let declared = try job(name)
        guard declared.kind == InitKeys.kind else {
            throw SluiceError(.invalidConfiguration, "job \"\(name)\" is of kind \(declared.kind), not init")
        }
        return try InitJob(declared.settings, name: name, project: project.name)
    }

    /// What each step of the init job called `name` would do. Nothing is changed.
    public func planSetup(_ name: String, options: IngestOptions = .init()) async throws(SluiceError) -> InitResult {
        try refuse(options)
        return try await InitRun("plan", of: try setup(name), sites: sites).plan()
    }

    /// Refuses what only means something to jobs that read rows.
    func refuse(_ options: IngestOptions) throws(SluiceError) {
        guard options.fullRefresh || options.backfill != nil || options.limit != nil || options.resumes else { return }
        throw SluiceError(
            .usage, "the steps of an init job are looked at each time, and done where they are not",
            hint: "run it without --full-refresh, --backfill, --limit and --resume")
    }

    /// What the steps of init jobs reach for.
    var sites: InitSites {
        InitSites(
            settings: { [self] name throws(SluiceError) in
                guard let name else { return try await warehouseSettings() }
                return try await connection(name)
            },
            warehouse: { [self] name throws(SluiceError) in
                guard let name else { return try await warehouse() }
                return try await registry.makeWarehouse(try await connection(name))
            },
            secrets: secrets, seeder: WorkspaceSeeder(workspace: self),
            folder: project.folder.isEmpty ? "." : project.folder, stateFolder: stateFolder,
            environment: environmentVariables)
    }
}

/// Seeds as what they are: loads of files, by key, that know what they have loaded.
struct WorkspaceSeeder: Seeder {
    let workspace: Workspace

    func look(_ seed: Seed) async throws(SluiceError) -> SeedState {
        let run = try await run(seed, .init(), "plan")
        let plan: IngestPlan
        do {
            plan = try await run.plan()
        } catch {
            throw WorkspaceSeeder.error(error)
        }
        var changes = plan.changes.map {
            $0.isCreation ? "make the table \(seed.step.table)" : "change the table \(seed.step.table)"
        }
        if plan.units.isEmpty, plan.knownUnits > 0, try await isEmpty(seed) {
            changes = ["fill \(seed.step.table) again, which is not there or empty"]
        }
        return SeedState(
            files: plan.units.map(\.name), known: plan.knownUnits,
            changes: changes.reduce(into: []) { if !$0.contains($1) { $0.append($1) } })
    }

    func load(_ seed: Seed, monitor: RunMonitor) async throws(SluiceError) -> String {
        var options = IngestOptions()
        // What is known of the files is about a table that is gone; with none of its rows left, nothing is lost by it.
        let state = try await look(seed)
        options.fullRefresh = state.files.isEmpty && !state.changes.isEmpty
        let run = try await run(seed, options, "\(seed.run)-\(WorkspaceSeeder.mark(seed.pipeline))", monitor)
        let result: IngestResult
        do {
            result = try await run.perform { _ in }
        } catch {
            throw WorkspaceSeeder.error(error)
        }
        let rows = result.load
        let inserted = rows.inserted == 1 ? "1 row" : "\(rows.inserted) rows"
        return "\(inserted) inserted, \(rows.updated) updated in \(seed.step.table)"
    }

    private static func error(_ error: any Error) -> SluiceError {
        error as? SluiceError ?? SluiceError(.cancelled, "\(error)")
    }

    /// Tells the loads of one run apart.
    private static func mark(_ text: String) -> String {
        var hash: UInt32 = 0x811c_9dc5
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private func run(
        _ seed: Seed, _ options: IngestOptions, _ id: String, _ monitor: RunMonitor = .init()
    ) async throws(SluiceError) -> IngestRun {
        let settings: ConnectionSettings
        switch seed.step.source {
        case let source?:
            if let text = source.literal {
                settings = try await workspace.connection(text)
            } else {
                settings = try await workspace.settings(url: source)
            }
        case nil: settings = try await workspace.connection("./")
        }
        var job = try IngestJob(
            seed.step.section, name: "seed", project: workspace.project.name, source: settings.protocolName)
        job.pipeline = seed.pipeline
        job.mode = .merge
        // What was written by hand is right as a whole, or mended.
        job.rejectLimit = .rows(0)
        job.timeout = nil
        let sites = workspace.sites
        return IngestRun(
            id, of: job, from: try workspace.registry.makeConnector(settings), through: try workspace.lake(),
            into: try await sites.warehouse(seed.database), options: options, monitor: monitor)
    }

    /// Whether the table has no rows, or is not there.
    private func isEmpty(_ seed: Seed) async throws(SluiceError) -> Bool {
        guard let table = TableName(parsing: seed.step.table) else { return false }
        let warehouse = try await workspace.sites.warehouse(seed.database)
        let session = try await warehouse.connect(as: "sluice \(seed.pipeline)")
        let parts = [table.schema, table.name].compactMap { $0 }.map { "\"\($0.replacing("\"", with: "\"\""))\"" }
        let answer: Result<Bool, SluiceError>
        do throws(SluiceError) {
            let rows = try await session.query(
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM \(parts.joined(separator: "."))) THEN 'rows' ELSE 'none' END AS found",
                limit: 1)
            answer = .success(rows.rowCount == 0 || rows.columns[0].text(at: 0) == "none")
        } catch {
            // No table: every database has its own words, and the load says more of what is wrong than a look.
            answer =
                error.code == .notFound || error.message.contains("no such table") ? .success(true) : .failure(error)
        }
        await session.close()
        return try answer.get()
    }
}

extension TableChange {
    fileprivate var isCreation: Bool { self == .create }
}
