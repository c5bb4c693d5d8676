import CommandLine
import Glibc
import Sluice
import Storage
import Stores
import Support
import Tables

/// `sluice ingest`: rows from a source to the warehouse by flags alone, without a project.
struct IngestCommand: Command {
    let from = Parameter.optional(
        "from", .text.named("SOURCE"), help: "A connection of the project, a URL, or a path")
    let config = Parameter.optional(
        "config", .path, help: "A YAML or JSON file that describes the source's connection")
    let source = Parameter.optional(
        "source", .text.named("NAME"),
        help: "What the source is called in the lake; its environment variables begin with it")
    let table = Parameter.optional(
        "table", .text, help: "The table to read; with a query or files, the table to fill")
    let query = Parameter.optional("query", .text.named("SQL"), help: "A query to read")
    let files = Parameter.repeated("files", .text.named("PATTERN"), help: "Files to read, as patterns")
    let parameters = Parameter.repeated(
        "param", .assignment, help: "A value for a :NAME in the query")
    let into = Parameter.optional("into", .text.named("TABLE"), help: "The table to fill")
    let schema = Parameter.optional("schema", .text, help: "The schema of the table to fill")
    let warehouse = Parameter.optional(
        "warehouse", .text.named("URL"), help: "The database to fill; the project's, or sqlite:./warehouse.db")
    let lake = Parameter.optional("lake", .text.named("FOLDER"), help: "The lake; the project's, or ./lake")
    let pipeline = Parameter.option(
        "pipeline", .text.named("NAME"), default: "default", help: "The pipeline's name in the audit log")
    let mode = Parameter.optional(
        "mode", .text.named("append|replace|merge"), help: "How rows go in; append when not given")
    let key = Parameter.repeated("key", .text.named("COLUMN"), separator: ",", help: "Columns that tell rows apart")
    let cursor = Parameter.optional("cursor", .text.named("COLUMN"), help: "The column that grows with every change")
    let tieBreaker = Parameter.repeated(
        "tie-breaker", .text.named("COLUMN"), separator: ",", help: "Columns that tell rows with one cursor apart")
    let late = Parameter.optional("late", .text.named("WINDOW"), help: "How far behind rows may still come: 2h, 1000")
    let columns = Parameter.repeated("columns", .text.named("COLUMN"), separator: ",", help: "The columns to read")
    let condition = Parameter.optional("where", .text.named("SQL"), help: "A condition that rows have to meet")
    let contract = Parameter.optional(
        "contract", .text.named("MODE"), help: "evolve, freeze, discard-columns or discard-rows")
    let maxRejects = Parameter.optional(
        "max-rejects", .text.named("LIMIT"), help: "How many rejected rows make the run fail: 100, 1%")
    let limit = Parameter.optional("limit", .integer(1...), help: "Read at most so many rows, as a trial")
    let project = ProjectParameters()
    let incremental = IncrementalParameters()

    var model: CommandModel {
        CommandModel(
            "ingest", "Bring rows from a source into the warehouse, without a project",
            [
                ParameterGroup("Source", [from, config, source, table, query, parameters, files, columns, condition]),
                ParameterGroup("Target", [into, schema, warehouse, lake, pipeline, mode, key, contract, maxRejects]),
                ParameterGroup("What is new", [cursor, tieBreaker, late]), incremental.group, project.group,
                .options(limit),
            ],
            discussion: """
                The same as a job of a project, by flags. Where there is a project, its connections, lake and warehouse \
                are there to be used.
                """,
            examples: [
                .init("sluice ingest --from orders.csv --into orders", "a file"),
                .init("sluice ingest --from shop.db --table orders", "a table of a SQLite file"),
                .init("sluice ingest --from orders-db --query 'SELECT …' --into recent", "a query"),
                .init("sluice ingest --from ./inbox --files '*.csv' --into sales", "new files of a folder"),
                .init("sluice ingest --from orders-db --table orders --cursor at", "what is new"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let workspace = try context.workspaceIfAny(project, arguments)
        var options = try incremental.options(arguments)
        options.limit = arguments[limit]
        let settings: ConnectionSettings
        let name: String
        switch (arguments[from], arguments[config]) {
        case (let text?, nil):
            settings = try await workspace.connection(text)
            name = arguments[source] ?? (workspace.project.connections[text] == nil ? settings.protocolName : text)
        case (nil, let file):
            guard file != nil || arguments[source] != nil else {
                throw SluiceError(.usage, "the source is missing", hint: "Name it with --from or --config.")
            }
            name = arguments[source] ?? "source"
            settings = try workspace.connection(
                name: name, configFile: file.map { context.resolve($0) })
        default: throw SluiceError(.usage, "--from and --config both name a source", hint: "Give one of them.")
        }
        let section = try job(arguments, files: meantFiles(settings, arguments))
        let job = try IngestJob(
            section, name: section.text("into") ?? "table", project: arguments[pipeline], source: name)
        var record = RunRecord(
            id: RunID.make(), project: arguments[pipeline], job: "\(job.table)", kind: IngestKeys.kind,
            startedAt: Moment.now.microseconds)
        record.environment = workspace.project.environment
        record.package = WatchedRun.package
        let connector = try workspace.registry.makeConnector(settings)
        let database = try await arguments[warehouse].asyncMap { try await workspace.warehouse(at: $0) }
        let target: any Warehouse
        if let database { target = database } else { target = try await workspace.warehouse() }
        let lake: any ObjectStore =
            try arguments[lake].map { path in
                StoreURL.isURL(path) ? try workspace.lake(path) : try context.store(at: path)
            } ?? workspace.lake()
        let outcome = await WatchedRun(context).watched(record.job) { observer in
            await JobRun(
                record: record, job: job, connector: connector, warehouse: target, lake: lake,
                stateFolder: workspace.stateFolder, options: options, observer: observer
            ).perform()
        }
        if context.options.isJSON { context.answer(outcome.json) }
        if let error = outcome.error { return try WatchedRun(context).report(error) }
        return ExitCode(outcome)
    }

    /// The files that are read: a path that is one, or a pattern, needs no `--files` beside it.
    private func meantFiles(_ settings: ConnectionSettings, _ arguments: Arguments) -> [String] {
        let given = arguments[files]
        guard given.isEmpty, arguments[table] == nil, arguments[query] == nil, settings.protocolName == "file",
            let path = settings.path("path")
        else { return given }
        if settings.stores.isURL(path) {
            // Without what stands behind "?", and decoded.
            guard case .stored(_, let path)? = try? settings.stores.place(of: path) else { return [] }
            let plain = path.prefix { !"*?[{".contains($0) }
            let name = String(path.dropFirst(plain.lastIndex(of: "/").map { path[...$0].count } ?? 0))
            if Glob.isPattern(path) { return [name] }
            return FileFormat(fileName: FileCompression.split(name).name) == nil ? [] : [Glob.literal(name)]
        }
        let isThere = access(path, F_OK) == 0
        let plain = isThere ? path[...] : path.prefix { !"*?[{".contains($0) }
        let folder = plain.lastIndex(of: "/").map { path[...$0] } ?? ""
        let name = String(path.dropFirst(folder.count))
        var status = stat()
        if isThere { return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? [Glob.literal(name)] : [] }
        return Glob.isPattern(path) ? [name] : []
    }

    /// The flags as the job of a project that they stand for, checked like one.
    private func job(_ arguments: Arguments, files: [String]) throws(SluiceError) -> Section {
        var entries: [(String, Node.Content)] = []
        func text(_ key: String, _ value: String?) { if let value { entries.append((key, .scalar(Scalar(value)))) } }
        func list(_ key: String, _ values: [String]) {
            if values.isEmpty { return }
            entries.append((key, .sequence(values.map { Node(.scalar(Scalar($0)), at: IngestCommand.mark(key)) })))
        }
        text("from", arguments[from] ?? "")
        let readsOther = arguments[query] != nil || !files.isEmpty
        var target = arguments[into]
        if readsOther {
            if let table = arguments[table] {
                if target != nil {
                    throw SluiceError(
                        .usage, "--table, beside a query or files, and --into both name the table to fill",
                        hint: "Give one of them.")
                }
                target = table
            }
        } else {
            text("table", arguments[table])
            if target == nil, let table = arguments[table] { target = TableName(parsing: table)?.name }
        }
        guard readsOther || arguments[table] != nil else {
            throw SluiceError(
                .usage, "what to read is missing", hint: "Name it with --table, --query or --files '*.csv'.")
        }
        guard let target else {
            throw SluiceError(.usage, "the table to fill is missing", hint: "Name it with --into TABLE.")
        }
        text("into", arguments[schema].map { "\"\($0)\".\"\(TableName(parsing: target)?.name ?? target)\"" } ?? target)
        text("query", arguments[query])
        list("files", files)
        if !arguments[parameters].isEmpty {
            entries.append(
                (
                    "parameters",
                    .mapping(
                        arguments[parameters].map {
                            Node.Entry(
                                key: $0.name, keyMark: IngestCommand.mark("param"),
                                value: Node(.scalar(Scalar($0.value, isPlain: false)), at: IngestCommand.mark("param")))
                        })
                ))
        }
        text("mode", arguments[mode])
        list("key", arguments[key])
        text("cursor", arguments[cursor])
        list("tie_breaker", arguments[tieBreaker])
        text("late", arguments[late])
        list("columns", arguments[columns])
        text("where", arguments[condition])
        text("contract", arguments[contract])
        text("max_rejects", arguments[maxRejects])
        let node = Node(
            .mapping(
                entries.map { key, content in
                    let mark = IngestCommand.mark(key)
                    return Node.Entry(key: key, keyMark: mark, value: Node(content, at: mark))
                }), at: IngestCommand.mark("from"))
        var problems = Shape.object(ObjectShape("ingest", keys: IngestKeys.keys)).check(node)
        if problems.isEmpty { problems = IngestKeys.check(Section(node, path: "ingest")) }
        if let first = problems.first {
            throw SluiceError(
                .usage, problems.map(\.message).joined(separator: "; "), hint: first.hint)
        }
        return Section(node)
    }

    /// Flags have no place in a file.
    private static func mark(_ flag: String) -> Diagnostic.Mark { .init(file: "--\(flag)", line: 1, column: 1) }
}

extension Optional {
    /// The value that `transform` makes of this one, if there is one.
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async throws -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
