public import Settings
public import Support
import Warehouse

/// What may be written in a job of kind `init`.
public enum InitKeys {
    /// The kind's name.
    public static let kind = "init"

    /// The keys of the job.
    public static let keys: [KeyShape] = [
        KeyShape(
            "purpose", .text, "What the job is for, in a word or two like grant-db-roles; its name when not given"),
        KeyShape("on", .reference(to: "connections"), "The database that steps work on", standard: "the warehouse"),
        KeyShape("steps", .list(.object(step)), "What is to be so, in this order", required: true),
        KeyShape("timeout", .duration, "How long the run may take; as long as it takes when not given"),
        KeyShape("lock_wait", .duration, "How long to wait for another run of this job", standard: "0s"),
    ]

    /// A step, regions among them.
    public static let step = ObjectShape(
        "step", keys: common, variants: .init(by: "step", summary: "What kind of step it is", cases: cases + [regions]))

    /// A step of a region.
    static let regionalStep = ObjectShape(
        "step of a region", keys: common,
        variants: .init(by: "step", summary: "What kind of step it is", cases: cases))

    private static let common = [
        KeyShape("name", .text, "What the step is called; the word for its kind when not given"),
        KeyShape("on", .reference(to: "connections"), "The database that it works on", standard: "the job's"),
        KeyShape("timeout", .duration, "How long the step may take; as long as it takes when not given"),
    ]

    private static let cases: [(name: String, keys: [KeyShape])] = [
        (
            "check",
            [
                KeyShape("host", .text, "A host that has to be reached"),
                KeyShape("port", .integer(1...65_535), "The port on that host"),
                KeyShape(
                    "tls", .boolean,
                    "Whether what answers at host and port, or else the session with the database, has to be encrypted",
                    standard: "false"),
                KeyShape("secrets", .list(.text), "Secrets that have to be there: name, or vault/name"),
                KeyShape("roles", .list(.text), "Roles that the database has to have"),
                KeyShape("extensions", .list(.text), "Extensions that the database has to have"),
                KeyShape("version", .text, "The least version of the database, as 14 or 14.2"),
            ]
        ),
        (
            "grant-roles",
            [
                KeyShape(
                    "identity", .text, "The role to grant to: of a managed identity its name, in Azure", required: true),
                KeyShape(
                    "rights", .list(.choice(GrantStep.Right.allCases.map(\.rawValue))),
                    "What it may do: read rows, write rows, define tables (ddl)", required: true),
                KeyShape("schemas", .list(.text), "In which schemas", standard: "public, or all where T-SQL is spoken"),
                KeyShape(
                    "creators", .list(.text),
                    "Roles whose tables yet to come the rights hold for as well; when not given, the role that grants, "
                        + "and each that owns a table and that it may speak for"),
                KeyShape(
                    "object_id", .text, "In Azure: the identity's object id, by which it is found whatever it is called"
                ),
                KeyShape("type", .choice(["service", "user", "group"]), "In Azure: what it is", standard: "service"),
                KeyShape("password", .text, "Outside of Azure: what the role logs in with: a secret"),
                KeyShape("login", .text, "SQL Server: the login that the user is for, instead of an Entra identity"),
            ]
        ),
        (
            "migrate",
            [
                KeyShape("folder", .text, "Where the files of SQL lie, from the project's folder on", required: true),
                KeyShape("files", .text, "Which of them, as a pattern", standard: "*.sql"),
                KeyShape(
                    "transaction", .choice(["each", "all"]),
                    "Whether each file is a transaction of its own, or all that are new together", standard: "each"),
                KeyShape(
                    "out_of_order", .choice(["refuse", "allow"]),
                    "What to do about a new file that comes before one that has been run", standard: "refuse"),
                KeyShape("ledger", .text, "The table that knows what has been run", standard: "sluice_migrations"),
            ]
        ),
        (
            "seed",
            [
                KeyShape(
                    "from", .reference(to: "connections"), "Where the files lie: a connection, a URL or a path",
                    standard: "the project's folder"),
                KeyShape("files", .list(.text), "The files, as patterns like seed/countries.csv", required: true),
                KeyShape("into", .text, "The table to fill, as table or schema.table", required: true),
                KeyShape(
                    "key", .list(.text), "The columns that tell rows apart: what is there is updated", required: true),
                KeyShape("types", .map(.text, of: "types"), "Types of columns; the others are found out"),
                KeyShape("format", .text, "The format of files whose names do not tell"),
            ]
        ),
        (
            "command",
            [
                KeyShape(
                    "run", .list(.text), "The program and its arguments; a secret has its place in env", required: true),
                KeyShape("env", .map(.text, of: "texts"), "Environment variables, which may be secrets"),
                KeyShape(
                    "folder", .text, "Where it runs, from the project's folder on", standard: "the project's folder"),
                KeyShape("needs", .list(.text), "Programs that have to be there, as psql or python3 >= 3.9"),
                KeyShape(
                    "check", .list(.text),
                    "A program that ends with 0 when there is nothing to do; without it the command runs every time"),
                KeyShape("stop_wait", .duration, "How long it may take to end when asked to", standard: "5s"),
            ]
        ),
    ]

    private static let regions: (name: String, keys: [KeyShape]) = (
        "regions",
        [
            KeyShape("regions", .list(.text), "The regions; {region} in a step stands for each", required: true),
            KeyShape(
                "values", .map(.map(.text, of: "texts"), of: "regions"),
                "More that differs, by region: {host} in a step stands for the region's value of that name"),
            KeyShape("steps", .list(.object(regionalStep)), "The steps, in each region in this order", required: true),
        ]
    )

    // MARK: Keys together

    /// What is wrong with keys that are right one by one, in a section that fits the keys' shapes.
    public static func check(_ job: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        let steps = InitJob.items(job.node["steps"])
        if steps.isEmpty {
            problems.append(
                problem(job, "steps", "\"\(job.path).steps\" is empty, and there is nothing to do", "add a step"))
        }
        for (index, node) in steps.enumerated() {
            let step = Section(node, path: "\(job.path).steps[\(index)]")
            guard step.text("step") == "regions" else {
                problems += check(step: step)
                continue
            }
            if InitJob.items(step.node["steps"]).isEmpty || (step.texts("regions") ?? []).isEmpty {
                problems.append(
                    problem(step, "steps", "\"\(step.path)\" names no region or no step", "add both, or remove it"))
            }
            problems += regions(step)
        }
        return problems
    }

    private static func regions(_ step: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        let names = step.texts("regions") ?? []
        for entry in step.node["values"]?.entries ?? [] where !names.contains(entry.key) {
            let path = "\(step.path).values.\(entry.key)"
            problems.append(
                Diagnostic(
                    .error, "\"\(path)\" is for no region of \(names.joined(separator: ", "))", at: entry.keyMark,
                    path: path, hint: nearestWord(to: entry.key, among: names).map { "did you mean \"\($0)\"?" }))
        }
        for (index, node) in InitJob.items(step.node["steps"]).enumerated() {
            problems += check(step: Section(node, path: "\(step.path).steps[\(index)]"))
        }
        return problems
    }

    private static func check(step: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        switch step.text("step") {
        case "check":
            if step.has("port") != step.has("host") {
                problems.append(
                    problem(
                        step, step.has("port") ? "port" : "host",
                        "\"\(step.path)\" names a host or a port, and both are needed", "add the other"))
            }
            if !["host", "tls", "secrets", "roles", "extensions", "version", "on"].contains(where: step.has) {
                problems.append(
                    problem(step, "step", "\"\(step.path)\" checks nothing", "add host and port, or secrets"))
            }
        case "seed":
            if let into = step.text("into"), TableName(parsing: into) == nil, !into.contains("{") {
                problems.append(
                    problem(
                        step, "into", "\"\(step.path).into\" is \"\(into)\", a table or schema.table was expected",
                        "write a name with dots or other signs in double quotes"))
            }
        case "command":
            for key in ["run", "check"] {
                let words = step.node[key].map { node in node.scalar.map { [$0] } ?? node.items.compactMap(\.scalar) }
                if words?.contains(where: { !$0.secrets.isEmpty }) ?? false {
                    problems.append(
                        problem(
                            step, key,
                            "\"\(step.path).\(key)\" holds a secret, and arguments are seen by all of the machine",
                            "put it under env, and let the program read the variable"))
                }
                if words?.isEmpty ?? false {
                    problems.append(problem(step, key, "\"\(step.path).\(key)\" names no program", "add one"))
                }
            }
        default: break
        }
        return problems
    }

    private static func problem(_ section: Section, _ key: String, _ message: String, _ hint: String) -> Diagnostic {
        Diagnostic(.error, message, at: section.mark(key), path: "\(section.path).\(key)", hint: hint)
    }
}
