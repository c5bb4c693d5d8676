import Glibc
import LakeTables
public import ODBC
public import Runs
public import Storage
public import Support
public import Warehouse

/// One run of a mapping: the lake is looked at, the plan is made, and what it says is done.
///
/// A script is written first, and then the memory learns of it. A run that dies leaves a script that the next run writes
/// just so.
public struct MapRun: Sendable {
    let id: String
    let job: MapJob
    let lake: any ObjectStore
    let memoryPath: String
    let options: MapOptions
    let monitor: RunMonitor
    let warehouse: (any Warehouse)?
    /// Opens the database in which names are made by statements; nil where a script makes them. Nil of one that is not
    /// there, and is not made by whom only asks.
    var target: (@Sendable (TransactDialect, _ creates: Bool) async throws(SluiceError) -> (any MapTarget)?)?
    let create: @Sendable (String) async throws(SluiceError) -> any ByteSink
    let remove: @Sendable (String) async throws(SluiceError) -> Void
    let open: @Sendable (String) throws(SluiceError) -> any ObjectStore

    /// The run `id` of `job`.
    ///
    /// - parameter memory: The file in which is kept what earlier runs have seen and made.
    /// - parameter warehouse: The database for copies.
    /// - parameter connect: Opens a session with a database of the T-SQL server in which names are made; nil where a script
    ///   makes them.
    /// - parameter masterKey: The password for a master key, where one has to be made.
    /// - parameter create: Begins the file of a script or report, by the name that the job has for it.
    /// - parameter remove: Removes such a file; no error when it is not there.
    /// - parameter open: Opens another lake, by the name that a lookup has for it.
    public init(
        _ id: String, of job: MapJob, over lake: any ObjectStore, memory: String, warehouse: (any Warehouse)? = nil,
        connect: (@Sendable (String?) async throws(SluiceError) -> ODBCConnection)? = nil, masterKey: String? = nil,
        options: MapOptions = .init(), monitor: RunMonitor = .init(),
        create: @escaping @Sendable (String) async throws(SluiceError) -> any ByteSink,
        remove: @escaping @Sendable (String) async throws(SluiceError) -> Void,
        open: @escaping @Sendable (String) throws(SluiceError) -> any ObjectStore
    ) {
        self.id = id
        self.job = job
        self.lake = lake
        memoryPath = memory
        self.warehouse = warehouse
        if let connect {
            let server = TransactServer(open: connect, database: job.database, masterKey: masterKey)
            target = { dialect, creates async throws(SluiceError) in
                try await server.target(dialect, creates: creates)
            }
        }
        self.options = options
        self.monitor = monitor
        self.create = create
        self.remove = remove
        self.open = open
    }

    /// Does it.
    ///
    /// - throws: `SluiceError` when the lake cannot be listed, nothing in it can be read, or the script cannot be written.
    ///   What is wrong with single files and tables is in the result.
    @concurrent public func perform() async throws(SluiceError) -> MapResult {
        let memory = try await LakeMemory.open(memoryPath)
        let result: Result<MapResult, SluiceError>
        do throws(SluiceError) {
            result = .success(try await perform(memory))
        } catch {
            result = .failure(error)
        }
        await memory.close()
        return try result.get()
    }

    private func perform(_ memory: LakeMemory) async throws(SluiceError) -> MapResult {
        monitor.enter("reading footers")
        var catalogue = try await scan().run(memory) { [monitor] in monitor.countBytes($0) }
        monitor.enter("planning")
        var result = MapResult(run: id, lake: lake.name, dialect: job.dialect)
        result.files = catalogue.files
        result.bytes = catalogue.bytes
        result.footersRead = catalogue.footersRead
        result.bytesRead = catalogue.bytesRead
        result.unreadable = catalogue.unreadable
        result.notes = catalogue.notes
        if catalogue.files == 0, catalogue.others > 0 {
            result.problems.append(
                "none of the lake's files fits a table, and it has \(catalogue.others): "
                    + "see layout, where, include and exclude")
        }

        let lookups = try await lookupTables(&catalogue, &result)
        if !job.dialect.isScript {
            try await mirror(catalogue, lookups, &result)
            if !options.plansOnly { try await writeErrors(&result) }
            try await removeOldLookups(catalogue, &result)
            return result
        }
        let dialect = makeDialect()
        if let target, let transact = dialect as? TransactDialect {
            monitor.enter("asking the database")
            let database = try await target(transact, !options.plansOnly)
            let outcome: Result<Void, SluiceError>
            do throws(SluiceError) {
                outcome = .success(try await apply(catalogue, lookups, transact, to: database, &result))
            } catch {
                outcome = .failure(error)
            }
            await database?.close()
            try outcome.get()
        } else {
            try await script(catalogue, lookups, dialect, memory, &result)
        }
        try await removeOldLookups(catalogue, &result)
        return result
    }

    /// Writes the script, or finds out what it would be.
    private func script(
        _ catalogue: LakeCatalogue, _ lookups: [LakeTable], _ dialect: any Dialect, _ memory: LakeMemory,
        _ result: inout MapResult
    ) async throws(SluiceError) {
        let scope = "\(job.pipeline) \(job.dialect.rawValue) \(job.out.map(absolute) ?? "")"
        let inventory = MapInventory(
            owned: try await memory.made(in: scope).map {
                .init(
                    name: $0.name, kind: dialect.kind(of: $0.definition), source: $0.source,
                    definition: $0.definition, isRetired: $0.isRetired)
            })
        result.plan = try plan(catalogue, lookups, dialect, inventory, &result)
        if !options.plansOnly { try await write(&result, dialect, memory, scope) }
    }

    /// What has to be done so that there is a name for each table.
    func plan(
        _ catalogue: LakeCatalogue, _ lookups: [LakeTable], _ dialect: any Dialect, _ inventory: MapInventory,
        _ result: inout MapResult
    ) throws(SluiceError) -> MapPlan {
        let wanted = objects(of: catalogue, lookups, by: dialect, inventory, &result)
        if wanted.isEmpty, catalogue.files == 0, inventory.owned.contains(where: { !$0.isRetired }), !options.full {
            throw SluiceError(
                .conflict, "the lake has no Parquet files any more, and every name in it would be removed",
                place: .init(file: lake.name), hint: "if that is right, say so: --full")
        }
        return Planner(dialect: dialect).plan(wanted, inventory, keeping: catalogue.damaged)
    }

    private func scan() throws(SluiceError) -> LakeScan {
        var restrictions: [String: PathPattern] = [:]
        for (name, pattern) in job.restrictions { restrictions[name] = try PathPattern(pattern) }
        var include: [PathPattern] = []
        for pattern in job.include { include.append(try PathPattern(pattern)) }
        var exclude: [PathPattern] = []
        for pattern in job.exclude { exclude.append(try PathPattern(pattern)) }
        return LakeScan(
            lake, layout: job.layout, include: include, exclude: exclude, restrictions: restrictions,
            parallel: job.parallel, rescans: options.full,
            own: job.lookups.map { LookupFiles.home($0.folder, of: job.pipeline) })
    }

    // MARK: - Plan

    func makeDialect() -> any Dialect {
        let mark = "sluice map \(job.pipeline)"
        let paths = TablePaths(root: root)
        switch job.dialect {
        case .duckdb: return DuckDBDialect(paths: paths, schema: job.schema ?? "lake", mark: mark)
        case .spark: return SparkDialect(paths: paths, schema: job.schema ?? "lake", mark: mark)
        case .databricks:
            return SparkDialect(paths: paths, schema: job.schema ?? "lake", mark: mark, isDatabricks: true)
        case .synapse:
            return TransactDialect(
                engine: .synapse, paths: TablePaths(root: MapRun.webAddress(of: root)), schema: job.schema ?? "dbo",
                mark: mark, makesTables: job.makesTables, database: job.database, source: job.source,
                isApplied: target != nil, textLength: job.textLength)
        case .fabric:
            return TransactDialect(
                engine: .fabric, paths: TablePaths(root: MapRun.webAddress(of: root)), schema: job.schema ?? "dbo",
                mark: mark, isApplied: target != nil, textLength: job.textLength)
        case .postgres: return MirrorDialect(name: "PostgreSQL", distinguishesCase: true, longestName: 63)
        case .sqlite: return MirrorDialect(name: "SQLite", distinguishesCase: false, longestName: 200)
        }
    }

    /// Where the engine finds the lake, without a slash at its end.
    private var root: String {
        var root = job.location ?? (lake is FolderStore ? absolute(lake.name) : lake.name)
        while root.count > 1, root.hasSuffix("/") { root.removeLast() }
        return root
    }

    /// `https://account.dfs.core.windows.net/container/path` of `abfss://container@account.dfs.core.windows.net/path`,
    /// which is how T-SQL calls it; anything else as it is.
    static func webAddress(of root: String) -> String {
        guard let scheme = root.firstRange(of: "://"), ["abfss", "abfs"].contains(root[..<scheme.lowerBound]) else {
            return root
        }
        let rest = root[scheme.upperBound...]
        guard let at = rest.firstIndex(of: "@") else { return root }
        let host = rest[rest.index(after: at)...]
        let slash = host.firstIndex(of: "/") ?? host.endIndex
        return "https://\(host[..<slash])/\(rest[..<at])\(host[slash...])"
    }

    /// A path from the root folder on.
    private func absolute(_ path: String) -> String {
        if path.hasPrefix("/") || path.contains("://") { return path }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard let folder = getcwd(&buffer, buffer.count).map({ String(cString: $0) }) else { return path }
        var rest = path[...]
        while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
        if rest.isEmpty || rest == "." { return folder }
        return folder == "/" ? "/" + rest : "\(folder)/\(rest)"
    }

    private func objects(
        of catalogue: LakeCatalogue, _ lookups: [LakeTable], by dialect: any Dialect, _ inventory: MapInventory,
        _ result: inout MapResult
    ) -> [MapObject] {
        let held = Dictionary(inventory.owned.filter { !$0.isRetired }.map { ($0.source, $0.name) }) { first, _ in first
        }
        let (named, problems) = names(catalogue.tables, lookups, by: dialect, held: held)
        result.problems += problems
        var objects: [MapObject] = []
        for item in named {
            for conflict in item.table.conflicts {
                result.problems.append("\(Display.safe(item.name)): \(conflict)")
            }
            switch dialect.object(item.name, for: item.table, in: catalogue) {
            case .success(let object):
                result.problems += object.notes.map { "\(Display.safe(item.name)): \($0)" }
                result.tables.append(
                    .init(
                        name: item.name, source: item.table.id, files: item.table.files.count, rows: item.table.rows,
                        bytes: item.table.bytes))
                objects.append(object)
            case .failure(let failure):
                result.unmapped += 1
                result.problems.append("\(Display.safe(item.name)) has no name: \(failure.reason)")
            }
        }
        return objects
    }

    /// Names for the tables of the lake and those of lookups, which go first: their names are somebody's own words.
    func names(
        _ tables: [LakeTable], _ lookups: [LakeTable], by dialect: any Dialect, held: [String: String]
    ) -> (named: [Naming.Named], problems: [String]) {
        let first = Naming(template: nil, dialect: dialect).names(lookups, held: held, reserved: [])
        let rest = Naming(template: job.template, dialect: dialect).names(
            tables, held: held, reserved: Set(first.named.map(\.name)))
        return (first.named + rest.named, first.problems + rest.problems)
    }

    // MARK: - What is written

    private func write(
        _ result: inout MapResult, _ dialect: any Dialect, _ memory: LakeMemory, _ scope: String
    ) async throws(SluiceError) {
        try await writeErrors(&result)
        guard let out = job.out else { return }
        try await write(MapScript(job: job, lake: lake.name, dialect: dialect).text(result.plan), to: out)
        result.script = out
        result.isApplied = true
        let kept = result.plan.changes.compactMap { change -> LakeMemory.Made? in
            if change.action == .blocked { return nil }
            return LakeMemory.Made(
                name: change.name, source: change.source, definition: change.object?.definition ?? "",
                isRetired: change.action == .drop)
        }
        let retired = result.plan.retired.map {
            LakeMemory.Made(name: $0, source: "", definition: "", isRetired: true)
        }
        try await memory.note(kept + retired, in: scope)
    }

    func writeErrors(_ result: inout MapResult) async throws(SluiceError) {
        guard let errors = job.errors else { return }
        if result.unreadable.isEmpty {
            try await remove(errors)
        } else {
            try await write(MapErrors.text(result.unreadable), to: errors)
            result.errors = errors
        }
    }

    private func write(_ text: String, to path: String) async throws(SluiceError) {
        let sink = try await create(path)
        do throws(SluiceError) {
            try await sink.write(Buffer(Array(text.utf8)))
            try await sink.finish()
        } catch {
            await sink.abandon()
            throw error
        }
    }
}

/// The file in which unreadable files are listed.
enum MapErrors {
    /// Its text.
    static func text(_ files: [UnreadableFile]) -> String {
        let now = Moment.now
        let lines = files.map { "- \(Display.safe($0.name))\n  \(Display.safe($0.reason))" }
        return """
            Script execution time: \(now.day) \(now.clock) UTC

            These files could not be read as Parquet, and are in no table:

            \(lines.joined(separator: "\n"))

            Typical causes:
            - the writer was stopped before it wrote the end of the file
            - the file was cut short or damaged on its way
            - the file is not Parquet, whatever its name says

            """
    }
}

/// The text of a script.
struct MapScript {
    let job: MapJob
    let lake: String
    let dialect: any Dialect

    /// The script that brings about what `plan` says.
    func text(_ plan: MapPlan) -> String {
        let head = """
            -- SQL names for \(SQLText.comment(lake)), made by Sluice: sluice map, job \(SQLText.comment(job.pipeline)).
            -- Written for \(dialect.name). May be run again at any time; run the mapping again when the lake has changed.


            """
        return head + dialect.script(plan).map { $0 + dialect.terminator + "\n" }.joined(separator: "\n")
    }
}
