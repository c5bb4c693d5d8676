import CommandLine
import Map
import Sluice
import Support

/// `sluice map`: SQL names for the tables of a Parquet lake.
struct MapCommand: Command {
    let lake = Parameter.optionalArgument(
        "LAKE", .text,
        help: "A folder or a store's URL, or a map job; the project's lake when not given")
    let plan = Parameter.flag("plan", help: "Show what would be done, and do nothing")
    let apply = Parameter.flag("apply", help: "Do it: write the script, make the names, or fill the tables")
    let full = Parameter.flag("full", help: "Read every footer again, and believe that an empty lake is empty")
    let dialect = Parameter.optional(
        "dialect", .choice(MapDialect.self, "DIALECT"), help: "What kind of engine is to know the names; duckdb")
    let out = Parameter.optional("out", .path, help: "Write the SQL script to this file; - is standard output")
    let errors = Parameter.optional("errors", .path, help: "List unreadable files in this file")
    let layout = Parameter.optional(
        "layout", .text,
        help: "How paths tell tables: automatic, hive, staged, or a pattern like {shop}/{table}/{yyyy}/*.parquet")
    let partitions = Parameter.repeated(
        "partition", .text.named("NAME"), separator: ",", help: "Names in the pattern that are columns; those of dates")
    let condition = Parameter.repeated(
        "where", .assignment, help: "What a part of the path has to look like: shop=eu-*")
    let include = Parameter.repeated("include", .text.named("PATTERN"), help: "Only files that fit")
    let exclude = Parameter.repeated("exclude", .text.named("PATTERN"), help: "No files that fit")
    let name = Parameter.optional(
        "name", .text.named("TEMPLATE"), help: "How tables are named: tbl_{shop}_{table}")
    let schema = Parameter.optional("schema", .text, help: "The schema that the names are in")
    let objects = Parameter.optional(
        "objects", .text.named("views|tables"), help: "For synapse: views, or external tables; views")
    let database = Parameter.optional("database", .text, help: "For synapse: the database to work in, made if missing")
    let connection = Parameter.optional(
        "connection", .connection, help: "For synapse and fabric: make the names on this server, a connection or URL")
    let location = Parameter.optional(
        "location", .text.named("URL"), help: "Where the engine finds the lake, if not where Sluice does")
    let project = ProjectParameters()

    var model: CommandModel {
        CommandModel(
            "map", "Give SQL names to the tables of a Parquet lake",
            [
                .arguments(lake), ParameterGroup("Work", [plan, apply, full, out, errors]),
                ParameterGroup("Tables", [layout, partitions, condition, include, exclude]),
                ParameterGroup("Names", [dialect, name, schema, objects, database, connection, location]),
                project.group,
            ],
            discussion: """
                The lake is listed once, and of its files only the footers are read: those of new and changed files, since \
                what earlier runs have seen is remembered. Files are grouped into tables by their paths; a table has the \
                columns of all of its files, and those of its partitions.

                Files that cannot be read are listed, and the others are mapped: exit code 3. What Sluice did not make \
                in a database is never touched.

                Without LAKE and without a project, the environment of synapse-map-tables.py is a job of its own: \
                STORAGE_ACCOUNT, CONTAINER_OUTPUT, SYNAPSE_SERVER and the others.
                """,
            examples: [
                .init("sluice map ./lake", "which tables there are, and what would be made of them"),
                .init("sluice map ./lake --out names.sql", "a script for DuckDB"),
                .init("sluice map ./lake --dialect spark --out names.sql", "a script for Spark"),
                .init("sluice map --layout '{shop}/{table}/{yyyy}/{mm}/*.parquet'", "tables by a pattern"),
                .init(
                    "sluice map az://lake1/raw --dialect synapse --connection syn --database lake",
                    "names on a server, by a connection of the project"),
                .init("sluice map names --plan", "what the job 'names' of the project would do"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let workspace = try context.workspaceIfAny(project, arguments)
        var options = MapOptions()
        options.full = arguments[full]
        let job = try job(arguments, workspace, in: context)
        options.plansOnly = arguments[plan] || (job.out == nil && !job.isConnected && !arguments[apply])
        if arguments[plan], arguments[apply] {
            throw SluiceError(.usage, "--plan and --apply cannot be meant at once")
        }
        if arguments[apply], job.dialect.isScript, job.out == nil, !job.isConnected {
            throw SluiceError(
                .usage, "for \(job.dialect.rawValue) there is no connection to apply it by",
                hint: "Name a file for the script with --out, and run that"
                    + (job.dialect.speaksTransact ? "; or name the server with --connection." : "."))
        }
        if job.connection != nil, !job.dialect.speaksTransact {
            throw SluiceError(
                .usage, "--connection is for synapse and fabric, and the dialect is \(job.dialect.rawValue)",
                hint: "Name one of these with --dialect.")
        }
        if job.out == "-", context.options.isJSON {
            throw SluiceError(
                .usage, "standard output cannot hold both the script and the answer of --json",
                hint: "Name a file with --out.")
        }
        if options.plansOnly {
            let result = try await workspace.plan(job, options: options)
            MapLines(result).show(in: context)
            return result.isPartial ? .partial : .succeeded
        }
        let outcome = await WatchedRun(context).watched(job.name) { [options] observer in
            await workspace.run(job, options: options, package: WatchedRun.package, observer: observer)
        }
        if let error = outcome.error {
            if context.options.isJSON { context.answer(outcome.json) }
            return try WatchedRun(context).report(error, of: "map")
        }
        if context.options.isJSON, let map = outcome.map { context.answer(map.json) }
        return ExitCode(outcome)
    }

    /// The job of the project that is named, or one by options alone.
    private func job(_ arguments: Arguments, _ workspace: Workspace, in context: Context) throws -> MapJob {
        var job = MapJob(name: "map")
        let environment = SynapseEnvironment(context.environment)
        if arguments[lake] == nil, environment.isPresent, !ProjectFile.isAnywhere(in: context) {
            job = try environment.job()
        } else if let text = arguments[lake] {
            if let declared = workspace.project.job(text) {
                job = try workspace.map(declared.name)
            } else {
                job.lake = text
            }
        }
        if arguments[layout] != nil || !arguments[partitions].isEmpty {
            job.layout = try MapJob.layout(
                arguments[layout], partitions: arguments[partitions].isEmpty ? nil : arguments[partitions])
        }
        for condition in arguments[condition] { job.restrictions[condition.name] = condition.value }
        if !arguments[include].isEmpty { job.include = arguments[include] }
        if !arguments[exclude].isEmpty { job.exclude = arguments[exclude] }
        if let word = arguments[dialect], word != job.dialect {
            job.dialect = word
            (job.connection, job.usesEnvironmentServer) = (nil, false)
        }
        if let name = arguments[connection] { (job.connection, job.out) = (name, nil) }
        job.template = arguments[name] ?? job.template
        job.schema = arguments[schema] ?? job.schema
        if let kind = arguments[objects] {
            guard ["views", "tables"].contains(kind) else {
                throw SluiceError(.usage, "--objects is '\(kind)', views or tables was expected")
            }
            job.makesTables = kind == "tables"
        }
        job.database = arguments[database] ?? job.database
        job.location = arguments[location] ?? job.location
        if let file = arguments[out] {
            if arguments[connection] != nil {
                throw SluiceError(
                    .usage, "--out and --connection cannot be meant at once",
                    hint: "A script is for whoever has no connection.")
            }
            (job.out, job.connection, job.usesEnvironmentServer) = (file, nil, false)
        }
        job.errors = arguments[errors] ?? job.errors
        return job
    }
}
